//! Expectations: the names that unhang looks for in the standard library and parking_lot.

use crate::knowledge::expectation::{
    Expectation, Kind, NamedTypes, Spelling, compiler, newest, with,
};

const fn ty(
    what: &'static str,
    source: &'static str,
    spellings: &'static [Spelling],
) -> Expectation {
    Expectation { what, kind: Kind::Type, spellings, source, optional: true, instead: None }
}

pub(crate) const OWNED_FD: Expectation = ty(
    "a file descriptor",
    "library/std/src/os/fd/owned.rs",
    &[newest("std::os::fd::owned::OwnedFd", "1.95")],
);

/// Its writers wait on another word than its readers.
pub(super) const RW_LOCK: Expectation = ty(
    "a lock whose writers wait apart",
    "library/std/src/sys/sync/rwlock/futex.rs",
    &[with(newest("std::sys::sync::rwlock::futex::RwLock", "1.63"), &["writer_notify"])],
);

/// What a parked thread says of itself: the word that it waits on, and the address for which.
pub(super) const THREAD_DATA: Expectation = ty(
    "what a thread that parking_lot parked waits for",
    "parking_lot_core/src/parking_lot.rs",
    &[with(newest("parking_lot_core::parking_lot::ThreadData", "0.9"), &["key"])],
);

/// Everything above, and what the walk itself expects of the compiler.
pub(super) const EXPECTATIONS: &[Expectation] =
    &[compiler::MACHINES, compiler::WAKER, OWNED_FD, RW_LOCK, THREAD_DATA];

/// What tells which lock a thread waits for.
pub(super) const NAMED_TYPES: &[NamedTypes] =
    &[NamedTypes::of(&RW_LOCK), NamedTypes::of(&THREAD_DATA)];
