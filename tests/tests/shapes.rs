//! Every shape of an awaited future.

use anyhow::{Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{Front, GDBS, Mode};
use end_to_end_tests::listing::Listing;
use end_to_end_tests::subjects;
use xtask::fixture::Profile;
use xtask::session::Subject;

#[test]
fn each_has_its_backtrace() -> Result<()> {
    let running = subjects::fixture("shapes", Profile::Debug)?;
    Case {
        name: "shapes",
        commands: &["info async-tasks --all", "async bt all"],
        fronts: GDBS,
        modes: &[Mode::Live],
    }
    .check(&running)
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
