//! `async bt`.

use clap::Parser;
use report_text::text::Beside;
use report_text::text::backtrace::write;
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::report::Task;
use runtime_layouts::variables::Limits;
use runtime_layouts::variables::locals::LocalTable;

use super::{Front, Run};
use crate::failure::Failure;
use crate::selection::find;

/// Show the async backtrace of tasks
///
/// The innermost frame, #0, comes first, as in `bt`. Where a task awaits several futures at once
/// (`select!`, `join!`), the branches are shown as a tree.
///
/// Without an ID it shows the current task: the one that `async task` selected, otherwise the one
/// that the selected thread polls or blocks on.
#[derive(Parser)]
pub(crate) struct Bt {
    /// Ids of tasks, as `info async-tasks` shows them, or `all`
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Show the variables of the frames of your own code
    #[arg(long)]
    locals: bool,
    /// Show generic arguments in full
    #[arg(long)]
    full_names: bool,
    /// Show only your own code: drop the frames of libraries
    #[arg(long)]
    user: bool,
}

impl Run for Bt {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let thread = front.selected_thread()?;
        let mut look = front.look()?;
        look.full_names = self.full_names;
        look.user_only = self.user;
        look.current = front.selection().current_id(&report, thread);
        let tasks: Vec<&Task> = if self.ids.is_empty() {
            vec![front.selection().current(&report, thread)?.0]
        } else if self.ids.iter().any(|id| id == "all") && !report.tasks.is_empty() {
            report.tasks.iter().collect()
        } else {
            // Before anything is shown: a list with a mistake in it is refused whole.
            self.ids.iter().map(|id| find(&report, id)).collect::<Result<_, _>>()?
        };
        let mut beside = Beside::default();
        if self.locals {
            let target = front.target()?;
            let tasks = tasks.iter().copied();
            beside.locals = LocalTable::of(&*target, &report, tasks, LIBRARIES, Limits::SHORT);
        }
        for (index, task) in tasks.into_iter().enumerate() {
            if index > 0 {
                writeln!(front.out())?;
            }
            write(&report, task, &look, &beside, front.out())?;
        }
        Ok(())
    }
}
