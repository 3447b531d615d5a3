//! The state word of a task: flags, and how many refer to the task.
//!
//! Source: `tokio/src/runtime/task/state.rs` (tokio 1.54.1).

use crate::layout::Type;
use crate::report::{TaskState, TaskWakers};

/// Bits of the state word (`state.rs`; unchanged since tokio 1.0).
const RUNNING: u64 = 0b00_0001;
const COMPLETE: u64 = 0b00_0010;
const NOTIFIED: u64 = 0b00_0100;
const JOIN_INTEREST: u64 = 0b00_1000;
const CANCELLED: u64 = 0b10_0000;
/// The flags; references are counted in the bits above them.
const FLAGS: u32 = 6;

/// Whether the task with that word has ended.
pub(super) fn has_completed(word: u64) -> bool {
    word & COMPLETE != 0
}

/// Whether that is the word of a task that has ended and whose `JoinHandle` somebody has: memory that
/// was freed, into which an allocator writes addresses, looks otherwise.
pub(super) fn is_ended_and_kept(word: u64) -> bool {
    let is_so = word & (RUNNING | COMPLETE | JOIN_INTEREST) == COMPLETE | JOIN_INTEREST;
    is_so && (1..MAX_REFERENCES).contains(&(word >> FLAGS))
}

/// References that a task which has ended may have, at most.
const MAX_REFERENCES: u64 = 1 << 16;

/// The state of the task with that word.
pub(super) fn state_of(word: u64) -> TaskState {
    if word & COMPLETE != 0 {
        if word & CANCELLED != 0 { TaskState::Cancelled } else { TaskState::Complete }
    } else if word & RUNNING != 0 {
        TaskState::Running
    } else if word & CANCELLED != 0 {
        TaskState::Cancelled
    } else if word & NOTIFIED != 0 {
        TaskState::Scheduled
    } else {
        TaskState::Idle
    }
}

/// References to a task that is in a list and idle, besides those of its handles and wakers.
///
/// `runtime/task/state.rs`: one is the list's. In the first versions there was one more for the run
/// queue, which a task kept while it was in none (`INITIAL_STATE` had two references, and the first
/// poll added that of the list: 1.0.3, 1.8.5). 1.9 took `stack_next` from the header, and kept that
/// reference, as 1.13.1 does no longer: in between it counts as a waker, so that nothing is certain.
pub(super) fn own_references(header: &Type) -> u64 {
    if header.member("stack_next").is_some() { 2 } else { 1 }
}

/// How many wakers there are of a task in a list with that state word: `JoinHandle`, `AbortHandle`
/// and `Waker` keep a reference each, and the first is there while `JOIN_INTEREST` is set
/// (`runtime/task/{state,join,abort,waker}.rs`; 1.0.3 to 1.54.1). A thread that is about to drop its
/// reference makes it one more, never one less.
pub(super) fn wakers_of(word: u64, own_references: u64) -> TaskWakers {
    let is_idle = word & (RUNNING | COMPLETE | NOTIFIED | CANCELLED) == 0;
    let handles = u64::from(word & JOIN_INTEREST != 0);
    let wakers = (word >> FLAGS).checked_sub(own_references + handles).filter(|_| is_idle);
    let at_most = wakers.and_then(|count| u32::try_from(count).ok());
    TaskWakers { at_most, has_join_handle: handles > 0, ..TaskWakers::default() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_freed_is_no_task_that_has_ended() {
        let of = |flags: u64, references: u64| is_ended_and_kept(flags | references << FLAGS);
        assert!(of(COMPLETE | JOIN_INTEREST, 1));
        assert!(!of(COMPLETE, 1), "who has its handle was told");
        assert!(!of(JOIN_INTEREST, 3) && !of(COMPLETE | JOIN_INTEREST, 0));
        assert!(!is_ended_and_kept(0x7f93_7800_0cea), "an address");
    }

    use super::*;

    /// The wakers of a task with so many references and these flags, in tokio since 1.9.
    fn wakers(references: u64, flags: u64) -> Option<u32> {
        wakers_of(references << FLAGS | flags, 1).at_most
    }

    #[test]
    fn what_lists_and_handles_do_not_refer_to_wakers_do() {
        assert_eq!([1, 2, 4].map(|count| wakers(count, 0)), [Some(0), Some(1), Some(3)]);
        let with_handle = [2, 3].map(|count| wakers(count, JOIN_INTEREST));
        assert_eq!(with_handle, [Some(0), Some(1)]);
        // Torn: fewer than there must be.
        assert_eq!((wakers(0, 0), wakers(1, JOIN_INTEREST)), (None, None));
        assert_eq!(wakers(u64::MAX >> FLAGS, 0), None);
    }

    #[test]
    fn nothing_is_said_of_a_task_that_is_not_idle() {
        for flag in [RUNNING, COMPLETE, NOTIFIED, CANCELLED] {
            assert_eq!(wakers(2, flag), None);
        }
    }

    #[test]
    fn before_1_9_the_run_queue_has_a_reference_of_its_own() {
        assert_eq!(wakers_of(3 << FLAGS | JOIN_INTEREST, 2).at_most, Some(0));
        assert_eq!(wakers_of(3 << FLAGS, 2).at_most, Some(1));
    }
}
