//! Sets of tasks that a future runs, on the thread that made it.

use std::sync::Arc;

use super::{FrameRef, TaskIndex};

/// A set of tasks that no worker polls: they are polled when the set is, as tokio's `LocalSet`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LocalSet {
    /// What it is called: `LocalSet`.
    pub name: &'static str,
    /// The address of what all its owners share, which is its identity.
    pub address: u64,
    /// Its tasks that were found.
    pub tasks: Vec<TaskIndex>,
    /// Those of them that were woken, those that come next first.
    pub queue: Vec<TaskIndex>,
    /// Whether a future or a thread that goes on polls it. `None` when that is not known: nothing
    /// was found that polls it, but something was told to wake when one of its tasks does.
    pub is_polled: Option<bool>,
    /// What keeps the set without polling it; `None` when it is polled, or was not found.
    pub kept: Option<SetPlace>,
}

/// Where a set is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetPlace {
    /// The task whose frame keeps it; `None` for a thread that is in no task.
    pub task: Option<TaskIndex>,
    /// The frame.
    pub frame: FrameRef,
    /// The variable; `None` for a part of a future that has no name in the source.
    pub variable: Option<Arc<str>>,
    /// Whether the variable may have been moved away.
    pub may_be_moved: bool,
    /// Whether it lies behind a pointer that others may share, who may poll the set too.
    pub is_shared: bool,
}
