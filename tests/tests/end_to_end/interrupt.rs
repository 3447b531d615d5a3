//! Ctrl-C in a long listing.

use std::time::Duration;

use anyhow::{Result, ensure};
use end_to_end_tests::front::DEBUGGERS;
use end_to_end_tests::subjects;
use end_to_end_tests::terminal::Terminal;
use xtask::fixture::Profile;

/// How long it may take to get to the prompt.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn it_ends_the_listing_and_nothing_else() -> Result<()> {
    let running = subjects::many_tasks(Profile::Release, 100_000)?;
    for front in DEBUGGERS {
        let mut debugger = Terminal::attach(*front, running.pid())?;
        debugger.type_in("info async-tasks --all\n")?;
        debugger.wait_for("main.rs:84", SOON)?;
        let rest = debugger.interrupt()?;
        ensure!(!rest.contains("Traceback"), "{front:?}: {rest}");
        ensure!(!rest.contains("Complete: "), "{front:?}: it went on to the end");

        // The debugger goes on as before, and so does the process.
        debugger.type_in("info async-tasks\n")?;
        debugger.wait_for("Complete: 100000 tasks and 1 block_on future", SOON)?;
        debugger.wait_for_prompt(SOON)?;
        debugger.leave(SOON)?;
    }
    Ok(())
}
