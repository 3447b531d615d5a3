//! What blocks a thread until another one notifies it: `Condvar`, `Barrier` and `park`.
//!
//! Source: `library/std/src/sys/sync/{condvar,thread_parking}/futex.rs`,
//! `library/std/src/sync/barrier.rs` (Rust 1.96); `parking_lot/src/condvar.rs` (0.12.5).

use super::expected::BARRIER;
use super::futex_words;
use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::{GuardType, ObservedResource};
use crate::layout::Type;
use crate::report::{Access, ResourceKind};
use crate::value::find_by_name::is_named;
use crate::value::path::{self, Reach};
use crate::value::{Program, Value};

/// What a thread sleeps on in `Condvar::wait`, and in `Barrier::wait`: its first word.
const CONDVAR: &str = "std::sys::sync::condvar::futex::Condvar";
/// What it sleeps on in `park`.
const PARKER: &str = "std::sys::sync::thread_parking::futex::Parker";
const OF_PARKING_LOT: &str = "parking_lot::condvar::Condvar";

const fn notifies(path: &'static str, key: &'static str) -> GuardType {
    GuardType::end(path, ResourceKind::Notify, Access::Handle, key)
}

/// What lets its owner notify those that wait.
pub(super) const CONDVAR_HANDLE: GuardType =
    notifies("std::sync::poison::condvar::Condvar", CONDVAR);
pub(super) const OLD_CONDVAR_HANDLE: GuardType = notifies("std::sync::condvar::Condvar", CONDVAR);
pub(super) const PARKING_LOT_HANDLE: GuardType = notifies(OF_PARKING_LOT, OF_PARKING_LOT);
pub(super) const THREAD_HANDLE: GuardType = notifies("std::thread::thread::Thread", PARKER);
pub(super) const OLD_THREAD_HANDLE: GuardType = notifies("std::thread::Thread", PARKER);
pub(super) const BARRIER_HANDLE: GuardType =
    GuardType::end("std::sync::barrier::Barrier", ResourceKind::Barrier, Access::Handle, CONDVAR);

/// The `Condvar` that a thread waits for.
pub(super) fn condvar(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    Some(seen(ResourceKind::Notify, blocked.word, "Condvar"))
}

/// The same of parking_lot's.
pub(super) fn parking_lot_condvar(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    let condvar = futex_words::of_parked_thread(blocked.program, blocked.word)?;
    Some(seen(ResourceKind::Notify, condvar, "Condvar"))
}

/// What `std::thread::park` waits for: who has a handle of the thread may unpark it.
pub(super) fn unpark(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    // Whoever asked for the handle of a thread has one more: no count tells of all.
    let seen = seen(ResourceKind::Notify, blocked.word, "std::thread::park");
    Some(ObservedResource { is_reachable: true, ..seen })
}

/// The `Barrier` that a thread waits for, with how many have come to it.
pub(super) fn barrier(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    let mut seen = seen(ResourceKind::Barrier, blocked.word, "Barrier");
    seen.state = arrived(blocked.program, blocked.word);
    Some(seen)
}

/// `1 of 3 arrived`, by the address of the `Condvar` in a `Barrier`.
fn arrived(program: &Program<'_>, condvar: u64) -> Option<String> {
    let ty = futex_words::named(program, BARRIER.newest())?;
    let mut is_condvar = |ty: &Type| is_named(ty, CONDVAR);
    let offset = path::find(program, ty, Reach::INLINE, &mut is_condvar)?.offset()?;
    let barrier = Value { ty, address: condvar.wrapping_sub(offset) };
    let needed = barrier.member(program, "num_threads").ok()?.unsigned(program).ok()?;
    let came = barrier.find_number(program, "count").ok()??;
    Some(format!("{came} of {needed} arrived"))
}

fn seen(kind: ResourceKind, address: u64, name: &'static str) -> ObservedResource {
    ObservedResource {
        key: address,
        address,
        name: Some(name.into()),
        ..ObservedResource::without_address(kind)
    }
}
