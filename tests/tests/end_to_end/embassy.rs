//! Tasks of embassy-executor, which lie in static variables.

use anyhow::Result;
use end_to_end_tests::agreement;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{ALL, DEBUGGERS, DUMP, Front, Mode};
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;

/// One gdb and one lldb, each with one build.
const SOME: [(Profile, &[Front]); 2] =
    [(Profile::Debug, &[Front::SystemGdb]), (Profile::Release, &[Front::NewestLldb])];

const MODES: &[Mode] = &[Mode::Live, Mode::Core];

fn program(profile: Profile, arguments: &[&str]) -> Result<Running> {
    let mut running = Running::start(&fixture::build("embassy", profile)?, arguments)?;
    running.come_to_rest()?;
    Ok(running)
}

fn check_fault(fault: &str, looks: [(Profile, &[Front]); 2]) -> Result<()> {
    for (profile, fronts) in looks {
        let running = program(profile, &[fault])?;
        let commands = &["info async-tasks", "async why", "async bt 1", "async bt 2"];
        let name = &format!("embassy-{fault}");
        Case { name, commands, fronts, modes: MODES }.check(&running)?;
        agreement::check(Subject::Process(running.pid()))?;
    }
    Ok(())
}

#[test]
fn each_task_shows_what_it_waits_for() -> Result<()> {
    let fronts = &[Front::CommandLine, Front::NewestGdb];
    Case { name: "embassy", commands: &[DUMP], fronts, modes: MODES }
        .check(&program(Profile::Debug, &[])?)
}

#[test]
fn each_task_shows_what_it_waits_for_optimized() -> Result<()> {
    let fronts = &[Front::CommandLine, Front::SystemLldb];
    Case { name: "embassy-release", commands: &[DUMP], fronts, modes: MODES }
        .check(&program(Profile::Release, &[])?)
}

#[test]
fn two_tasks_take_two_locks_in_opposite_orders() -> Result<()> {
    check_fault("deadlock", SOME)
}

#[test]
fn a_task_blocks_the_only_thread() -> Result<()> {
    check_fault("blocked", SOME)
}

#[test]
#[ignore = "every debugger; `cargo xtask test --full` runs it"]
fn every_debugger_says_the_same() -> Result<()> {
    for (profile, name) in [(Profile::Debug, "embassy"), (Profile::Release, "embassy-release")] {
        Case { name, commands: &[DUMP], fronts: ALL, modes: MODES }
            .check(&program(profile, &[])?)?;
    }
    let all = [(Profile::Debug, DEBUGGERS), (Profile::Release, DEBUGGERS)];
    check_fault("deadlock", all)?;
    check_fault("blocked", all)
}
