//! `async why`.

use clap::Parser;
use report_text::text::why::{write, write_task};

use super::{Front, Run};
use crate::failure::Failure;
use crate::selection::find;

/// Say why the program, or one task, does not go on
///
/// Without an ID: deadlocks, locks that were given to a future that nothing polls (futurelocks),
/// tasks that nothing can wake any more, and locks that are kept while their holder waits for
/// something slow. Each is a sentence, then its evidence. What memory does not show is not said: a
/// healthy program has none.
///
/// With an ID: the chain of reasons for which that task waits.
#[derive(Parser)]
pub(crate) struct Why {
    /// A task's id, as `info async-tasks` shows it
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Show generic arguments whole
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
