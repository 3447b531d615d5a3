//! The elements of a `VecDeque`, which is a ring buffer.
//!
//! Source: `library/alloc/src/collections/vec_deque/mod.rs` (Rust 1.95): `head` and `len`; before
//! 1.67 `tail` was where `head` is now, and `head` where the elements end.

use super::path::{self, Reach};
use super::{Program, Ty, Value, ValueError};
use crate::layout::{Type, TypeKind};

/// The elements of a `VecDeque`.
pub(crate) struct VecDequeElements {
    /// The type of an element.
    pub(crate) element: Ty,
    /// How many there are.
    pub(crate) length: u64,
    start: u64,
    first: u64,
    capacity: u64,
    size: u64,
}

impl VecDequeElements {
    /// That of a `VecDeque`; `None` when it is none that is known.
    pub(crate) fn of(program: &Program<'_>, deque: Value) -> Result<Option<Self>, ValueError> {
        let layout = deque.layout(program)?;
        let buffer = deque.member(program, "buf")?;
        let part = |wanted: &mut dyn FnMut(&Type) -> bool| match path::find(
            program,
            buffer.ty,
            Reach::INLINE,
            wanted,
        ) {
            Some(path) => path.follow(program, buffer),
            None => Ok(None),
        };
        let capacity = part(&mut |ty| ty.member("cap").is_some())?;
        let pointer = part(&mut |ty| matches!(ty.kind, TypeKind::Pointer { .. }))?;
        let (Some(element), Some(capacity), Some(pointer)) =
            (layout.type_parameter("T"), capacity, pointer)
        else {
            return Ok(None);
        };
        let element = Ty { module: deque.ty.module, id: element };
        let capacity = capacity.member(program, "cap")?.unsigned(program)?.max(1);
        let head = deque.member(program, "head")?.unsigned(program)?;
        let (first, length) = match deque.member(program, "tail") {
            Ok(tail) => {
                let tail = tail.unsigned(program)?;
                // Then the capacity was a power of two.
                (tail, head.wrapping_sub(tail) & capacity.wrapping_sub(1))
            }
            Err(_) => (head, deque.member(program, "len")?.unsigned(program)?),
        };
        let start = program.read_pointer(pointer.address)?;
        let size = program.type_of(element)?.size;
        // What takes no room is in no slot.
        let length = if size == 0 { length } else { length.min(capacity) };
        Ok(Some(Self { element, length, start, first, capacity, size }))
    }

    /// An element, counted from the front.
    pub(crate) fn get(&self, index: u64) -> Value {
        let slot = self.first.wrapping_add(index) % self.capacity;
        Value { ty: self.element, address: self.start.wrapping_add(slot.wrapping_mul(self.size)) }
    }
}
