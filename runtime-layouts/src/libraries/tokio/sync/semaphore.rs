//! Semaphores, on which tokio builds its locks and bounded channels.
//!
//! Source: `tokio/src/sync/{batch_semaphore,semaphore}.rs` (tokio 1.54.1).

use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::tokio::linked_list;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// The semaphore inside others: its address is what tells one lock from another.
pub(crate) const SEMAPHORE: &str = "tokio::sync::batch_semaphore::Semaphore";
const ACQUIRE: &str = "tokio::sync::batch_semaphore::Acquire";

/// The lowest bit of the count of permits says that the semaphore is closed
/// (`Semaphore::CLOSED`, `Semaphore::PERMIT_SHIFT`).
const CLOSED: u64 = 1;
const PERMIT_SHIFT: u32 = 1;

/// `batch_semaphore::Acquire`: a request for permits, whatever they are of.
pub(in crate::libraries::tokio) fn acquire(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let pointer = value.member(reading.program, "semaphore")?;
    let Some(inner) = pointer.pointee(reading.program)? else { return Ok(None) };
    of_inner(reading, ResourceKind::Semaphore, inner, inner).map(|mut seen| {
        seen.name = Some("Semaphore".into());
        Some(seen)
    })
}

/// `sync::Semaphore`.
pub(in crate::libraries::tokio) fn semaphore(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    around(reading, ResourceKind::Semaphore, value)
}

/// What is made of a semaphore, asked for by the `Acquire` that is the leaf.
pub(super) fn around(
    reading: &Reading<'_>,
    kind: ResourceKind,
    object: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    match object.find_inline(reading.program, SEMAPHORE)? {
        Some(inner) => of_inner(reading, kind, object, inner).map(Some),
        None => Ok(None),
    }
}

/// The permits that are free.
pub(super) fn free(reading: &Reading<'_>, object: Value) -> Result<Option<u64>, ValueError> {
    free_in(reading.program, object)
}

/// The permits that are free in the semaphore inside of something.
pub(crate) fn free_in(program: &Program<'_>, object: Value) -> Result<Option<u64>, ValueError> {
    let Some(inner) = object.find_inline(program, SEMAPHORE)? else { return Ok(None) };
    let permits = inner.member(program, "permits")?.unsigned(program)?;
    Ok(Some(permits >> PERMIT_SHIFT))
}

/// Whether the leaf is a request for permits.
pub(super) fn is_asked_for(reading: &Reading<'_>) -> Result<bool, ValueError> {
    Ok(&*reading.leaf.layout(reading.program)?.name == ACQUIRE)
}

/// The semaphore that the leaf asks for permits; `None` for another leaf.
pub(crate) fn asked_for(reading: &Reading<'_>) -> Result<Option<Value>, ValueError> {
    match is_asked_for(reading)? {
        true => reading.leaf.member(reading.program, "semaphore")?.pointee(reading.program),
        false => Ok(None),
    }
}

/// What is known of a request for permits of that semaphore, which is a part of something.
pub(crate) fn of_inner(
    reading: &Reading<'_>,
    kind: ResourceKind,
    object: Value,
    inner: Value,
) -> Result<ObservedResource, ValueError> {
    let program = reading.program;
    let mut seen = ObservedResource::new(kind, object);
    seen.key = inner.address;
    let permits = inner.member(program, "permits")?.unsigned(program)?;
    let free = permits >> PERMIT_SHIFT;
    let mut state = format!("{free} free");
    if permits & CLOSED != 0 {
        state.push_str(", closed");
    }
    seen.state = Some(state);
    seen.is_taken = (kind == ResourceKind::Mutex).then_some(free == 0);
    seen.parties = seen.is_taken.map(u64::from);
    if is_asked_for(reading)? {
        let Assigned { count, of, is_queued } = Assigned::of(reading)?;
        seen.access = Some(Access::Permits(of));
        seen.is_granted = is_queued && count == of;
        if kind == ResourceKind::Semaphore && is_queued && count != of && count != 0 {
            seen.note = Some(format!("{count} of {of} set aside for it"));
        }
    }
    seen.order = Some((linked_list::waiters, inner));
    Ok(seen)
}

/// The permits that a request in the queue was given and does not have yet, as others are missing: they
/// are neither free nor with anybody.
pub(crate) fn set_aside(reading: &Reading<'_>) -> Result<u64, ValueError> {
    if !is_asked_for(reading)? {
        return Ok(0);
    }
    let Assigned { count, of, is_queued } = Assigned::of(reading)?;
    Ok(if is_queued && count != of { count } else { 0 })
}

/// What a request for permits was given so far.
struct Assigned {
    count: u64,
    of: u64,
    is_queued: bool,
}

impl Assigned {
    fn of(reading: &Reading<'_>) -> Result<Self, ValueError> {
        let (program, leaf) = (reading.program, reading.leaf);
        let of = leaf.member(program, "num_permits")?.unsigned(program)?;
        let missing = leaf.member(program, "node")?.member(program, "state")?.unsigned(program)?;
        let is_queued = leaf.member(program, "queued")?.unsigned(program)? != 0;
        Ok(Self { count: of.saturating_sub(missing), of, is_queued })
    }
}
