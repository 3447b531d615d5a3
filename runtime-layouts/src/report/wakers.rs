//! What is known of the wakers of a task.

use super::{
    FrameRef, Report, ResourceId, ResourceKind, Task, TaskIndex, TaskKind, ThreadRef, Wait,
};

/// What is known of the wakers of an idle task.
///
/// A waker keeps the task that it wakes in memory, so the runtime counts it. An idle task is polled
/// again when one of its wakers is used, and in no other way.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct TaskWakers {
    /// How many exist, at most: a runtime may count what can only abort the task with them. `None`
    /// when that is not known, and for a task that is not idle.
    pub at_most: Option<u32>,
    /// How many of these are kept by sets of futures, within the task itself, of which no future
    /// can be woken: such a set wakes the task only after one of its futures was woken.
    pub of_dead_sets: u32,
    /// Whether somebody has the task's `JoinHandle`, which can abort it.
    pub has_join_handle: bool,
    /// Of a future that a thread blocks on, the address of what unparks that thread: the data pointer
    /// of the wakers. `None` when that is not known, and for a task, whose header takes its place.
    pub parker: Option<u64>,
}

/// Where a waker of a task is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WakerPlace {
    /// In the leaf that waits.
    Leaf,
    /// In what lies together with something that is waited for: a channel, say.
    Resource(ResourceId),
    /// In a frame of another task.
    Frame(TaskIndex, FrameRef),
    /// On the stack of a thread.
    Stack(ThreadRef),
    /// In a static variable, at that address.
    Static(u64),
    /// On the heap at that address, in something of which nothing else is known.
    Heap(u64),
}

impl TaskWakers {
    /// So many, at most.
    #[must_use]
    pub const fn at_most(count: u32) -> Self {
        Self { at_most: Some(count), of_dead_sets: 0, has_join_handle: false, parker: None }
    }

    /// Whether it is certain that no waker exists.
    #[must_use]
    pub fn none_exists(self) -> bool {
        self.at_most == Some(0)
    }

    /// Whether it is certain that nothing can wake the task: no waker exists, or only those of
    /// its own sets of futures that nothing can wake either.
    #[must_use]
    pub fn nothing_can_wake(self) -> bool {
        self.at_most.is_some_and(|count| count <= self.of_dead_sets)
    }
}

impl Task {
    /// The data pointer of the wakers that wake it; 0 when that is not known.
    #[must_use]
    pub fn waker_data(&self) -> u64 {
        match self.kind {
            TaskKind::BlockOn => self.wakers.parker.unwrap_or(0),
            _ => self.address,
        }
    }
}

impl Report {
    /// Whether a handle may exist that can abort an idle task: the program makes such handles, and
    /// more refer to the task than its own waits account for, each of which keeps a waker at most.
    /// `false` also where that is not known.
    ///
    /// A `JoinHandle` is none of these: who awaits one mostly does not use it to abort.
    #[must_use]
    pub fn may_be_aborted(&self, task: TaskIndex) -> bool {
        self.has_abort_handles && self.has_more_wakers(task)
    }

    /// Whether more wakers of an idle task may exist than its own waits account for; `false` also where
    /// that is not known.
    #[must_use]
    pub fn has_more_wakers(&self, task: TaskIndex) -> bool {
        let keeps_waker = |wait: &&Wait| self.resource(wait.resource).kind != ResourceKind::Never;
        let waits = self.waits_of(task).iter().filter(keeps_waker).count();
        self.task(task).wakers.at_most.is_some_and(|count| count as usize > waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_can_be_woken_unless_every_waker_is_accounted_for() {
        assert!(!TaskWakers::default().nothing_can_wake() && !TaskWakers::default().none_exists());
        assert!(TaskWakers::at_most(0).nothing_can_wake() && TaskWakers::at_most(0).none_exists());
        let with_sets = |of_dead_sets| TaskWakers { of_dead_sets, ..TaskWakers::at_most(2) };
        let can_be_woken = [0, 1, 2].map(|sets| !with_sets(sets).nothing_can_wake());
        assert_eq!(can_be_woken, [true, true, false]);
    }
}
