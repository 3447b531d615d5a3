//! Expectations: the names that unhang looks for in zruntime.

use crate::knowledge::expectation::{Expectation, Kind, NamedTypes, Spelling, newest, with};

const fn ty(
    what: &'static str,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind: Kind::Type, spellings, source, optional: true, instead: None }
}

/// Generic over whether one thread has it or several share it.
pub(super) const CORE: Expectation = ty(
    "a runtime: its tasks and what it waits with",
    "zruntime/src/runtime.rs",
    &[with(newest("zruntime::runtime::Core<", "0.2"), &["scheduler", "remote"])],
);

pub(super) const TASKS: Expectation = ty(
    "the tasks of a runtime",
    "zruntime/src/scheduler.rs",
    &[with(newest("zruntime::scheduler::Tasks<", "0.2"), &["slots", "next_id"])],
);

/// What was woken, and how the thread that waits is.
pub(super) const REMOTE: Expectation = ty(
    "the queue of a runtime",
    "zruntime/src/runtime.rs",
    &[with(newest("zruntime::runtime::Remote", "0.2"), &["ready"])],
);

pub(super) const JOIN: Expectation = ty(
    "what a task and its handle share",
    "zruntime/src/scheduler.rs",
    &[with(newest("zruntime::scheduler::Join<", "0.2"), &["waker", "state"])],
);

pub(super) const TASK_WAKER: Expectation = ty(
    "what wakes a task",
    "zruntime/src/scheduler.rs",
    &[with(newest("zruntime::scheduler::TaskWaker", "0.2"), &["id", "queued"])],
);

pub(super) const WORK: Expectation = ty(
    "what a closure that blocks and its future share",
    "zruntime/src/unblock/mod.rs",
    &[with(newest("zruntime::unblock::State<", "0.2"), &["outcome", "waker"])],
);

pub(super) const EXPECTATIONS: &[Expectation] = &[CORE, TASKS, REMOTE, JOIN, TASK_WAKER, WORK];

pub(super) const NAMED_TYPES: &[NamedTypes] = &[
    NamedTypes::of(&CORE),
    NamedTypes::of(&TASKS),
    NamedTypes::of(&REMOTE),
    NamedTypes::of(&TASK_WAKER),
];
