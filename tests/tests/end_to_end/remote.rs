//! A process behind a gdbserver: all that unhang needs comes through the debugger.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DUMP, Front};
use end_to_end_tests::remote::Server;
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

/// A worker may be caught between two sleeps: now and then gdbserver lets a thread run while it
/// attaches, and the thread's `epoll_wait` ends with EINTR (seen in 5 of 25 runs, gdbserver 13.1).
const ATTACHMENTS: usize = 5;

#[test]
fn says_the_same() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let mut outputs = Vec::new();
    for _ in 0..ATTACHMENTS {
        let server = Server::attach(&shop.service)?;
        let executable = shop.service.executable();
        outputs = Front::SystemGdb.ask_remote(executable, server.port, &[DUMP])?;
        if !outputs.concat().contains("running") {
            break;
        }
    }
    Case { name: "hung-service", commands: &[DUMP], fronts: &[], modes: &[] }.compare(&outputs);
    Ok(())
}
