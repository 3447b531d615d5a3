//! One task, a thousand, a hundred thousand: the list is complete, and in time.

use anyhow::{Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DEBUGGERS, Front, Mode};
use end_to_end_tests::listing::Listing;
use end_to_end_tests::subjects;
use xtask::fixture::{Profile, Running, build};
use xtask::session::Subject;

fn check(name: &str, running: &Running) -> Result<()> {
    Case { name, commands: &["info async-tasks"], fronts: DEBUGGERS, modes: &[Mode::Live] }
        .check(running)
}

#[test]
fn one() -> Result<()> {
    check("many-tasks-1", &subjects::many_tasks(Profile::Debug, 1)?)
}

#[test]
fn a_thousand() -> Result<()> {
    check("many-tasks-1000", &subjects::many_tasks(Profile::Debug, 1000)?)
}

#[test]
fn a_hundred_thousand() -> Result<()> {
    check("many-tasks-100000", &subjects::many_tasks(Profile::Release, 100_000)?)
}

#[test]
fn on_one_thread() -> Result<()> {
    let executable = build("many-tasks", Profile::Debug)?;
    let running = Running::start(&executable, &["8", "--flavor", "current_thread"])?;
    check("many-tasks-current-thread", &running)
}

#[test]
fn all_of_them_line_by_line() -> Result<()> {
    let mut running = subjects::many_tasks(Profile::Debug, 1000)?;
    let alive = running.alive_tasks()?;
    for front in DEBUGGERS {
        let subject = Subject::Process(running.pid());
        let outputs = front.ask(subject, &["info async-tasks --all"])?;
        // The tasks of the runtime, and the future of `block_on`.
        let expected = Listing { tasks: alive + 1, lines: alive + 1, is_complete: true };
        ensure!(Listing::read(&outputs[0])? == expected, "{front:?}: {}", outputs[0]);
    }
    Ok(())
}

#[test]
fn a_million() -> Result<()> {
    let mut running = subjects::many_tasks(Profile::Release, 1_000_000)?;
    let alive = running.alive_tasks()?;
    let outputs = Front::NewestGdb.ask(Subject::Process(running.pid()), &["info async-tasks"])?;
    let listing = Listing::read(&outputs[0])?;
    ensure!(listing.is_complete && listing.tasks == alive + 1, "{}", outputs[0]);
    Ok(())
}
