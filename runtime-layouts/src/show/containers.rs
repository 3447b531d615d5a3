//! Sequences of the standard library.

use super::{Printer, argument, find};
use crate::layout::{Type, TypeKind};
use crate::value::{Value, ValueError};

/// Prints a sequence; `false` for all other types.
pub(super) fn special(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    path: &str,
    depth: usize,
) -> Result<bool, ValueError> {
    let program = printer.program;
    match path {
        "alloc::vec::Vec" => vector(printer, value, layout, depth),
        "alloc::collections::vec_deque::VecDeque" => deque(printer, value, layout, depth),
        "alloc::collections::binary_heap::BinaryHeap" => {
            let data = value.member(program, "data")?;
            printer.value(data, depth);
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// The address of the first element, in a `RawVec`.
fn start(printer: &Printer<'_>, value: Value) -> Result<Option<u64>, ValueError> {
    let buffer = value.member(printer.program, "buf")?;
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let pointer = find(printer.program, buffer, &mut is_pointer)?;
    Ok(pointer.map(|pointer| printer.program.read_pointer(pointer.address)).transpose()?)
}

/// `library/alloc/src/vec/mod.rs` (Rust 1.95).
fn vector(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    depth: usize,
) -> Result<bool, ValueError> {
    let program = printer.program;
    let (Some(element), Some(start)) = (argument(layout, value, "T"), start(printer, value)?)
    else {
        return Ok(false);
    };
    let length = value.member(program, "len")?.unsigned(program)?;
    let size = program.type_of(element)?.size;
    printer.sequence(start, element, size, length, depth);
    Ok(true)
}

/// `library/alloc/src/collections/vec_deque/mod.rs` (Rust 1.95): a ring; before 1.67 with a `tail`
/// where `head` is now, and its end in `head`.
fn deque(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    depth: usize,
) -> Result<bool, ValueError> {
    let program = printer.program;
    let (Some(element), Some(start)) = (argument(layout, value, "T"), start(printer, value)?)
    else {
        return Ok(false);
    };
    let buffer = value.member(program, "buf")?;
    let capacity = find(program, buffer, &mut |ty| ty.member("cap").is_some())?;
    let Some(capacity) = capacity else { return Ok(false) };
    let capacity = capacity.member(program, "cap")?.unsigned(program)?.max(1);
    let head = value.member(program, "head")?.unsigned(program)?;
    let (first, length) = match value.member(program, "tail") {
        Ok(tail) => {
            let tail = tail.unsigned(program)?;
            // Then the capacity was a power of two.
            (tail, head.wrapping_sub(tail) & capacity.wrapping_sub(1))
        }
        Err(_) => (head, value.member(program, "len")?.unsigned(program)?),
    };
    let size = program.type_of(element)?.size;
    let values = (0..length).map(|index| {
        let slot = first.wrapping_add(index) % capacity;
        Value { ty: element, address: start.wrapping_add(slot.wrapping_mul(size)) }
    });
    printer.list('[', values, length, depth, ']');
    Ok(true)
}
