//! Futures whose memory means harm end no front: what was cut is said, and the rest is shown.

use anyhow::Result;
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{ALL, DUMP, Mode};
use end_to_end_tests::subjects;
use xtask::fixture::Profile;

#[test]
fn a_box_that_leads_to_itself_and_vectors_without_end() -> Result<()> {
    let running = subjects::fixture("hostile", Profile::Debug)?;
    Case { name: "hostile", commands: &[DUMP], fronts: ALL, modes: &[Mode::Live, Mode::Core] }
        .check(&running)
}
