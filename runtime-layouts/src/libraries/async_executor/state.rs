//! The state word of a task: flags, and how many refer to the task.
//!
//! Source: `async-task/src/state.rs` (4.0.3 to 4.7.1, unchanged).

use crate::report::{TaskState, TaskWakers};

const SCHEDULED: u64 = 1 << 0;
const RUNNING: u64 = 1 << 1;
const COMPLETED: u64 = 1 << 2;
const CLOSED: u64 = 1 << 3;
/// The flags; references are counted in the bits above them.
const FLAGS: u32 = 8;

/// Whether the task with that word has ended, or is not polled any more.
pub(super) fn has_ended(word: u64) -> bool {
    word & (COMPLETED | CLOSED) != 0
}

/// Whether something refers to the task with that word, and not more than can.
pub(super) fn has_references(word: u64) -> bool {
    (1..1 << 24).contains(&(word >> FLAGS))
}

/// Whether the future of the task with that word was dropped, or its output took its place.
pub(super) fn has_future(word: u64) -> bool {
    // One that was closed while it is in a queue or runs is dropped when it comes out.
    word & COMPLETED == 0 && (word & CLOSED == 0 || word & (SCHEDULED | RUNNING) != 0)
}

/// The state of the task with that word.
pub(super) fn state_of(word: u64) -> TaskState {
    if word & COMPLETED != 0 {
        TaskState::Complete
    } else if word & CLOSED != 0 && word & RUNNING == 0 {
        TaskState::Cancelled
    } else if word & RUNNING != 0 {
        TaskState::Running
    } else if word & SCHEDULED != 0 {
        TaskState::Scheduled
    } else {
        TaskState::Idle
    }
}

/// How many wakers there are of an idle task with that word, beside so many that its executor keeps. A
/// `Task` is no reference, and a task that is in no queue has no `Runnable`.
pub(super) fn wakers_of(word: u64, of_executor: u64) -> TaskWakers {
    let is_idle = word & (SCHEDULED | RUNNING | COMPLETED | CLOSED) == 0;
    let wakers = (word >> FLAGS).checked_sub(of_executor).filter(|_| is_idle);
    let at_most = wakers.and_then(|count| u32::try_from(count).ok());
    TaskWakers { at_most, ..TaskWakers::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: u64 = 1 << 4;

    #[test]
    fn states() {
        let state = |flags| state_of(3 << FLAGS | TASK | flags);
        assert_eq!(state(0), TaskState::Idle);
        assert_eq!(state(SCHEDULED), TaskState::Scheduled);
        assert_eq!(state(RUNNING | SCHEDULED), TaskState::Running, "woken while it runs");
        assert_eq!(state(COMPLETED), TaskState::Complete);
        assert_eq!(state(COMPLETED | CLOSED), TaskState::Complete, "its output was taken");
        assert_eq!(state(CLOSED | SCHEDULED), TaskState::Cancelled);
        assert_eq!(state(CLOSED | RUNNING), TaskState::Running);
        assert!(has_future(CLOSED | SCHEDULED) && !has_future(CLOSED) && !has_future(COMPLETED));
    }

    #[test]
    fn what_the_executor_does_not_keep_are_wakers() {
        let wakers =
            |references: u64, flags: u64| wakers_of(references << FLAGS | flags, 1).at_most;
        assert_eq!([1, 2, 4].map(|count| wakers(count, TASK)), [Some(0), Some(1), Some(3)]);
        assert_eq!(wakers(0, 0), None, "torn");
        assert_eq!(wakers(2, SCHEDULED), None, "one is the queue's");
    }
}
