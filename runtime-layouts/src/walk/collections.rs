//! Collections that keep futures behind raw pointers, which the general rule does not follow.

use super::plan::{Arms, Neighbours, Part};
use crate::layout::name::{Environment, base_path};
use crate::layout::source::LayoutError;
use crate::layout::{Member, Type, TypeId, TypeKind};
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
        name if Environment::of(name) == Some(Environment::Closure) => arms(program, ty, layout),
        _ => Ok(None),
    }
}

/// `tokio/src/macros/select.rs` (1.54.1): the closure that `select!` polls captures `futures`, a
/// tuple of its arms, and `disabled`, a mask of those that are not polled any more; each by
/// reference, which rustc calls `_ref__…`.
fn arms(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Neighbours>, LayoutError> {
    let (Some(mask), Some(arms)) =
        (layout.member("_ref__disabled"), layout.member("_ref__futures"))
    else {
        return Ok(None);
    };
    let target = |id: TypeId| -> Result<Option<(Ty, &Type)>, LayoutError> {
        let TypeKind::Pointer { target: Some(target) } =
            program.type_of(Ty { module: ty.module, id })?.kind
        else {
            return Ok(None);
        };
        let target = Ty { module: ty.module, id: target };
        Ok(Some((target, program.type_of(target)?)))
    };
    let (Some((_, mask_layout)), Some((_, tuple))) = (target(mask.ty)?, target(arms.ty)?) else {
        return Ok(None);
    };
    let size = u8::try_from(mask_layout.size).ok().filter(|size| (1..=16).contains(size));
    let (TypeKind::Integer { .. }, TypeKind::Struct { members }, Some(size)) =
        (&mask_layout.kind, &tuple.kind, size)
    else {
        return Ok(None);
    };
    let part = |member: &Member| Part {
        offset: member.offset,
        ty: Ty { module: ty.module, id: member.ty },
    };
    let mut parts: Vec<(usize, Part)> = members
        .iter()
        .filter_map(|member| Some((member.name.strip_prefix("__")?.parse().ok()?, part(member))))
        .collect();
    // The debug information lists a tuple's members in its own order.
    parts.sort_by_key(|(number, _)| *number);
    let parts = parts.into_iter().map(|(_, part)| part).collect();
    let (tuple, mask) = (arms.offset, mask.offset);
    Ok(Some(Neighbours::Arms(Arms { tuple, parts, mask, mask_size: size })))
}

/// Whether a future that holds none of those that it could hold has ended: a `Fuse` drops its own
/// (`futures-util/src/future/future/fuse.rs`, 0.3.34).
pub(super) fn ends_empty(program: &Program<'_>, ty: Ty) -> bool {
    let layout = program.type_of(ty);
    layout.is_ok_and(|layout| base_path(&layout.name) == "futures_util::future::future::fuse::Fuse")
}

/// Whether a type is the output of a future, in the wrapper with which `FuturesOrdered` numbers
/// both: the wrapper of a future is one itself
/// (`futures-util/src/stream/futures_ordered.rs`, 0.3.34).
pub(super) fn is_output(layout: &Type, holds_future: bool) -> bool {
    !holds_future
        && base_path(&layout.name) == "futures_util::stream::futures_ordered::OrderWrapper"
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
        data: buffer.offset.wrapping_add(offset),
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
