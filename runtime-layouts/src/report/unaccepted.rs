//! Connections that wait to be accepted while the task that listens for them does something else.

use std::sync::Arc;

use super::{FrameRef, Report, TaskIndex};

/// A socket that listens, with connections that nobody has accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unaccepted {
    /// The task that has it.
    pub task: TaskIndex,
    /// The frame.
    pub frame: FrameRef,
    /// The variable; `None` for a part of a future that has no name in the source.
    pub variable: Option<Arc<str>>,
    /// Whether the variable may have been moved away, so that another one has it.
    pub may_be_moved: bool,
    /// The number of the open file.
    pub descriptor: u64,
    /// What clients connect to: `127.0.0.1:8080`.
    pub local: Arc<str>,
    /// How many connections wait.
    pub connections: u64,
}

impl Report {
    /// The connections that a task has not accepted, though it listens for them.
    #[must_use]
    pub fn unaccepted_by(&self, task: TaskIndex) -> &[Unaccepted] {
        let start = self.unaccepted.partition_point(|it| it.task < task);
        let rest = &self.unaccepted[start..];
        &rest[..rest.partition_point(|it| it.task == task)]
    }
}
