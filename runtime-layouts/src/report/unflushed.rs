//! Bytes that a task has written and that lie in a buffer of its own, while it waits for what the
//! other side answers.

use std::sync::Arc;

use super::{FrameRef, Report, TaskIndex, Wait, WaitId};

/// A buffer with bytes that nobody flushed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unflushed {
    /// The task that wrote them.
    pub task: TaskIndex,
    /// Its wait for bytes from where these would go to.
    pub wait: WaitId,
    /// The frame that has the buffer.
    pub frame: FrameRef,
    /// The variable; `None` for a part of a future that has no name in the source.
    pub variable: Option<Arc<str>>,
    /// The type of the buffer as the source spells it.
    pub name: Arc<str>,
    /// Bytes that were written and not sent.
    pub bytes: u64,
    /// Whether the variable may have been moved away, so that this is what it was then.
    pub may_be_moved: bool,
}

impl Report {
    /// What a task has written and not flushed, though it waits for the answer.
    #[must_use]
    pub fn unflushed_by(&self, task: TaskIndex) -> &[Unflushed] {
        let start = self.unflushed.partition_point(|it| it.task < task);
        let rest = &self.unflushed[start..];
        &rest[..rest.partition_point(|it| it.task == task)]
    }

    /// The first of it that a wait of the task is about; `None` for none.
    #[must_use]
    pub fn unflushed_before(&self, wait: &Wait) -> Option<&Unflushed> {
        let own = self.unflushed_by(wait.task).iter();
        let mut own = own.filter(|it| std::ptr::eq(self.wait(it.wait), wait));
        own.next()
    }
}
