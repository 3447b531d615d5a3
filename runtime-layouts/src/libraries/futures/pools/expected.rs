//! Expectations: the names that unhang looks for in futures-executor and futures-task.

use crate::knowledge::expectation::{Expectation, Kind, NamedTypes, Spelling, newest, with};

const fn ty(
    what: &'static str,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind: Kind::Type, spellings, source, optional: true, instead: None }
}

pub(super) const LOCAL_POOL: Expectation = ty(
    "a pool of one thread",
    "futures-executor/src/local_pool.rs",
    &[with(newest("futures_executor::local_pool::LocalPool", "0.3"), &["pool", "incoming"])],
);

pub(super) const POOL_STATE: Expectation = ty(
    "a pool of several threads",
    "futures-executor/src/thread_pool.rs",
    &[with(newest("futures_executor::thread_pool::PoolState", "0.3"), &["size"])],
);

/// What the wakers of a task point to.
pub(super) const WAKE_HANDLE: Expectation = ty(
    "a task of such a pool that waits",
    "futures-executor/src/thread_pool.rs",
    &[with(newest("futures_executor::thread_pool::WakeHandle", "0.3"), &["mutex", "exec"])],
);

pub(in super::super) const EXPECTATIONS: &[Expectation] = &[LOCAL_POOL, POOL_STATE, WAKE_HANDLE];

pub(in super::super) const NAMED_TYPES: &[NamedTypes] =
    &[NamedTypes::of(&LOCAL_POOL), NamedTypes::of(&POOL_STATE), NamedTypes::of(&WAKE_HANDLE)];
