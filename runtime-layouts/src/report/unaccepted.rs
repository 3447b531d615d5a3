//! Connections that wait to be accepted while the task that listens for them does something else.

use std::sync::Arc;

use super::{Access, FrameRef, Holder, Report, TaskIndex};

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

    /// Whether who has the other end of a connection has it only as what it listens for.
    #[must_use]
    pub fn is_to_accept(&self, holder: &Holder) -> bool {
        let unaccepted = holder.task.map_or(&[][..], |task| self.unaccepted_by(task));
        let is_it = |it: &Unaccepted| it.frame == holder.frame && it.variable == holder.variable;
        holder.access == Access::Peer && unaccepted.iter().any(is_it)
    }
}
