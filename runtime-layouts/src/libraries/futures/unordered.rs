//! `FuturesUnordered`: a set of futures, polled in the order in which they wake.

use crate::knowledge::CollectionType;
use crate::knowledge::children::{Children, Part, Types};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty};

pub(super) const COLLECTIONS: &[CollectionType] = &[CollectionType {
    types: Types::Of("futures_util::stream::futures_unordered::FuturesUnordered"),
    children: futures_unordered,
}];

/// `futures-util/src/stream/futures_unordered/{mod,task}.rs` (0.3.34): `head_all` points to the
/// newest `Task<Fut>`, whose `next_all` points to the next older one.
fn futures_unordered(
    program: &Program<'_>,
    ty: Ty,
    layout: &Type,
) -> Result<Option<Children>, LayoutError> {
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
    Ok(Some(Children::List {
        head: head.offset,
        next: next.offset,
        item: Part { offset: future.offset, ty: of(future.ty) },
    }))
}
