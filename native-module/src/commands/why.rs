//! `async why`.

use clap::Parser;
use report_text::text::why::{write, write_task};

use super::{Front, Run};
use crate::failure::Failure;
use crate::selection::find;

/// Explain why the program, or one task, makes no progress
///
/// Without an ID it reports faults: deadlocks, locks granted to a future that nothing polls
/// (futurelocks), tasks that nothing can wake any more, threads that something blocks. Each is a
/// sentence, its evidence, and what ends it where that is known. `Probably` says that a part is
/// likely and not certain. Locks held while their holder waits for something slow are worth a look,
/// and no fault. Where no fault is certain it says where to look first.
///
/// With an ID: the chain of reasons for which that task waits.
///
/// `async explain KIND` tells what a kind of fault means.
#[derive(Parser)]
pub(crate) struct Why {
    /// Id of the task, as `info async-tasks` shows it
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Show generic arguments in full
    #[arg(long)]
    full_names: bool,
}

impl Run for Why {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let mut look = front.look()?;
        look.full_names = self.full_names;
        match &self.id {
            Some(id) => write_task(&report, find(&report, id)?, &look, front.out())?,
            None => write(&report, &look, front.out())?,
        }
        Ok(())
    }
}
