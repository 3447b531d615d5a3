//! Collections that keep futures behind raw pointers, which the general rule does not follow.

use super::plan::{Neighbours, Part};
use crate::layout::name::base_path;
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty};

/// What a collection holds; `None` for types that are none, or whose layout is not as expected.
pub(super) fn neighbours(
    program: &Program<'_>,
    ty: Ty,
    layout: &Type,
) -> Result<Option<Neighbours>, LayoutError> {
    match base_path(&layout.name) {
        "alloc::vec::Vec" => vector(program, ty, layout),
        "futures_util::stream::futures_unordered::FuturesUnordered" => {
            futures_unordered(program, ty, layout)
        }
        _ => Ok(None),
    }
}

/// `library/alloc/src/vec/mod.rs` (Rust 1.95): `buf: RawVec<T>`, which ends in one pointer, and
/// `len`.
fn vector(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Neighbours>, LayoutError> {
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
    Ok(Some(Neighbours::Slice {
        data: buffer.offset + offset,
        length: length.offset,
        element: of(element),
        size: program.type_of(of(element))?.size,
    }))
}

/// `futures-util/src/stream/futures_unordered/{mod,task}.rs` (0.3.34): `head_all` points to the
/// newest `Task<Fut>`, whose `next_all` points to the next older one.
fn futures_unordered(
    program: &Program<'_>,
    ty: Ty,
    layout: &Type,
) -> Result<Option<Neighbours>, LayoutError> {
    let of = |id: TypeId| Ty { module: ty.module, id };
    let Some(head) = layout.member("head_all") else { return Ok(None) };
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let Some(pointer) = path::find(program, of(head.ty), Reach::INLINE, &mut is_pointer) else {
        return Ok(None);
    };
    let TypeKind::Pointer { target: Some(task) } = program.type_of(pointer.end)?.kind else {
        return Ok(None);
    };
    let task = program.type_of(of(task))?;
    let (Some(next), Some(future)) = (task.member("next_all"), task.member("future")) else {
        return Ok(None);
    };
    Ok(Some(Neighbours::List {
        head: head.offset,
        next: next.offset,
        item: Part { offset: future.offset, ty: of(future.ty) },
    }))
}
