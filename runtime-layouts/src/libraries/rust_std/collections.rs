//! Standard collections that may hold futures.

use crate::knowledge::CollectionType;
use crate::knowledge::children::{Children, Types};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty};

pub(super) const COLLECTIONS: &[CollectionType] =
    &[CollectionType { types: Types::Of("alloc::vec::Vec"), children: vector }];

/// `library/alloc/src/vec/mod.rs` (Rust 1.95): `buf: RawVec<T>`, which ends in one pointer, and
/// `len`.
fn vector(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let of = |id: TypeId| Ty { module: ty.module, id };
    let (Some(buffer), Some(length), Some(element)) =
        (layout.member("buf"), layout.member("len"), layout.type_parameter("T"))
    else {
        return Ok(None);
    };
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let Some(pointer) = path::find(program, of(buffer.ty), Reach::INLINE, &mut is_pointer) else {
        return Ok(None);
    };
    let Some(offset) = pointer.offset() else { return Ok(None) };
    Ok(Some(Children::Slice {
        data: buffer.offset.wrapping_add(offset),
        length: length.offset,
        element: of(element),
        size: program.type_of(of(element))?.size,
    }))
}
