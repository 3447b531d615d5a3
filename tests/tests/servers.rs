//! Servers as people write them, with connections that stand still in every way.

use anyhow::{Context, Result};
use end_to_end_tests::connections::{
    Connections, HALF_A_BODY, HALF_A_HEAD, HALF_AN_ANSWER, HTTP_2, IDLE, IN_A_HANDLER, Talk,
};
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

fn open(fixture: &str, talks: &[Talk<'_>]) -> Result<()> {
    let mut server = subjects::fixture(fixture, Profile::Debug)?;
    let address = server.greeting().parse().context("an address")?;
    let _connections = Connections::open(address, talks)?;
    server.come_to_rest()?;
    let pid = server.pid();
    for (end, args) in [("txt", vec!["--width","150"]), ("json", vec!["--json"])] {
        let out = std::process::Command::new("/work/wt-oracle/target/release/unhang").arg("dump").arg("-p").arg(pid.to_string()).args(args).output()?;
        std::fs::write(format!("/tmp/oracle-{fixture}.{end}"), out.stdout)?;
    }
    Ok(())
}

#[test]
fn axum() -> Result<()> {
    open("axum-connections", &[IDLE, HALF_A_HEAD, HALF_A_BODY, IN_A_HANDLER, HALF_AN_ANSWER, HTTP_2])
}

#[test]
fn actix() -> Result<()> {
    open("actix-connections", &[IDLE, HALF_A_HEAD, HALF_A_BODY, IN_A_HANDLER, HALF_AN_ANSWER])
}
