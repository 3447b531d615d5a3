//! A process behind a gdbserver: all that unhang needs comes through the debugger.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DEBUGGERS, DUMP};
use end_to_end_tests::remote::Server;
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

/// A worker may be caught between two sleeps: now and then gdbserver lets a thread run while it
/// attaches, and the thread's `epoll_wait` ends with EINTR (seen in 5 of 25 runs, gdbserver 13.1).
const ATTACHMENTS: usize = 5;

fn check(profile: Profile, golden: &str) -> Result<()> {
    for front in DEBUGGERS {
        let mut outputs = Vec::new();
        for _ in 0..ATTACHMENTS {
            let shop = subjects::hung_shop(profile)?;
            let server = Server::attach(&shop.service)?;
            outputs = front.ask_remote(shop.service.executable(), None, server.port, &[DUMP])?;
            if !outputs.concat().contains("running") {
                break;
            }
        }
        Case { name: golden, commands: &[DUMP], fronts: &[], modes: &[] }.compare(&outputs);
    }
    Ok(())
}

#[test]
fn says_the_same() -> Result<()> {
    check(Profile::Debug, "hung-service")
}

#[test]
fn says_the_same_of_a_release_build() -> Result<()> {
    check(Profile::Release, "hung-service-release")
}
