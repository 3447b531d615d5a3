//! The commands do not contradict each other, whatever the program. Of the programs with faults
//! `why.rs` holds that.

use anyhow::{Context, Result};
use end_to_end_tests::{agreement, connections, subjects};
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;

fn check(program: &str, running: &Running) -> Result<()> {
    agreement::check(Subject::Process(running.pid())).with_context(|| program.to_string())
}

fn of_fixtures(profile: Profile) -> Result<()> {
    for name in ["shapes", "branches", "combinators", "macros", "locals", "roots", "resources"] {
        check(name, &subjects::fixture(name, profile)?)?;
    }
    check("axum-connections", &connections::axum(profile)?.running)?;
    check("actix-connections", &connections::actix(profile)?.running)?;
    check("many-tasks", &subjects::many_tasks(profile, 50)?)
}

#[test]
fn of_fixtures_without_optimization() -> Result<()> {
    check("running-tasks", &subjects::fixture("running-tasks", Profile::Debug)?)?;
    of_fixtures(Profile::Debug)
}

#[test]
fn of_fixtures_with_optimization() -> Result<()> {
    of_fixtures(Profile::Release)
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
        for profile in [Profile::Debug, Profile::Abort] {
            let running = Running::start(&fixture::build("healthy", profile)?, &[program])?;
            check(program, &running)?;
        }
    }
    Ok(())
}
