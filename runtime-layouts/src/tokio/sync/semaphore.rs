//! Semaphores, which locks and bounded channels are made of.
//!
//! Source: `tokio/src/sync/{batch_semaphore,semaphore}.rs` (tokio 1.54.1).

use crate::layout::{Type, TypeKind};
use crate::report::{Access, ResourceKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::waits::{Reading, Seen};

/// The semaphore inside others: its address is what tells one lock from another.
pub(in crate::tokio) const SEMAPHORE: &str = "tokio::sync::batch_semaphore::Semaphore";
const ACQUIRE: &str = "tokio::sync::batch_semaphore::Acquire";
const WAITLIST: &str = "tokio::sync::batch_semaphore::Waitlist";

/// The lowest bit of the count of permits says that the semaphore is closed
/// (`Semaphore::CLOSED`, `Semaphore::PERMIT_SHIFT`).
const CLOSED: u64 = 1;
const PERMIT_SHIFT: u32 = 1;
/// More waiters than this are not followed.
const MOST_WAITERS: usize = 1 << 20;

/// `batch_semaphore::Acquire`: a request for permits, whatever they are of.
pub(in crate::tokio) fn acquire(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<Seen>, ValueError> {
    let pointer = value.member(reading.program, "semaphore")?;
    let Some(inner) = pointer.pointee(reading.program)? else { return Ok(None) };
    of_inner(reading, ResourceKind::Semaphore, inner, inner).map(|mut seen| {
        seen.name = Some("Semaphore".to_string());
        Some(seen)
    })
}

/// `sync::Semaphore`.
pub(in crate::tokio) fn semaphore(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<Seen>, ValueError> {
    around(reading, ResourceKind::Semaphore, value)
}

/// What is made of a semaphore, asked for by the `Acquire` that is the leaf.
pub(super) fn around(
    reading: &Reading<'_>,
    kind: ResourceKind,
    object: Value,
) -> Result<Option<Seen>, ValueError> {
    match inner(reading.program, object)? {
        Some(inner) => of_inner(reading, kind, object, inner).map(Some),
        None => Ok(None),
    }
}

/// The permits that are free.
pub(super) fn free(reading: &Reading<'_>, object: Value) -> Result<Option<u64>, ValueError> {
    let Some(inner) = inner(reading.program, object)? else { return Ok(None) };
    let permits = inner.member(reading.program, "permits")?.unsigned(reading.program)?;
    Ok(Some(permits >> PERMIT_SHIFT))
}

fn inner(program: &Program<'_>, object: Value) -> Result<Option<Value>, ValueError> {
    let mut is_inner = |ty: &Type| &*ty.name == SEMAPHORE;
    match path::find(program, object.ty, Reach::INLINE, &mut is_inner) {
        Some(path) => path.follow(program, object),
        None => Ok(None),
    }
}

fn of_inner(
    reading: &Reading<'_>,
    kind: ResourceKind,
    object: Value,
    inner: Value,
) -> Result<Seen, ValueError> {
    let program = reading.program;
    let mut seen = Seen::new(kind, object);
    seen.key = inner.address;
    let permits = inner.member(program, "permits")?.unsigned(program)?;
    let free = permits >> PERMIT_SHIFT;
    let mut state = format!("{free} free");
    if permits & CLOSED != 0 {
        state.push_str(", closed");
    }
    seen.state = Some(state);
    seen.is_taken = (kind == ResourceKind::Mutex).then_some(free == 0);
    let layout = reading.leaf.layout(program)?;
    if layout.name.starts_with(ACQUIRE) {
        let asked = reading.leaf.member(program, "num_permits")?.unsigned(program)?;
        seen.access = Some(Access::Permits(asked));
        let node = reading.leaf.member(program, "node")?;
        let missing = node.member(program, "state")?.unsigned(program)?;
        let is_queued = reading.leaf.member(program, "queued")?.unsigned(program)? != 0;
        seen.is_granted = is_queued && missing == 0;
    }
    seen.order = Some((queue, inner));
    Ok(seen)
}

/// The waiters in the order in which they will be served: the list's last one comes first. Each is
/// given by the address of its `Acquire`.
fn queue(program: &Program<'_>, inner: Value) -> Result<Vec<u64>, ValueError> {
    let named = |wanted: &'static str| move |ty: &Type| &*ty.name == wanted;
    let Some(to_list) = path::find(program, inner.ty, Reach::INLINE, &mut named(WAITLIST)) else {
        return Ok(Vec::new());
    };
    let Some(list) = to_list.follow(program, inner)? else { return Ok(Vec::new()) };
    let list = list.member(program, "queue")?;
    let tail = list.member(program, "tail")?;
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { target: Some(_) });
    let Some(to_waiter) = path::find(program, tail.ty, Reach::INLINE, &mut is_pointer) else {
        return Ok(Vec::new());
    };
    let TypeKind::Pointer { target: Some(waiter) } = program.type_of(to_waiter.end)?.kind else {
        return Ok(Vec::new());
    };
    let waiter = Ty { module: inner.ty.module, id: waiter };
    let mut has_links = |ty: &Type| ty.member("next").is_some() && ty.member("prev").is_some();
    let Some(links) = path::find(program, waiter, Reach::INLINE, &mut has_links) else {
        return Ok(Vec::new());
    };
    let previous = program.type_of(links.end)?.member("prev").map(|member| member.offset);
    let Some(previous) = links.offset().zip(previous).map(|(start, member)| start + member) else {
        return Ok(Vec::new());
    };
    let node = acquire_node(program, inner)?;
    let mut found = Vec::new();
    let mut at = program.read_pointer(tail.address)?;
    while at != 0 && found.len() < MOST_WAITERS {
        found.push(at.wrapping_sub(node));
        at = program.read_pointer(at.wrapping_add(previous))?;
    }
    Ok(found)
}

/// From an `Acquire` to its waiter, in bytes.
fn acquire_node(program: &Program<'_>, near: Value) -> Result<u64, ValueError> {
    let types = program.layouts(near.ty.module).types_named(ACQUIRE, Some(near.ty.id))?;
    let Some(id) = types.first() else { return Ok(0) };
    let acquire = program.type_of(Ty { module: near.ty.module, id: *id })?;
    Ok(acquire.member("node").map_or(0, |node| node.offset))
}
