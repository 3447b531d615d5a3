//! Futex words: from the word that a blocked thread passes to the kernel to the lock that it waits
//! for.
//!
//! Source: `library/std/src/sys/sync/{mutex,rwlock}/futex.rs` (Rust 1.95);
//! `parking_lot_core/src/parking_lot.rs`, `thread_parker/linux.rs` (0.9.12).

use super::expected::{RW_LOCK, THREAD_DATA};
use crate::layout::Type;
use crate::value::find_by_name::is_named;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value};

/// Of a lock whose writers wait on another word than readers.
const WRITERS: &str = "writer_notify";

const PARKER: &str = "parking_lot_core::thread_parker::imp::ThreadParker";
const KEY: &str = "key";

/// The word is the first one of the lock.
pub(super) fn first(_: &Program<'_>, word: u64) -> Option<u64> {
    Some(word)
}

/// The word is the one that writers of the standard library's `RwLock` wait on.
pub(super) fn of_writers(program: &Program<'_>, word: u64) -> Option<u64> {
    let lock = named(program, RW_LOCK.newest())?;
    Some(word.wrapping_sub(program.type_of(lock).ok()?.member(WRITERS)?.offset))
}

/// The word is parking_lot's, in a thread-local of the thread that waits. Beside it is the address
/// of the lock, or of the `Condvar`; a writer that waits for readers to go has one byte more there.
pub(crate) fn of_parked_thread(program: &Program<'_>, word: u64) -> Option<u64> {
    let thread = named(program, THREAD_DATA.newest())?;
    let mut is_parker = |ty: &Type| is_named(ty, PARKER);
    let parker = path::find(program, thread, Reach::INLINE, &mut is_parker)?.offset()?;
    let data = Value { ty: thread, address: word.wrapping_sub(parker) };
    let key = data.member(program, KEY).ok()?.unsigned(program).ok()?;
    Some(key & !1)
}

/// A type of that name, in whichever module has it.
pub(super) fn named(program: &Program<'_>, name: &str) -> Option<Ty> {
    (0..program.target().modules().len()).find_map(|module| {
        let id = *program.layouts(module).types_named(name, None).ok()?.first()?;
        Some(Ty { module, id })
    })
}
