//! Filters of the task list, in both debuggers.

use anyhow::{Result, ensure};
use end_to_end_tests::front::Front;
use end_to_end_tests::subjects;
use xtask::fixture::Profile;
use xtask::session::Subject;

/// Task 3 keeps a `Mutex` and waits for a timer; tasks 4 and 5 wait for the lock.
#[test]
fn what_tasks_wait_for_is_asked_for_by_its_kind() -> Result<()> {
    let running = subjects::faults(Profile::Debug, "slow")?;
    let commands = [
        ("info async-tasks --waiting-on mutex", "Complete: 2 of 3 tasks "),
        // A lock's queue is one of permits inside.
        ("info async-tasks --waiting-on semaphore", "Complete: 0 of 3 tasks "),
        ("info async-tasks --waiting-on timer", "Complete: 1 of 3 tasks "),
        ("info async-tasks --waiting-on lock,sleep", "Complete: 3 of 3 tasks "),
        ("info async-tasks --with Stock", "Complete: 2 of 3 tasks "),
        ("info async-tasks --waiting-on stock", "[possible values: mutex, rwlock, semaphore,"),
        ("help info async-tasks", "--waiting-on <KIND>"),
    ];
    for front in [Front::SystemGdb, Front::SystemLldb] {
        let lines = commands.map(|(line, _)| line);
        let outputs = front.ask(Subject::Process(running.pid()), &lines)?;
        for ((line, expected), output) in commands.iter().zip(&outputs) {
            ensure!(output.contains(expected), "{front:?}, {line}: {output}");
        }
    }
    Ok(())
}

#[test]
fn gdb_completes_the_kinds() -> Result<()> {
    let running = subjects::faults(Profile::Debug, "slow")?;
    let line = "complete info async-tasks --waiting-on s";
    let outputs = Front::SystemGdb.ask(Subject::Process(running.pid()), &[line])?;
    for word in ["semaphore", "shared", "signal", "sleep"] {
        ensure!(outputs[0].contains(&format!("--waiting-on {word}")), "{}", outputs[0]);
    }
    Ok(())
}
