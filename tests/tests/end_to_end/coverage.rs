//! Every live task of every fixture ends in a named leaf. `docs/coverage.md` has the figures.

use anyhow::{Result, ensure};
use end_to_end_tests::coverage::Coverage;
use end_to_end_tests::front::Front;
use end_to_end_tests::{connections, subjects, task_dump};
use xtask::fixture::{Profile, Running};

/// What is known to have no leaf: a `block_on` future whose place on the stack an optimized build does
/// not record, and which is one byte, which no shape tells from others.
const KNOWN: &str = "shapes::threads::blocked_on_by_handle";

/// The fewest tasks that the program must show, so that an empty list does not pass.
fn check(name: &str, profile: Profile, running: &Running, at_least: usize) -> Result<()> {
    let (coverage, _) = Coverage::ask(Front::CommandLine, running.pid())?;
    println!("{name} ({}): {coverage}", profile.folder());
    ensure!(coverage.live >= at_least, "{name}, {profile:?}: {coverage}");
    let known = |miss: &&String| profile == Profile::Release && miss.contains(KNOWN);
    let misses: Vec<&String> = coverage.misses.iter().filter(|miss| !known(miss)).collect();
    ensure!(misses.is_empty(), "{name}, {profile:?}: {coverage}");
    Ok(())
}

fn of_fixtures(profile: Profile) -> Result<()> {
    check("inventory-service", profile, &subjects::hung_shop(profile)?.service, 5)?;
    check("many-tasks", profile, &subjects::many_tasks(profile, 1000)?, 1001)?;
    check("shapes", profile, &subjects::fixture("shapes", profile)?, 30)?;
    check("combinators", profile, &subjects::fixture("combinators", profile)?, 10)?;
    check("macros", profile, &subjects::fixture("macros", profile)?, 10)?;
    check("branches", profile, &subjects::fixture("branches", profile)?, 2)?;
    check("locals", profile, &subjects::fixture("locals", profile)?, 2)?;
    check("roots", profile, &subjects::fixture("roots", profile)?, 2)?;
    check("outside", profile, &subjects::fixture("outside", profile)?, 37)?;
    check("embassy", profile, &subjects::fixture("embassy", profile)?, 20)?;
    for fault in ["two-locks", "futurelock", "permits", "join-circle"] {
        check(fault, profile, &subjects::faults(profile, fault)?, 2)?;
    }
    check("task-dump", profile, &task_dump::take(profile)?.0, 26)?;
    Ok(())
}

#[test]
fn of_fixtures_without_optimization() -> Result<()> {
    let profile = Profile::Debug;
    of_fixtures(profile)?;
    check("running-tasks", profile, &subjects::fixture("running-tasks", profile)?, 6)?;
    check("axum-connections", profile, &connections::axum(profile)?.running, 8)?;
    check("actix-connections", profile, &connections::actix(profile)?.running, 14)
}

#[test]
fn of_fixtures_with_optimization() -> Result<()> {
    let profile = Profile::Release;
    of_fixtures(profile)?;
    check("axum-connections", profile, &connections::axum(profile)?.running, 8)
}

#[test]
#[ignore = "builds actix-web optimized; `cargo xtask test --full` runs it"]
fn of_actix_with_optimization() -> Result<()> {
    let profile = Profile::Release;
    check("actix-connections", profile, &connections::actix(profile)?.running, 14)
}

/// That the count can be less than whole: a program that unmaps what its tasks hold.
#[test]
fn torn_memory_is_missed() -> Result<()> {
    let running = subjects::fixture("torn-memory", Profile::Debug)?;
    let (coverage, _) = Coverage::ask(Front::CommandLine, running.pid())?;
    ensure!(coverage.named < coverage.live && !coverage.misses.is_empty(), "{coverage}");
    Ok(())
}
