//! A program that nobody here wrote, unmodified.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{GDBS, Mode};
use end_to_end_tests::third_party::Tunnel;

#[test]
fn bore_with_open_connections() -> Result<()> {
    let tunnel = Tunnel::open(2)?;
    let commands = &["info async-tasks", "async bt all"];
    let case = |name| Case { name, commands, fronts: GDBS, modes: &[Mode::Live] };
    case("third-party-server").check(&tunnel.server)?;
    case("third-party-client").check(&tunnel.client)
}
