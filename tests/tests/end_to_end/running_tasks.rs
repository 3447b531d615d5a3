//! A debugger that attaches while tasks run.

use anyhow::{Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DEBUGGERS, DUMP, Front, Mode};
use end_to_end_tests::subjects;
use xtask::fixture::Profile;
use xtask::session::Subject;

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

/// Without types: what can still be told, from the threads' stacks.
#[test]
fn polled_tasks_of_a_program_with_line_tables_alone() -> Result<()> {
    let running = subjects::fixture("running-tasks", Profile::Lines)?;
    for front in [Front::CommandLine, Front::SystemGdb, Front::NewestLldb] {
        let said = front.ask(Subject::Process(running.pid()), &[DUMP])?.concat();
        let expected = [
            "has line tables but no types",
            "Only the tasks that threads are polling now are shown, from their native stacks",
            "running_tasks::read_slowly",
            "running_tasks::digest_without_end",
            "running_tasks::compute_digest",
        ];
        for text in expected {
            ensure!(said.contains(text), "{front:?}: {text} is missing in {said}");
        }
        ensure!(!said.contains("Condvar"), "{front:?}: {said}");
    }
    Ok(())
}
