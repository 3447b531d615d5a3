//! The queues of concurrent-queue: what lies in one.
//!
//! Source: `concurrent-queue/src/{bounded,unbounded,single}.rs` (1.2.4 and 2.5.0).

use std::cmp::Ordering;

use crate::knowledge::Library;
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library::named("concurrent-queue");

const BOUNDED: &str = "concurrent_queue::bounded::Bounded<";
const SINGLE: &str = "concurrent_queue::single::Single<";
const UNBOUNDED: &str = "concurrent_queue::unbounded::Unbounded<";
const BLOCK: &str = "concurrent_queue::unbounded::Block<";

/// Of an unbounded queue the lowest bit of an end's index is a mark; a block has one slot less than a
/// lap, in which the next block is made (`SHIFT`, `LAP`, `unbounded.rs`).
const SHIFT: u32 = 1;
const LAP: u64 = 32;
/// The bits of the state of a slot that has a value which nobody has read (`WRITE`, `READ`).
const WRITTEN: u64 = 1;
const READ: u64 = 2;

/// The bit of the state of a queue for one that says that it is full (`PUSHED`, `single.rs`).
const PUSHED: u64 = 1 << 1;

/// What lies in the queue that a value has, of that type, in the order in which it comes out.
pub(crate) fn elements(
    program: &Program<'_>,
    owner: Value,
    element: Ty,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    // A large queue is in a box of its own.
    if let Some(queue) = owner.find_through_pointers(program, BOUNDED)? {
        return in_array(program, queue, "value", element, most);
    }
    match owner.find_through_pointers(program, UNBOUNDED)? {
        Some(queue) => in_blocks(program, queue, (BLOCK, "value"), element, most),
        None => Ok(Vec::new()),
    }
}

/// How many are in the queue that a value has, and how many can be; `None` for one without a limit.
pub(crate) fn filling(
    program: &Program<'_>,
    owner: Value,
) -> Result<Option<(u64, u64)>, ValueError> {
    if let Some(single) = owner.find_inline(program, SINGLE)? {
        let state = single.member(program, "state")?.unsigned(program)?;
        return Ok(Some((u64::from(state & PUSHED != 0), 1)));
    }
    let Some(queue) = owner.find_through_pointers(program, BOUNDED)? else { return Ok(None) };
    let (_, queued, capacity) = filled(program, queue)?;
    Ok(Some((queued, capacity)))
}

/// The index of the first element of a bounded queue, how many there are, and how many can be. It
/// counts its ends in laps: below the mark is the index, above it the lap.
fn filled(program: &Program<'_>, queue: Value) -> Result<(u64, u64, u64), ValueError> {
    let mark = queue.member(program, "mark_bit")?.unsigned(program)?;
    let buffer = queue.member(program, "buffer")?;
    let capacity = buffer.find_number(program, "length")?.unwrap_or(0);
    let (head, tail) = ends(program, queue)?;
    let below = mark.wrapping_sub(1);
    let (first, last) = (head & below, tail & below);
    let queued = match first.cmp(&last) {
        Ordering::Less => last - first,
        Ordering::Greater => capacity.saturating_sub(first).saturating_add(last),
        Ordering::Equal if tail & !mark == head => 0,
        Ordering::Equal => capacity,
    };
    Ok((first, queued, capacity))
}

/// The ends `head` and `tail` of a queue, each padded to a line of the processor's cache.
pub(crate) fn ends(program: &Program<'_>, queue: Value) -> Result<(u64, u64), ValueError> {
    let end = |name| -> Result<u64, ValueError> {
        program.read_pointer(queue.member(program, name)?.address).map_err(ValueError::from)
    };
    Ok((end("head")?, end("tail")?))
}

/// What lies in a queue with room for some, the member of that name of each slot. Bounded channels of
/// std and crossbeam are the same (`library/std/src/sync/mpmc/array.rs`, Rust 1.95).
pub(crate) fn in_array(
    program: &Program<'_>,
    queue: Value,
    member: &str,
    element: Ty,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    in_slots(program, queue, (member, filled(program, queue)?), element, most)
}

/// What lies in that member of the slots of a queue's `buffer`, so many at most: the index of the first
/// one, how many there are, and how many can be.
pub(crate) fn in_slots(
    program: &Program<'_>,
    queue: Value,
    (member, (first, queued, capacity)): (&str, (u64, u64, u64)),
    element: Ty,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    let buffer = queue.member(program, "buffer")?;
    let Some(slots) = buffer.find_member(program, "data_ptr")? else { return Ok(Vec::new()) };
    let Some(slot) = slots.pointee(program)? else { return Ok(Vec::new()) };
    let size = slot.layout(program)?.size;
    let value = slot.member(program, member)?.address.wrapping_sub(slot.address);
    let at = |number: u64| {
        let index = first.wrapping_add(number).checked_rem(capacity).unwrap_or(0);
        let address = slot.address.wrapping_add(index.wrapping_mul(size)).wrapping_add(value);
        Value { ty: element, address }
    };
    Ok((0..queued.min(capacity)).take(most).map(at).collect())
}

/// What lies in a queue that is a list of blocks: of types that begin with the first name, and with
/// elements that are the member of the second one of each slot. std's channels without a limit are the
/// same (`library/std/src/sync/mpmc/list.rs`, Rust 1.95).
pub(crate) fn in_blocks(
    program: &Program<'_>,
    queue: Value,
    (block, member): (&'static str, &str),
    element: Ty,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    let mut found = Vec::new();
    let index = |name| -> Result<Option<u64>, ValueError> {
        let position = queue.member(program, name)?;
        Ok(position.find_number(program, "index")?.map(|index| index >> SHIFT))
    };
    let (Some(head), Some(tail)) = (index("head")?, index("tail")?) else { return Ok(found) };
    let head_block = queue.member(program, "head")?;
    let Some(mut block) = head_block.find_through_pointers(program, block)? else {
        return Ok(found);
    };
    let slots = block.member(program, "slots")?;
    let (Some(state), Some(value)) =
        (slots_offset(program, slots, "state")?, slots_offset(program, slots, member)?)
    else {
        return Ok(found);
    };
    let size = slots.layout(program)?.size / (LAP - 1);
    let mut at = head;
    while at != tail && found.len() < most && !program.is_interrupted() {
        let place = at % LAP;
        if place == LAP - 1 {
            let next = block.member(program, "next")?;
            match program.read_pointer(next.address)? {
                0 => break,
                address => block.address = address,
            }
        } else {
            let first = block.member(program, "slots")?.address;
            let slot = first.wrapping_add(place.wrapping_mul(size));
            let state = program.read_pointer(slot.wrapping_add(state))?;
            if state & (WRITTEN | READ) == WRITTEN {
                found.push(Value { ty: element, address: slot.wrapping_add(value) });
            }
        }
        at = at.wrapping_add(1);
    }
    Ok(found)
}

/// Where a member lies in each slot of an array.
fn slots_offset(
    program: &Program<'_>,
    slots: Value,
    member: &str,
) -> Result<Option<u64>, ValueError> {
    let crate::layout::TypeKind::Array { element, .. } = &slots.layout(program)?.kind else {
        return Ok(None);
    };
    let slot = program.type_of(Ty { module: slots.ty.module, id: *element })?;
    Ok(slot.member(member).map(|member| member.offset))
}
