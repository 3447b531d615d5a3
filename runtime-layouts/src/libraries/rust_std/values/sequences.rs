//! Sequences: `Vec`, `VecDeque` and their kin.

use super::vec_deque::VecDequeElements;
use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Notation, Shown, elements, find};
use crate::layout::{Type, TypeKind};
use crate::value::ValueError;

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("alloc::vec::Vec", vector),
    ValuePrinter::of("alloc::collections::vec_deque::VecDeque", deque),
    ValuePrinter::of("alloc::collections::binary_heap::BinaryHeap", |shown| {
        Ok(Some(Notation::As(shown.member("data")?)))
    }),
];

/// `library/alloc/src/vec/mod.rs` (Rust 1.95): a `RawVec`, which ends in one pointer to the first
/// element, and `len`.
fn vector(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let program = shown.program;
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let pointer = find(program, shown.member("buf")?, &mut is_pointer)?;
    let (Some(element), Some(pointer)) = (shown.argument("T"), pointer) else { return Ok(None) };
    let start = program.read_pointer(pointer.address)?;
    let size = program.type_of(element)?.size;
    Ok(Some(elements(start, element, size, shown.number("len")?)))
}

fn deque(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let queue = VecDequeElements::of(shown.program, shown.value)?;
    Ok(queue.map(|queue| Notation::Elements {
        count: queue.length,
        get: Box::new(move |index| queue.get(index)),
    }))
}
