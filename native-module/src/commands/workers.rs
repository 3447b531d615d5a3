//! `async workers`.

use clap::Parser;
use report_text::text::workers::write;

use super::{Front, Run};
use crate::failure::Failure;

/// Show the runtimes and what each of their worker threads does
#[derive(Parser)]
pub(crate) struct Workers {}

impl Run for Workers {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let look = front.look()?;
        Ok(write(&report, &look, front.out())?)
    }
}
