//! `async whatis`.

use clap::Parser;
use report_text::text::whatis::write;
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::whatis;

use super::{Front, Run};
use crate::failure::Failure;

/// Show what lies at an address, and what points at it
///
/// A task, a variable of one of its frames or what that leads to, a lock, a channel, a guard, a waker,
/// a connection, a thread's stack, code. What points at it is looked for among what tasks have and on
/// the stacks of threads.
#[derive(Parser)]
pub(crate) struct WhatIs {
    /// The address: 0x55d0a4c3f2d0
    #[arg(value_name = "ADDRESS", required = true)]
    address: String,
    /// Show generic arguments in full
    #[arg(long)]
    full_names: bool,
}

impl Run for WhatIs {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let address = whatis::parse_address(&self.address).map_err(Failure::Sentence)?;
        let report = front.report()?;
        let target = front.target()?;
        let found = whatis::of(&*target, &report, LIBRARIES, address);
        if target.interrupted() {
            return Err(Failure::Interrupted);
        }
        let mut look = front.look()?;
        look.full_names = self.full_names;
        Ok(write(&report, &found, &look, front.out())?)
    }
}
