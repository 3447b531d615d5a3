//! Executors of async-executor, and threads that block on futures by whatever means.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DUMP, Front, Mode};
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

const FRONTS: &[Front] = &[Front::SystemGdb, Front::SystemLldb, Front::CommandLine];

fn check(profile: Profile, what: &str, name: &str, modes: &[Mode]) -> Result<()> {
    let running = match what {
        "errands" | "full-pool" | "others" => subjects::smol_errands(profile, what)?,
        _ => subjects::smol_tasks(profile, what)?,
    };
    Case { name, commands: &[DUMP], fronts: FRONTS, modes }.check(&running)
}

const BOTH: &[Mode] = &[Mode::Live, Mode::Core];
/// The list of a live process tells more of timers and sockets, which differs from run to run.
const CORE: &[Mode] = &[Mode::Core];

#[test]
fn tasks_are_listed_with_what_they_wait_for() -> Result<()> {
    check(Profile::Debug, "day", "smol-day", CORE)
}

#[test]
fn tasks_are_listed_with_what_they_wait_for_optimized() -> Result<()> {
    check(Profile::Release, "day", "smol-day-release", CORE)
}

#[test]
fn a_circle_of_locks() -> Result<()> {
    check(Profile::Debug, "circle", "smol-circle", BOTH)
}

#[test]
fn a_circle_of_locks_optimized() -> Result<()> {
    check(Profile::Release, "circle", "smol-circle-release", CORE)
}

#[test]
fn a_task_that_blocks_its_thread_on_another_one() -> Result<()> {
    check(Profile::Debug, "nested", "smol-nested", CORE)
}

#[test]
fn threads_that_block_on_futures_by_whatever_means() -> Result<()> {
    check(Profile::Debug, "blocked-on", "smol-blocked-on", BOTH)
}

#[test]
fn a_circle_across_two_runtimes() -> Result<()> {
    check(Profile::Debug, "across", "smol-across", BOTH)
}

#[test]
fn an_executor_that_nobody_runs() -> Result<()> {
    check(Profile::Debug, "nobody", "smol-nobody", CORE)
}

#[test]
fn a_pool_of_one_thread_of_futures() -> Result<()> {
    check(Profile::Debug, "local-pool", "smol-local-pool", CORE)
}

#[test]
fn a_pool_of_several_threads_whose_tasks_only_wakers_lead_to() -> Result<()> {
    check(Profile::Debug, "thread-pool", "smol-thread-pool", CORE)
}

#[test]
fn a_static_executor_that_keeps_no_list() -> Result<()> {
    check(Profile::Debug, "leaked", "smol-leaked", CORE)
}

#[test]
fn the_runtime_of_zbus() -> Result<()> {
    check(Profile::Debug, "zbus", "smol-zbus", CORE)
}

#[test]
fn child_processes_files_sockets_and_the_pool_for_what_blocks() -> Result<()> {
    check(Profile::Debug, "errands", "smol-errands", CORE)
}

#[test]
fn files_child_processes_and_closures_of_other_runtimes() -> Result<()> {
    check(Profile::Debug, "others", "smol-others", CORE)
}

#[test]
fn a_full_pool_whose_closure_waits_for_one_that_queues() -> Result<()> {
    check(Profile::Debug, "full-pool", "smol-full-pool", CORE)
}

#[test]
#[ignore = "the same, optimized and live; `cargo xtask test --full` runs it"]
fn pools_and_the_runtime_of_zbus_optimized() -> Result<()> {
    for what in ["local-pool", "thread-pool", "leaked", "zbus", "full-pool", "others"] {
        check(Profile::Debug, what, &format!("smol-{what}"), &[Mode::Live])?;
        check(Profile::Release, what, &format!("smol-{what}-release"), BOTH)?;
    }
    Ok(())
}
