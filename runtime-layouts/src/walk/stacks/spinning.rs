//! Locks that threads spin for: they run, and ask again and again whether the lock is free.

use super::blocked::{Blocked, lock_name};
use super::stack_future;
use crate::knowledge::{BlockingCall, ObservedResource};
use crate::layout::Type;
use crate::report::{Frame, ResourceKind};
use crate::target::Thread;
use crate::value::path::{self, Reach};
use crate::value::{Program, Value};
use crate::walk::chains::site_table::SiteTable;

/// The names of the types that a lock's word is of: `library/core/src/sync/atomic.rs` (Rust 1.63 to
/// 1.97).
const ATOMIC: &str = "core::sync::atomic::Atomic";

/// What the thread that is in such a call spins for; `None` where the place of the lock is not known, and
/// for one that is free in this moment.
pub(super) fn of_call(
    program: &Program<'_>,
    sites: &SiteTable,
    thread: &Thread,
    (frame, call): (&Frame, &BlockingCall),
    taken: u64,
) -> Option<Blocked> {
    let lock = own_value(program, thread, &sites.get(frame.site).type_name)?;
    let mut is_atomic = |ty: &Type| ty.name.starts_with(ATOMIC);
    let word = path::find(program, lock.ty, Reach::INLINE, &mut is_atomic)?;
    let word = word.follow(program, lock).ok()??;
    let size = u8::try_from(program.type_of(word.ty).ok()?.size).ok()?;
    let value = program.read_unsigned(word.address, size).ok()?;
    if value & u128::from(taken) == 0 {
        return None;
    }
    let seen = ObservedResource {
        key: word.address,
        address: word.address,
        access: call.lock.and_then(|takes| takes.access),
        is_taken: Some(true),
        ..ObservedResource::without_address(ResourceKind::ThreadLock)
    };
    Some(Blocked {
        polls: false,
        size: program.type_of(lock.ty).ok().map(|layout| layout.size),
        spins: true,
        ..Blocked::of(seen, lock_name(sites, frame), frame, call)
    })
}

/// The value that a function on a thread's stack was called for.
fn own_value(program: &Program<'_>, thread: &Thread, function: &str) -> Option<Value> {
    program.stack(thread).iter().find_map(|frame| {
        let (module, address) = program.module_at(frame.pc.lookup())?;
        let variables = program.layouts(module).variables_at(address).ok()?;
        let is_own = |name: &str| name == "self";
        let own = variables.iter().find(|it| *it.function == *function && is_own(&it.name))?;
        stack_future::referent(program, module, own, frame)
    })
}
