//! Variables of suspended frames.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{ALL, DEBUGGERS, GDBS, Mode};
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

/// Every front, with the variables of every frame.
const DUMP: &str = "async dump --locals";

#[test]
fn of_every_sort() -> Result<()> {
    let running = subjects::fixture("locals", Profile::Debug)?;
    let modes = &[Mode::Live, Mode::Core];
    Case { name: "locals", commands: &[DUMP], fronts: ALL, modes }.check(&running)
}

#[test]
fn of_every_sort_optimized() -> Result<()> {
    let running = subjects::fixture("locals", Profile::Release)?;
    let modes = &[Mode::Live, Mode::Core];
    Case { name: "locals-release", commands: &[DUMP], fronts: ALL, modes }.check(&running)
}

#[test]
fn of_the_selected_frame() -> Result<()> {
    let running = subjects::fixture("locals", Profile::Debug)?;
    Case {
        name: "locals-selected",
        commands: &[
            "async task 7",
            "async locals",
            "async frame 2",
            "async locals",
            "async print many.nothing",
            "async print nothing",
            "async print a b",
            "async print",
            "async bt 1 --locals",
        ],
        fronts: DEBUGGERS,
        modes: &[Mode::Live, Mode::Core],
    }
    .check(&running)
}

#[test]
fn as_values_of_gdb() -> Result<()> {
    let running = subjects::fixture("locals", Profile::Debug)?;
    Case {
        name: "locals-gdb",
        commands: &[
            "async task 1",
            "async frame 2",
            "async locals",
            "print $async_small + 1",
            "ptype $async_warm",
            "async print warm.0",
            "print $async_ * 2",
            "async up",
        ],
        fronts: GDBS,
        modes: &[Mode::Live, Mode::Core],
    }
    .check(&running)
}

#[test]
fn as_values_of_lldb() -> Result<()> {
    use end_to_end_tests::front::Front;
    let running = subjects::fixture("locals", Profile::Debug)?;
    Case {
        name: "locals-lldb",
        commands: &["async task 1", "async frame 2", "async print warm", "expression $0"],
        fronts: &[Front::SystemLldb, Front::NewestLldb],
        modes: &[Mode::Live, Mode::Core],
    }
    .check(&running)
}
