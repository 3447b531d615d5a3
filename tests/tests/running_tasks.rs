//! A debugger that attaches while tasks run.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DEBUGGERS, Mode};
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

#[test]
fn they_are_marked_and_their_state_is_called_stale() -> Result<()> {
    let running = subjects::fixture("running-tasks", Profile::Debug)?;
    Case {
        name: "running-tasks",
        // Which worker runs which task is chance, so no dump with its workers.
        commands: &["info async-tasks", "async bt all"],
        fronts: DEBUGGERS,
        modes: &[Mode::Live, Mode::Core],
    }
    .check(&running)
}
