//! Every shape of an awaited future.

use anyhow::{Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{ALL, DUMP, Front, GDBS, Mode};
use end_to_end_tests::listing::Listing;
use end_to_end_tests::subjects;
use xtask::fixture::Profile;
use xtask::session::Subject;

fn check(fixture: &str, profile: Profile, name: &str) -> Result<()> {
    let running = subjects::fixture(fixture, profile)?;
    Case { name, commands: &[DUMP], fronts: ALL, modes: &[Mode::Live, Mode::Core] }.check(&running)
}

#[test]
fn each_has_its_backtrace() -> Result<()> {
    check("shapes", Profile::Debug, "shapes")
}

#[test]
fn each_has_its_backtrace_optimized() -> Result<()> {
    check("shapes", Profile::Release, "shapes-release")
}

#[test]
fn trees_of_futures_and_tasks_in_no_list() -> Result<()> {
    check("combinators", Profile::Debug, "combinators")
}

#[test]
fn trees_of_futures_and_tasks_in_no_list_optimized() -> Result<()> {
    check("combinators", Profile::Release, "combinators-release")
}

#[test]
fn a_macro_shows_where_it_is_invoked() -> Result<()> {
    check("macros", Profile::Debug, "macros")
}

#[test]
fn a_macro_shows_where_it_is_invoked_optimized() -> Result<()> {
    check("macros", Profile::Release, "macros-release")
}

#[test]
fn branches_are_pending_done_or_held() -> Result<()> {
    check("branches", Profile::Debug, "branches")
}

#[test]
fn branches_are_pending_done_or_held_optimized() -> Result<()> {
    check("branches", Profile::Release, "branches-release")
}

#[test]
fn every_root_is_found() -> Result<()> {
    check("roots", Profile::Debug, "roots")
}

#[test]
fn every_root_is_found_optimized() -> Result<()> {
    check("roots", Profile::Release, "roots-release")
}

#[test]
fn no_task_of_either_runtime_is_missing() -> Result<()> {
    let mut running = subjects::fixture("shapes", Profile::Debug)?;
    // The second runtime has one task; three futures are blocked on.
    let expected = running.alive_tasks()? + 1 + 3;
    let outputs =
        Front::NewestGdb.ask(Subject::Process(running.pid()), &["info async-tasks --all"])?;
    ensure!(Listing::read(&outputs[0])?.tasks == expected, "{}", outputs[0]);
    Ok(())
}

#[test]
fn a_task_and_its_frames_can_be_selected() -> Result<()> {
    let running = subjects::many_tasks(Profile::Debug, 4)?;
    Case {
        name: "selection",
        commands: &[
            "async task main",
            "async frame 1",
            "async up",
            "async down",
            "async down",
            "async down",
            "async bt",
            "async frame 99",
        ],
        fronts: GDBS,
        modes: &[Mode::Live],
    }
    .check(&running)
}
