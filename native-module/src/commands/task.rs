//! `async task`.

use clap::Parser;
use report_text::text::backtrace::{frame_count, write_frame};
use runtime_layouts::report::TaskState;

use super::{Front, Run};
use crate::failure::Failure;
use crate::selection::find;

/// Select a task, or show the selected one
///
/// `async bt`, `async frame`, `async up` and `async down` then work on it. The selection stays
/// until the task ends or another one is selected.
#[derive(Parser)]
pub(crate) struct Task {
    /// Id of the task to select, as `info async-tasks` shows it
    #[arg(value_name = "ID")]
    id: Option<String>,
}

impl Run for Task {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let thread = front.selected_thread()?;
        let (task, frame, verb) = match &self.id {
            Some(id) => {
                let task = find(&report, id)?;
                front.selection().select(task);
                (task, 0, "Switching to task")
            }
            None => {
                let (task, frame) = front.selection().current(&report, thread)?;
                (task, frame, "Current task is")
            }
        };
        front.say(format_args!("[{verb} {} ({})]", task.id.0, state_alone(task.state)))?;
        if frame_count(task) > 0 {
            let look = front.look()?;
            write_frame(&report, task, frame, &look, front.out())?;
        }
        Ok(())
    }
}

/// A task's state where nothing else says that it is one.
pub(super) fn state_alone(state: TaskState) -> &'static str {
    match state {
        TaskState::Unknown => "state unknown",
        known => known.word(),
    }
}
