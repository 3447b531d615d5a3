//! Waits for tasks: `Task` and what has one inside.
//!
//! Source: `zruntime/src/{lib,scheduler}.rs` (0.2.2): handle and task share a `Join`, which the task's
//! waker points to, or to what it has in an `Arc` of its own where one thread has the runtime.

use super::expected::{JOIN, TASK_WAKER};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::ResourceKind;
use crate::value::{Value, ValueError};

/// The end of one task.
pub(super) fn handle(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    const STATE: &str = "zruntime::scheduler::JoinState<";
    let program = reading.program;
    let Some(join) = value.find_through_pointers(program, JOIN.newest())? else { return Ok(None) };
    let held = join.member(program, "waker")?;
    let is_own = held.find_inline(program, TASK_WAKER.newest())?.is_some();
    let data = match is_own {
        true => Some(join),
        false => held.find_through_pointers(program, TASK_WAKER.newest())?,
    };
    let Some(data) = data else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Join, data);
    seen.name = Some("the end of a task".into());
    seen.parties = Some(1);
    seen.tasks.extend(reading.tasks.at(data.address));
    let state = join.member(program, "state")?.find_inline(program, STATE)?;
    let is_done =
        state.map(|state| state.member(program, "done")?.unsigned(program)).transpose()?;
    seen.is_granted = is_done.is_some_and(|done| done != 0);
    Ok(Some(seen))
}
