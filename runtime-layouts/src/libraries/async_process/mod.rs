//! async-process: child processes whose end is waited for, and the task that reaps those that nobody
//! waits for.
//!
//! Source: `async-process/src/{lib,reaper/{wait,signal}}.rs` (1.8.1 and 2.5.0): whoever waits is told by
//! the descriptor of the process, or by an event for all whenever a child ended. smol 2 has the reaper
//! as a task of its executor, and else a thread runs it.

use crate::knowledge::{Library, ObservedResource, Reading, ResourceType};
use crate::libraries::rust_std::children;
use crate::report::ResourceKind;
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: &[
        ResourceType::of(
            "async_process::{impl}::status::{async_block_env#0}",
            children::end_of_shared,
        ),
        ResourceType::of("async_process::reaper::wait::{impl}::reap::{async_fn_env#0}", reaper),
        ResourceType::of("async_process::reaper::signal::{impl}::reap::{async_fn_env#0}", reaper),
    ],
    ..Library::named("async-process")
};

/// The reaper: the next child that was dropped before it ended, and the end of that.
fn reaper(_: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Child, value);
    seen.name = Some("child processes that were dropped".into());
    Ok(Some(seen))
}
