//! The commands do not contradict each other, whatever the program. Of the programs with faults
//! `why.rs` holds that.

use anyhow::{Context, Result};
use end_to_end_tests::{agreement, connections, subjects};
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;

fn check(program: &str, running: &Running) -> Result<()> {
    agreement::check(Subject::Process(running.pid())).with_context(|| program.to_string())
}

const FIXTURES: [&str; 7] =
    ["shapes", "branches", "combinators", "macros", "locals", "roots", "resources"];

fn of_fixtures(profile: Profile, fixtures: &[&str]) -> Result<()> {
    fixtures.iter().try_for_each(|name| check(name, &subjects::fixture(name, profile)?))
}

fn of_servers(profile: Profile) -> Result<()> {
    check("axum-connections", &connections::axum(profile)?.running)?;
    check("actix-connections", &connections::actix(profile)?.running)?;
    check("many-tasks", &subjects::many_tasks(profile, 50)?)
}

#[test]
fn of_fixtures_without_optimization() -> Result<()> {
    of_fixtures(Profile::Debug, &FIXTURES)
}

#[test]
fn of_servers_without_optimization() -> Result<()> {
    check("running-tasks", &subjects::fixture("running-tasks", Profile::Debug)?)?;
    of_servers(Profile::Debug)
}

#[test]
fn of_some_fixtures_with_optimization() -> Result<()> {
    of_fixtures(Profile::Release, &["branches", "combinators"])
}

#[test]
#[ignore = "builds actix-web optimized; `cargo xtask test --full` runs it"]
fn of_everything_with_optimization() -> Result<()> {
    of_fixtures(Profile::Release, &FIXTURES)?;
    of_servers(Profile::Release)
}

#[test]
fn of_the_hung_service() -> Result<()> {
    for profile in [Profile::Debug, Profile::Release] {
        check("inventory-service", &subjects::hung_shop(profile)?.service)?;
    }
    Ok(())
}

/// Programs that move: all commands look at the same stop.
#[test]
fn of_healthy_programs() -> Result<()> {
    for program in ["bank", "pool", "counters", "shared-writer", "actors", "fan-out", "one-thread"]
    {
        for profile in [Profile::Debug, Profile::Release] {
            let running = Running::start(&fixture::build("healthy", profile)?, &[program])?;
            check(program, &running)?;
        }
    }
    Ok(())
}
