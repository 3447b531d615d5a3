//! Expectations: the names that unhang looks for in embassy-executor.

use crate::knowledge::expectation::{Expectation, Kind, NamedTypes, Spelling, newest, was, with};

const fn ty(
    what: &'static str,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind: Kind::Type, spellings, source, optional: true, instead: None }
}

/// What polls a task, without generic arguments: the task's header points to it.
pub(super) const POLL: &str = "embassy_executor::raw::TaskStorage::poll";

pub(super) const HEADER: Expectation = ty(
    "the part of a task that does not depend on its future",
    "embassy-executor/src/raw/mod.rs",
    &[with(newest("embassy_executor::raw::TaskHeader", "0.5"), &["state", "executor", "poll_fn"])],
);

pub(super) const EXECUTOR: Expectation = ty(
    "an executor",
    "embassy-executor/src/raw/mod.rs",
    &[with(newest("embassy_executor::raw::SyncExecutor", "0.5"), &["pender"])],
);

const STORAGE: Expectation = ty(
    "the place of one task",
    "embassy-executor/src/raw/mod.rs",
    &[with(newest("embassy_executor::raw::TaskStorage<", "0.5"), &["raw", "future"])],
);

/// Only named: its tasks are found by what is in it.
const HOLDER: Expectation = ty(
    "the places of the tasks of one function",
    "embassy-executor/src/lib.rs",
    &[newest(TASK_POOL_HOLDER, "0.8"), with(was(TASK_POOL_REF, "0.5", "0.8"), &["ptr"])],
);

pub(super) const EXPECTATIONS: &[Expectation] = &[HEADER, EXECUTOR, STORAGE, HOLDER];

pub(super) const NAMED_TYPES: &[NamedTypes] = &[
    NamedTypes::of(&HEADER),
    NamedTypes::of(&EXECUTOR),
    NamedTypes::of(&INTERRUPT),
    NamedTypes::of(&SIGNALER),
];

/// An executor that an interrupt runs.
pub(super) const INTERRUPT: Expectation = ty(
    "an executor that an interrupt runs",
    "embassy-executor/src/platform/cortex_m.rs",
    &[
        newest("embassy_executor::platform::interrupt::InterruptExecutor", "0.10"),
        was("embassy_executor::arch::interrupt::InterruptExecutor", "0.5", "0.10"),
    ],
);

/// What a thread of the standard library waits with for work.
pub(super) const SIGNALER: Expectation = ty(
    "what a thread of the standard library waits with for work",
    "embassy-executor/src/platform/std.rs",
    &[
        newest("embassy_executor::platform::thread::Signaler", "0.10"),
        was("embassy_executor::arch::thread::Signaler", "0.5", "0.10"),
    ],
);

/// Bytes for the tasks of one function, since a static variable has no type that it could name.
pub(super) const TASK_POOL_HOLDER: &str = "embassy_executor::_export::TaskPoolHolder<";
/// A pointer to them in the arena.
pub(super) const TASK_POOL_REF: &str = "embassy_executor::_export::TaskPoolRef";
/// What the pools are in that are pointed to.
pub(super) const ARENA: &str = "embassy_executor::_export::Arena<";
/// The tasks of one function, where the compiler lets a static variable name its type (the feature
/// `nightly`).
pub(super) const TASK_POOL: &str = "embassy_executor::raw::TaskPool<";
/// One task that the user made a place for.
pub(super) const TASK_STORAGE: &str = "embassy_executor::raw::TaskStorage<";

pub(super) const STATICS: &[&str] =
    &[TASK_POOL_HOLDER, TASK_POOL_REF, ARENA, TASK_POOL, TASK_STORAGE];
