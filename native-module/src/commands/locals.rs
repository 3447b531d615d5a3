//! `async locals`.

use clap::Parser;
use report_text::text::variables;
use runtime_layouts::libraries::LIBRARIES;
use runtime_layouts::variables::{Limits, locals};

use super::{Front, Run};
use crate::failure::Failure;

/// Show the variables of the selected frame
///
/// For an async fn or block these are the variables that it keeps while it is suspended; one that it
/// no longer needs is gone. A variable that was moved may still be there with its old bytes: where
/// the debug information leaves that open, the line says so. The debugger knows the variables as
/// `$async_NAME`, where it knows their types.
#[derive(Parser)]
pub(crate) struct Locals {}

impl Run for Locals {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let report = front.report()?;
        let thread = front.selected_thread()?;
        let (task, number) = front.selection().current(&report, thread)?;
        let Some(frame) = variables::frame(task, number) else {
            return Err(Failure::Sentence(format!("Task {} has no frames.", task.id.0)));
        };
        let target = front.target()?;
        let locals = locals::Locals::new(&*target, LIBRARIES, Limits::SHORT);
        let look = front.look()?;
        variables::write(&report, frame, &locals, &look, front.out())?;
        let values: Vec<(String, u64, String)> = locals
            .of(&report, frame)
            .unwrap_or_default()
            .into_iter()
            .map(|local| (local.name, local.value.address, local.type_name))
            .collect();
        front.hand_over(&values).map(|_| ())
    }
}
