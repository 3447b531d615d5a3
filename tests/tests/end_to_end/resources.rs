//! Everything that a task can wait for, from the memory of the library that it is of.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{ALL, DUMP, Mode};
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

fn check(profile: Profile, name: &str) -> Result<()> {
    let running = subjects::fixture("resources", profile)?;
    Case { name, commands: &[DUMP], fronts: ALL, modes: &[Mode::Live, Mode::Core] }.check(&running)
}

#[test]
fn each_is_named_with_its_state_and_who_keeps_it() -> Result<()> {
    check(Profile::Debug, "resources")
}

#[test]
fn each_is_named_with_its_state_and_who_keeps_it_optimized() -> Result<()> {
    check(Profile::Release, "resources-release")
}
