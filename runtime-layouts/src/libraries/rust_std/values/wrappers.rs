//! Types around one value: transparent wrappers, cells and locks.

use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Notation, Shown};
use crate::layout::TypeKind;
use crate::value::{Ty, Value, ValueError};

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("core::mem::manually_drop::ManuallyDrop", transparent),
    ValuePrinter::of("core::mem::maybe_dangling::MaybeDangling", transparent),
    ValuePrinter::of("core::cell::UnsafeCell", transparent),
    ValuePrinter::of("core::cell::SyncUnsafeCell", transparent),
    ValuePrinter::of("core::pin::Pin", transparent),
    ValuePrinter::of("core::num::nonzero::NonZero", transparent),
    ValuePrinter::of("core::num::wrapping::Wrapping", transparent),
    ValuePrinter::of("core::num::niche_types::", transparent),
    ValuePrinter::of("core::panic::unwind_safe::AssertUnwindSafe", transparent),
    ValuePrinter::of("core::sync::atomic::Atomic", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicBool", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicI8", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicI16", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicI32", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicI64", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicIsize", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicU8", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicU16", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicU32", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicU64", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicUsize", transparent),
    ValuePrinter::of("core::sync::atomic::AtomicPtr", transparent),
    ValuePrinter::of("core::mem::maybe_uninit::MaybeUninit", |_| {
        Ok(Some(Notation::Text("<uninitialized or not>".to_string())))
    }),
    ValuePrinter::of("core::cell::Cell", |shown| around(shown, "Cell", "value", None)),
    ValuePrinter::of("core::cell::RefCell", ref_cell),
    ValuePrinter::of("core::cell::once::OnceCell", |shown| {
        around(shown, "OnceCell", "inner", None)
    }),
    // Rust 1.87 moved them into `poison`.
    ValuePrinter::of("std::sync::poison::mutex::Mutex", mutex),
    ValuePrinter::of("std::sync::mutex::Mutex", mutex),
    ValuePrinter::of("std::sync::poison::rwlock::RwLock", rw_lock),
    ValuePrinter::of("std::sync::rwlock::RwLock", rw_lock),
    ValuePrinter::of("lock_api::mutex::Mutex", parking_lot_mutex),
    ValuePrinter::of("lock_api::rwlock::RwLock", rw_lock),
];

/// A wrapper as what it holds: the one member that is no marker, when it has the size of the whole.
fn transparent(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let TypeKind::Struct { members } = &shown.layout.kind else { return Ok(None) };
    let value = shown.value;
    let members = members.iter().filter_map(|member| {
        let ty = Ty { module: value.ty.module, id: member.ty };
        let layout = shown.program.type_of(ty).ok()?;
        let address = value.address.wrapping_add(member.offset);
        (!layout.is_marker()).then_some((Value { ty, address }, layout.size))
    });
    Ok(match members.collect::<Vec<_>>().as_slice() {
        [(only, size)] if *size == shown.layout.size => Some(Notation::As(*only)),
        _ => None,
    })
}

fn around(
    shown: &Shown<'_>,
    name: &'static str,
    member: &str,
    state: Option<&'static str>,
) -> Result<Option<Notation>, ValueError> {
    Ok(Some(Notation::Around { name, value: shown.member(member)?, state }))
}

/// The number in the member of that name, wherever that is in the value; `None` where it has none.
fn number(shown: &Shown<'_>, name: &str) -> Result<Option<u64>, ValueError> {
    let holder = shown.find(&mut |ty| ty.member(name).is_some())?;
    let number = |holder: Value| holder.member(shown.program, name)?.unsigned(shown.program);
    holder.map(number).transpose()
}

/// `library/core/src/cell.rs` (Rust 1.95): how often it is borrowed, negative when mutably.
fn ref_cell(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let state = match number(shown, "borrow")?.map(u64::cast_signed) {
        Some(0) | None => None,
        Some(count) if count < 0 => Some("mutably borrowed"),
        Some(_) => Some("borrowed"),
    };
    around(shown, "RefCell", "value", state)
}

/// `library/std/src/sys/sync/mutex/futex.rs`, `library/std/src/sync/poison.rs` (Rust 1.95).
fn mutex(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let state = match (number(shown, "futex")?, number(shown, "failed")?) {
        (_, Some(1)) => Some("poisoned"),
        (Some(0) | None, _) => None,
        _ => Some("locked"),
    };
    around(shown, "Mutex", "data", state)
}

fn rw_lock(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    around(shown, "RwLock", "data", None)
}

/// `parking_lot/src/raw_mutex.rs` (0.12): a byte whose lowest bit says that it is locked.
fn parking_lot_mutex(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let raw = shown.member("raw")?;
    let is_byte = raw.layout(shown.program)?.size == 1;
    let is_locked = is_byte && raw.unsigned(shown.program)? & 1 != 0;
    around(shown, "Mutex", "data", is_locked.then_some("locked"))
}
