//! Tasks that wait for tasks.
//!
//! Source: `tokio/src/runtime/task/join.rs`, `tokio/src/task/join_set.rs`,
//! `tokio/src/util/idle_notified_set.rs` (tokio 1.54.1).

use super::task::HEADER;
use crate::layout::Type;
use crate::report::ResourceKind;
use crate::value::path::{self, Reach};
use crate::value::{Value, ValueError};
use crate::walk::waits::{Reading, Seen};

/// `JoinHandle`: the end of one task.
pub(super) fn handle(reading: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    let mut is_header = |ty: &Type| &*ty.name == HEADER;
    let Some(to_header) = path::find(reading.program, value.ty, Reach::RUNTIME, &mut is_header)
    else {
        return Ok(None);
    };
    let Some(header) = to_header.follow(reading.program, value)? else { return Ok(None) };
    let mut seen = Seen::new(ResourceKind::Join, header);
    seen.name = Some("the end of a task".to_string());
    seen.tasks.extend(reading.tasks.get(&header.address));
    Ok(Some(seen))
}

/// `JoinSet`: the end of the next of its tasks.
pub(super) fn set(_: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    let mut seen = Seen::new(ResourceKind::JoinSet, value);
    seen.name = Some("the end of a task of a JoinSet".to_string());
    Ok(Some(seen))
}
