//! A process behind a gdbserver: all that unhang needs comes through the debugger.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DUMP, Front};
use end_to_end_tests::remote::Server;
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

#[test]
fn says_the_same() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let server = Server::attach(&shop.service)?;
    let outputs = Front::SystemGdb.ask_remote(shop.service.executable(), server.port, &[DUMP])?;
    Case { name: "hung-service", commands: &[DUMP], fronts: &[], modes: &[] }.compare(&outputs);
    Ok(())
}
