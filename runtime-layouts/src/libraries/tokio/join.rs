//! Waits for tasks: `JoinHandle`, `JoinSet` and `yield_now`.
//!
//! Source: `tokio/src/runtime/task/join.rs`, `tokio/src/task/{join_set,yield_now}.rs`,
//! `tokio/src/util/idle_notified_set.rs` (tokio 1.54.1).

use super::linked_list::{self, End};
use super::task::{self, HEADER};
use super::task_id;
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{ResourceKind, TaskIndex};
use crate::value::{Program, Value, ValueError};

/// The lists of a `JoinSet`'s tasks.
const LISTS: &str = "tokio::util::idle_notified_set::ListsInner<";

/// `JoinHandle`: the end of one task.
pub(super) fn handle(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(header) = value.find_through_pointers(reading.program, HEADER)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Join, header);
    seen.name = Some("the end of a task".into());
    seen.parties = Some(1);
    seen.tasks.extend(task_of(reading, header));
    seen.is_granted = task::has_ended(reading.program, header)?;
    Ok(Some(seen))
}

/// The task with that header; of a closure that runs, which is in no list, by its id.
fn task_of(reading: &Reading<'_>, header: Value) -> Option<TaskIndex> {
    let known = reading.tasks.at(header.address);
    known.or_else(|| {
        let id = task::id(reading.program, header).ok()??;
        reading.tasks.closure(&task_id(id))
    })
}

/// The headers of a `JoinSet`'s tasks, in the order in which they were spawned or woken.
pub(super) fn headers(program: &Program<'_>, set: Value) -> Result<Vec<Value>, ValueError> {
    let mut found = Vec::new();
    let Some(lists) = set.find_through_pointers(program, LISTS)? else { return Ok(found) };
    for name in ["notified", "idle"] {
        // Newest first, as they were pushed.
        let mut entries = linked_list::nodes(program, lists.member(program, name)?, End::Head)?;
        entries.reverse();
        for entry in entries {
            found.extend(entry.member(program, "value")?.find_through_pointers(program, HEADER)?);
        }
    }
    Ok(found)
}

/// `JoinSet`, and what has one inside: the end of the next of its tasks.
pub(crate) fn set(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let mut seen = ObservedResource::new(ResourceKind::JoinSet, value);
    seen.name = Some("JoinSet".into());
    seen.parties = value.find_number(program, "length")?;
    for header in headers(program, value)? {
        seen.is_granted |= task::has_ended(program, header)?;
        seen.tasks.extend(task_of(reading, header));
    }
    seen.tasks.sort_unstable();
    Ok(Some(seen))
}

/// `yield_now` and `consume_budget`: the task itself has asked to be polled again.
pub(super) fn turn(_: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Yield, value);
    seen.name = Some("its next turn".into());
    Ok(Some(seen))
}
