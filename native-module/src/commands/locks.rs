//! `async locks`.

use clap::Parser;
use report_text::text::locks::write;

use super::{Front, Run};
use crate::failure::Failure;

/// Show every lock that is held or waited for, with its holders and its queue
///
/// The queue is in the lock's own order: the first waiter gets it next. unhang finds a holder by the
/// guard or permit in the variables of a suspended task.
#[derive(Parser)]
pub(crate) struct Locks {
    /// Show every waiter
    #[arg(long)]
    all: bool,
    /// Show generic arguments in full
    #[arg(long)]
    full_names: bool,
}

impl Run for Locks {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let mut look = front.look()?;
        look.full_names = self.full_names;
        Ok(write(&report, self.all, &look, front.out())?)
    }
}
