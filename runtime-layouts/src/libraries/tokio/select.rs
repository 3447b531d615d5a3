//! The arms of a `select!`.

use crate::knowledge::CollectionType;
use crate::knowledge::children::{Arms, Children, Part, Types};
use crate::layout::source::LayoutError;
use crate::layout::{Member, Type, TypeId, TypeKind};
use crate::value::{Program, Ty};

pub(super) const COLLECTIONS: &[CollectionType] =
    &[CollectionType { types: Types::Closures, children: arms }];

/// `tokio/src/macros/select.rs` (1.54.1): the closure that `select!` polls captures `futures`, a
/// tuple of its arms, and `disabled`, a mask of those that are not polled any more; each by
/// reference, which rustc calls `_ref__…`.
fn arms(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
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
    Ok(Some(Children::Arms(Arms { tuple, parts, mask, mask_size: size })))
}
