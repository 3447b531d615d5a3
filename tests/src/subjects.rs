//! The programs that are looked at, started and in the state that is of interest.

use anyhow::Result;
use xtask::fixture::{self, Profile, Running};
use xtask::hung_service::HungService;

/// How many customers queue behind the one whose checkout hangs.
pub const QUEUE: usize = 3;

/// The inventory service, hung.
pub fn hung_shop(profile: Profile) -> Result<HungService> {
    let executable = fixture::build("inventory-service", profile)?;
    let mut shop = HungService::new(Running::start::<&str>(&executable, &[])?)?;
    shop.hang(QUEUE)?;
    Ok(shop)
}

/// `many-tasks` with `count` tasks.
pub fn many_tasks(profile: Profile, count: usize) -> Result<Running> {
    let executable = fixture::build("many-tasks", profile)?;
    Running::start(&executable, &[count.to_string()])
}

/// A fixture without arguments.
pub fn fixture(name: &str, profile: Profile) -> Result<Running> {
    Running::start::<&str>(&fixture::build(name, profile)?, &[])
}

/// `pools` with that fault, at rest.
pub fn pools(profile: Profile, fault: &str) -> Result<Running> {
    hanging("pools", profile, fault)
}

/// `faults` with that fault, at rest: when it says that it is ready, its main thread is not parked
/// yet, and on a busy machine a task may not have come to where it hangs. One of them never rests.
pub fn faults(profile: Profile, fault: &str) -> Result<Running> {
    hanging("faults", profile, fault)
}

/// `answers` with that fault, at rest.
pub fn answers(profile: Profile, fault: &str) -> Result<Running> {
    hanging("answers", profile, fault)
}

/// `smol-tasks` with what is to be seen, at rest.
pub fn smol_tasks(profile: Profile, what: &str) -> Result<Running> {
    hanging("smol-tasks", profile, what)
}

/// The program whose tasks of smol wait for what is outside of it.
pub fn smol_errands(profile: Profile, what: &str) -> Result<Running> {
    hanging("smol-errands", profile, what)
}

/// One of the programs that hang, at rest.
fn hanging(program: &str, profile: Profile, fault: &str) -> Result<Running> {
    let mut running = Running::start(&fixture::build(program, profile)?, &[fault])?;
    if fault != "long-loop" {
        running.come_to_rest()?;
    }
    Ok(running)
}
