//! Sequences of the standard library.

use super::{Printer, argument, find};
use crate::layout::{Type, TypeKind};
use crate::libraries::rust_std::ring::Ring;
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
        "alloc::collections::vec_deque::VecDeque" => deque(printer, value, depth),
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

fn deque(printer: &mut Printer<'_>, value: Value, depth: usize) -> Result<bool, ValueError> {
    let Some(ring) = Ring::of(printer.program, value)? else { return Ok(false) };
    let values = (0..ring.length).map(|index| ring.get(index));
    printer.list('[', values, ring.length, depth, ']');
    Ok(true)
}
