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

/// Where its threads sleep, beside how many have come.
pub(super) const BARRIER: Expectation = ty(
    "a meeting point of threads",
    "library/std/src/sync/barrier.rs",
    &[with(newest("std::sync::barrier::Barrier", "1.0"), &["num_threads"])],
);

/// What the threads of a scope share.
pub(super) const SCOPE_DATA: Expectation = ty(
    "the threads of a scope",
    "library/std/src/thread/scoped.rs",
    &[with(newest("std::thread::scoped::ScopeData", "1.63"), &["main_thread"])],
);

/// Everything above, and what the walk itself expects of the compiler.
pub(super) const EXPECTATIONS: &[Expectation] =
    &[compiler::MACHINES, compiler::WAKER, OWNED_FD, RW_LOCK, THREAD_DATA, BARRIER, SCOPE_DATA];

/// What tells which lock a thread waits for.
pub(super) const NAMED_TYPES: &[NamedTypes] = &[
    NamedTypes::of(&RW_LOCK),
    NamedTypes::of(&THREAD_DATA),
    NamedTypes::of(&BARRIER),
    NamedTypes::of(&SCOPE_DATA),
];
