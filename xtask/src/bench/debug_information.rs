//! Cost against debug information: `many-tasks` with so much of a C compiler's linked to it.

use std::path::Path;

use anyhow::Result;

use super::measure::Job;
use super::pass::Loaded;
use super::table::{Base, Group, Place};
use super::{Bench, filler};
use crate::fixture::Running;
use crate::progress::Step;

/// How often some 9 MB of debug information; the first of them quickly.
const COPIES: [usize; 4] = [0, 5, 57, 120];
const QUICK: usize = 2;

impl Bench {
    /// All of it.
    pub(super) fn debug_information(&mut self) -> Result<()> {
        for &copies in &COPIES[..if self.quick { QUICK } else { COPIES.len() }] {
            let program = filler::many_tasks(copies)?;
            let running = Running::start(&program, &["1000"])?;
            let size = Loaded::open(&program)?.size()?;
            let step = Step::begin(format!("measuring {} MB of debug information", size >> 20));
            let place = Place::DebugInformation(size as f64);
            let mut group = Group::new(format!("{} MB", size >> 20), place);
            self.look(running.pid(), &mut group)?;
            self.extraction(&program, &mut group)?;
            self.groups.push(group);
            step.done();
        }
        if self.quick {
            self.say("Programs of 500 MB and 1 GB are left out of a quick run.");
        }
        Ok(())
    }

    /// A pass of gimli over everything, and `unhang extract` beside it.
    pub(super) fn extraction(&self, program: &Path, group: &mut Group) -> Result<()> {
        let pass = Job::new("gimli, every entry", || self.tools.gimli_pass(program));
        let pass = (pass.noting(|output| output.trim().to_owned()), Base::Alone);
        let base = Base::Beside(group.rows.len());
        let extract = Job::new("`unhang extract`", || self.tools.extract(program));
        group.measure(self.runs, vec![pass, (extract, base)])
    }
}
