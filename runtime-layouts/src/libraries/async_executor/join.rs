//! Waits for tasks: `Task`, `FallibleTask` and what has one inside.
//!
//! Source: `async-task/src/task.rs` (4.0.3 to 4.7.1).

use super::state::has_ended;
use super::task::{header_type, may_be_task};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::ResourceKind;
use crate::value::{Program, Value, ValueError};

/// The path of a handle of a task.
pub(super) const TASK: &str = "async_task::task::Task<";

/// The head of the task that a handle is of; `None` for none.
pub(in crate::libraries) fn header(
    program: &Program<'_>,
    handle: Value,
) -> Result<Option<Value>, ValueError> {
    let Some(task) = handle.find_inline(program, TASK)? else { return Ok(None) };
    let Some(ty) = header_type(program, task.ty.module) else { return Ok(None) };
    let address = program.read_pointer(task.member(program, "ptr")?.address)?;
    if address == 0 {
        return Ok(None);
    }
    let header = Value { ty, address };
    Ok(may_be_task(program, header)?.then_some(header))
}

/// The end of one task.
pub(in crate::libraries) fn handle(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(header) = header(program, value)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Join, header);
    seen.name = Some("the end of a task".into());
    seen.parties = Some(1);
    seen.tasks.extend(reading.tasks.at(header.address));
    seen.is_granted = has_ended(header.member(program, "state")?.unsigned(program)?);
    Ok(Some(seen))
}
