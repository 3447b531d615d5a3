//! What a value of one type contains that may lead to what is looked for.

use super::search_for::SearchFor;
use super::shared::{is_shared, shared_target};
use crate::knowledge::children::{Children, Object, Part, Polls};
use crate::knowledge::{Libraries, StreamingTrait};
use crate::layout::name::base_path;
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::slices::SliceLayout;
use crate::value::{Program, Ty};

/// The children of a type, which its library or its own structure tells.
pub(crate) fn children(
    program: &Program<'_>,
    libraries: Libraries,
    ty: Ty,
    layout: &Type,
    wanted: SearchFor,
) -> Result<Children, LayoutError> {
    let of = |id: TypeId| Ty { module: ty.module, id };
    if let Some(collection) = libraries
        .collection(&layout.name)
        .map_or(Ok(None), |known| known.children(program, ty, layout))?
        && match collection {
            Children::Elements { polls: Polls::No, .. } => wanted != SearchFor::Futures,
            Children::Elements { polls: Polls::Only, .. } => wanted == SearchFor::Futures,
            Children::SharedFuture { .. } => wanted == SearchFor::Futures,
            _ => true,
        }
    {
        return Ok(collection);
    }
    Ok(match &layout.kind {
        TypeKind::Struct { members } if wanted != SearchFor::Futures && is_shared(&layout.name) => {
            match members.iter().find_map(|member| shared_target(program, of(member.ty))) {
                Some(target) => Children::Pointer(target),
                None => Children::None,
            }
        }
        TypeKind::Struct { members } => {
            match fat_pointer(program, libraries, ty, layout, wanted)? {
                Some(fat) => fat,
                None => Children::Parts(
                    members
                        .iter()
                        .map(|member| Part { offset: member.offset, ty: of(member.ty) })
                        .collect(),
                ),
            }
        }
        // The other member of `MaybeUninit` is `()`; what other unions hold, only their code knows.
        TypeKind::Union { members } if is_maybe_uninit(program, ty)? => Children::Parts(
            members
                .iter()
                .filter(|member| &*member.name == "value")
                .map(|member| Part { offset: member.offset, ty: of(member.ty) })
                .collect(),
        ),
        TypeKind::Enum { variants, .. } => Children::Variants(
            variants
                .iter()
                .map(|variant| vec![Part { offset: variant.offset, ty: of(variant.ty) }])
                .collect(),
        ),
        TypeKind::Pointer { target: Some(target) } if is_followed(&layout.name, wanted) => {
            Children::Pointer(of(*target))
        }
        // Which of them are there only the code knows that has them, as `core::array::IntoIter`: what it
        // gave away has left its bytes.
        TypeKind::Array { element, .. }
            if wanted != SearchFor::Futures && is_maybe_uninit(program, of(*element))? =>
        {
            Children::None
        }
        TypeKind::Array { element, count: Some(count) } => Children::Array {
            element: of(*element),
            size: program.type_of(of(*element))?.size,
            count: *count,
        },
        _ => Children::None,
    })
}

/// Whether a type is a `MaybeUninit`.
fn is_maybe_uninit(program: &Program<'_>, ty: Ty) -> Result<bool, LayoutError> {
    Ok(base_path(&program.type_of(ty)?.name).ends_with("::MaybeUninit"))
}

/// Whether a pointer of that type leads to what is wanted: one that owns what it points to, for
/// futures also one that borrows it exclusively, since they cannot be polled through any other, and
/// for connections, since who reads or writes borrows them so; for what may be lent any.
fn is_followed(pointer: &str, wanted: SearchFor) -> bool {
    let is_borrow = match wanted {
        SearchFor::Futures | SearchFor::Connections => pointer.starts_with("&mut "),
        SearchFor::LentGuards => pointer.starts_with('&'),
        SearchFor::Guards | SearchFor::GuardsInObjects | SearchFor::Handles | SearchFor::Ends => {
            false
        }
    };
    is_borrow || pointer.starts_with("alloc::boxed::Box<")
}

/// A fat pointer to a slice or to a `dyn Trait` that is polled.
fn fat_pointer(
    program: &Program<'_>,
    libraries: Libraries,
    ty: Ty,
    layout: &Type,
    wanted: SearchFor,
) -> Result<Option<Children>, LayoutError> {
    let [first, second] = layout.members() else { return Ok(None) };
    // rustc before 1.60 or so calls the first member of both `data_ptr`.
    if !matches!(&*first.name, "data_ptr" | "pointer") {
        return Ok(None);
    }
    if !is_followed(&layout.name, wanted) {
        return Ok(Some(Children::None));
    }
    Ok(Some(match &*second.name {
        "vtable" => {
            let object = match &*layout.name {
                name if is_polled_trait(name) => Object::Future,
                name => match streaming(libraries, name) {
                    Some(known) if known.keeps_its_own => Object::LikeFuture,
                    Some(_) => Object::Streaming,
                    None => Object::Any,
                },
            };
            let is_polled = wanted == SearchFor::Futures && object != Object::Any;
            match is_polled || wanted.goes_into_objects() {
                true => Children::Dyn { data: first.offset, vtable: second.offset, object },
                false => Children::None,
            }
        }
        "length" => match SliceLayout::of_fat_pointer(program, ty, layout)? {
            Some(SliceLayout { data, length, element, size }) => {
                Children::Slice { data, length, element, size }
            }
            None => Children::None,
        },
        _ => Children::None,
    }))
}

/// Whether a pointer's type is to a `dyn Future` or `dyn Stream`.
fn is_polled_trait(pointer: &str) -> bool {
    let of = object_trait(pointer);
    ["core::future::future::Future<", "futures_core::stream::Stream<"]
        .iter()
        .any(|polled| of.is_some_and(|name| name.starts_with(polled)))
}

/// What is known of the object that a pointer's type is to, where that is polled as it streams.
fn streaming(libraries: Libraries, pointer: &str) -> Option<&'static StreamingTrait> {
    let name = object_trait(pointer)?;
    libraries.streaming().find(|known| {
        let rest = name.strip_prefix(known.path);
        rest.is_some_and(|rest| rest.starts_with(['<', ' ', '>', '+']))
    })
}

/// The trait of the object that a pointer of that type leads to, and what follows it.
fn object_trait(pointer: &str) -> Option<&str> {
    pointer.find("dyn ").map(|at| &pointer[at + "dyn ".len()..])
}
