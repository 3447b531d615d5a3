//! Extraction from programs of a usual size, all of Rust: some of those that the tests look at.

use anyhow::Result;

use super::Bench;
use super::pass::Loaded;
use super::table::{Group, Place};
use crate::fixture::{Profile, build};
use crate::progress::Step;

/// Programs, from small to larger. What needs a few milliseconds more in a debug build stands out.
const PROGRAMS: [&str; 3] = ["many-tasks", "shapes", "axum-connections"];

impl Bench {
    /// Each of them, optimized and not.
    pub(super) fn programs(&mut self) -> Result<()> {
        for name in PROGRAMS {
            for profile in [Profile::Release, Profile::Debug] {
                let program = build(name, profile)?;
                let size = Loaded::open(&program)?.size()?;
                let step = Step::begin(format!("measuring {name} ({})", profile.folder()));
                let title = format!("{name}, {}, {} MB", profile.folder(), size >> 20);
                let mut group = Group::new(title, Place::RealDebugInformation(size as f64));
                self.extraction(&program, &mut group)?;
                self.groups.push(group);
                step.done();
            }
        }
        Ok(())
    }
}
