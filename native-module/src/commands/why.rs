//! `async why`.

use clap::Parser;
use report_text::text::why::{write, write_task};

use super::{Front, Run};
use crate::failure::Failure;
use crate::selection::find;

/// Explain why the program, or one task, makes no progress
///
/// Without an ID it reports deadlocks, locks granted to a future that nothing polls (futurelocks),
/// tasks that nothing can wake any more, and locks held while their holder waits for something
/// slow: a sentence each, then the evidence. It reports only what memory shows; a healthy program
/// has no findings.
///
/// With an ID: the chain of reasons for which that task waits.
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
