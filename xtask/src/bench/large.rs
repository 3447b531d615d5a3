//! A real service, all of Rust: `tests/large`.

use std::path::PathBuf;

use anyhow::Result;

use super::Bench;
use super::pass::Loaded;
use super::table::{Group, Place};
use crate::fixture::Running;
use crate::progress::Step;
use crate::workspace::{self, cargo, exclusively, root, target};

/// Builds it, as cargo builds things where nothing is said, and returns the executable.
fn build() -> Result<PathBuf> {
    let folder = target().join("bench/large");
    exclusively("bench-large", || {
        let step = Step::begin("building a large service (minutes, the first time)");
        let mut build = cargo(&root().join("tests/large"));
        build.args(["build", "--locked", "--target-dir"]).arg(&folder);
        workspace::run(&mut build, &step)?;
        step.done();
        Ok(())
    })?;
    Ok(folder.join("debug/large-service"))
}

impl Bench {
    /// A look at it, and extraction.
    pub(super) fn large(&mut self) -> Result<()> {
        if self.quick {
            self.say("The large service takes minutes to build, and is left out of a quick run.");
            return Ok(());
        }
        let program = build()?;
        let mut running = Running::start::<&str>(&program, &[])?;
        running.come_to_rest()?;
        let step = Step::begin("measuring a large service");
        let size = Loaded::open(&program)?.size()?;
        let title = format!("service, {} MB", size >> 20);
        let mut group = Group::new(title, Place::RealDebugInformation(size as f64));
        self.look(running.pid(), &mut group)?;
        self.extraction(&program, &mut group)?;
        self.groups.push(group);
        step.done();
        Ok(())
    }
}
