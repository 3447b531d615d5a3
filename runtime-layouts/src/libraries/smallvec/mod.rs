//! Vectors of smallvec, in which a few elements lie inside.
//!
//! Source: `smallvec/src/lib.rs` (1.16.6; the same since 1.0): the capacity is the number of elements as
//! long as these lie inside; with the feature `union` nothing else tells where they are.

use crate::knowledge::children::{Children, Polls, ReadElements, Types};
use crate::knowledge::{CollectionType, Library};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeKind};
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    collections: &[&[CollectionType {
        types: Types::Of("smallvec::SmallVec"),
        children: |program, ty, layout| {
            let read = ReadElements::Written(elements);
            let element = element(program, ty, layout)?;
            Ok(element.map(|element| Children::Elements { element, read, polls: Polls::Also }))
        },
    }]],
    ..Library::named("smallvec")
};

/// What such a vector is of; `None` where its layout is not the one that is known.
pub(crate) fn element(
    program: &Program<'_>,
    ty: Ty,
    layout: &Type,
) -> Result<Option<Ty>, LayoutError> {
    Ok(inline(program, ty, layout)?.map(|(element, _)| element))
}

/// The array in a `SmallVec<[T; N]>`: the type of its elements, and how many of these lie inside.
fn inline(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<(Ty, u64)>, LayoutError> {
    let of = |id| Ty { module: ty.module, id };
    let Some(array) = layout.type_parameter("A").map(of) else { return Ok(None) };
    Ok(match program.type_of(array)?.kind {
        TypeKind::Array { element, count: Some(count) } => Some((of(element), count)),
        _ => None,
    })
}

/// The elements, first to last.
pub(crate) fn elements(
    program: &Program<'_>,
    vector: Value,
    most: usize,
) -> Result<Vec<Value>, ValueError> {
    let Some((element, inside)) = inline(program, vector.ty, vector.layout(program)?)? else {
        return Ok(Vec::new());
    };
    let capacity = vector.member(program, "capacity")?.unsigned(program)?;
    let data = vector.member(program, "data")?;
    let (start, count) = if capacity > inside {
        let Some((start, length)) = on_heap(program, data)? else { return Ok(Vec::new()) };
        (program.read_pointer(start.address)?, length.unsigned(program)?)
    } else {
        let Some(array) = data.find_inline(program, ARRAY)? else { return Ok(Vec::new()) };
        (array.address, capacity)
    };
    let size = program.type_of(element)?.size;
    let numbers = 0..count.min(most as u64);
    let at = |number: u64| start.wrapping_add(number.wrapping_mul(size));
    Ok(numbers.map(|number| Value { ty: element, address: at(number) }).collect())
}

/// The pointer to the elements and their number, where they lie on the heap: in a union or an enum.
fn on_heap(program: &Program<'_>, data: Value) -> Result<Option<(Value, Value)>, ValueError> {
    if let Some(heap) = data.find_member(program, "heap")? {
        return Ok(Some((heap.member(program, "__0")?, heap.member(program, "__1")?)));
    }
    Ok(data.find_member(program, "ptr")?.zip(data.find_member(program, "len")?))
}

/// What an array that need not be whole lies in.
const ARRAY: &str = "core::mem::maybe_uninit::MaybeUninit<";
