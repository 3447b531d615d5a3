//! Sequences: `Vec`, `VecDeque` and their kin.

use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Notation, Shown, elements};
use crate::value::ValueError;
use crate::value::slices::{Slice, SliceLayout};
use crate::value::vec_deque::VecDequeElements;

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("alloc::vec::Vec", vector),
    ValuePrinter::of("alloc::collections::vec_deque::VecDeque", deque),
    ValuePrinter::of("alloc::collections::binary_heap::BinaryHeap", |shown| {
        Ok(Some(Notation::As(shown.member("data")?)))
    }),
];

fn vector(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let program = shown.program;
    let layout = SliceLayout::of_vec(program, shown.value.ty, shown.layout)?;
    let slice = layout.map(|layout| layout.read(program, shown.value)).transpose()?;
    Ok(slice.map(|Slice { start, element, size, count }| elements(start, element, size, count)))
}

fn deque(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let queue = VecDequeElements::of(shown.program, shown.value)?;
    Ok(queue.map(|queue| Notation::Elements {
        count: queue.length,
        get: Box::new(move |index| queue.get(index)),
    }))
}
