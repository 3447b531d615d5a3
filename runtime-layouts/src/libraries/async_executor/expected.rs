//! Expectations: the names that unhang looks for in async-executor and async-task, each declared once
//! with every spelling that it ever had.

use crate::knowledge::expectation::{Expectation, Kind, NamedTypes, Spelling, newest, was, with};

const fn expect(
    what: &'static str,
    kind: Kind,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind, spellings, source, optional: true, instead: None }
}

pub(super) const STATE: Expectation = expect(
    "an executor: its tasks and queues",
    Kind::Type,
    "async-executor/src/lib.rs",
    &[with(newest("async_executor::State", "1.5"), &["active", "queue", "local_queues"])],
);

/// In 4.0 tasks have no metadata.
pub(super) const HEADER: Expectation = expect(
    "the head of a task",
    Kind::Type,
    "async-task/src/header.rs",
    &[
        with(newest("async_task::header::Header<", "4.7"), &["state", "vtable", "awaiter"]),
        with(was("async_task::header::Header", "4.0", "4.7"), &["state", "vtable", "awaiter"]),
    ],
);

pub(super) const TASK_TABLE: Expectation = expect(
    "the functions of a task",
    Kind::Type,
    "async-task/src/raw.rs",
    &[with(newest("async_task::raw::TaskVTable", "4.0"), &["run"])],
);

pub(super) const ACTIVE: Expectation = expect(
    "the tasks of an executor",
    Kind::Type,
    "async-executor/src/lib.rs",
    &[with(newest("slab::Slab<core::task::wake::Waker>", "0.4"), &["entries"])],
);

pub(super) const EXPECTATIONS: &[Expectation] = &[STATE, HEADER, TASK_TABLE, ACTIVE];

pub(super) const NAMED_TYPES: &[NamedTypes] = &[NamedTypes::of(&STATE), NamedTypes::of(&HEADER)];
