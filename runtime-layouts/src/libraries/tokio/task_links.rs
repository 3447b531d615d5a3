//! The links from one task to the next in an owned list.
//!
//! Source: `tokio/src/runtime/task/{core,raw}.rs` (tokio 1.54.1).

use rustc_hash::FxHashMap;

use super::expected::TRAILER;
use super::task::HEADER;
use crate::layout::{Type, TypeKind};
use crate::memory::ReadError;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, ValueError};

/// How to get from one task to the next in an owned list, worked out once a list.
#[derive(Clone)]
pub(super) struct Links {
    /// From the header to its vtable pointer, in bytes.
    vtable: u64,
    /// From the vtable to the offset of the trailer; `None` before 1.22, where the pointers are in
    /// the header.
    trailer_offset: Option<u64>,
    /// From the trailer or the header to the `next` pointer.
    next: u64,
    /// Offsets of the trailers, by vtable.
    trailers: FxHashMap<u64, u64>,
}

impl Links {
    /// The links of tasks with this header type.
    pub(super) fn new(program: &Program<'_>, header: Ty) -> Result<Self, ValueError> {
        let missing = |type_name: &str, wanted: &str| ValueError::Shape {
            type_name: type_name.to_string(),
            wanted: wanted.to_string(),
        };
        let member = |ty: Ty, name: &str| {
            let layout = program.type_of(ty)?;
            let member = layout.member(name).ok_or_else(|| missing(&layout.name, name))?;
            Ok::<_, ValueError>((member.offset, Ty { module: ty.module, id: member.ty }))
        };
        let (vtable, pointer) = member(header, "vtable")?;
        let TypeKind::Pointer { target: Some(target) } = program.type_of(pointer)?.kind else {
            return Err(missing(HEADER, "pointer to its vtable"));
        };
        let trailer_offset = member(Ty { module: header.module, id: target }, "trailer_offset");
        let trailer_offset = trailer_offset.ok().map(|(offset, _)| offset);
        let (name, owner) = match trailer_offset {
            Some(_) => {
                let name = TRAILER.newest();
                let trailers = program.layouts(header.module).types_named(name, Some(header.id))?;
                let trailer = trailers.first().ok_or_else(|| missing(name, "description"))?;
                (name, Ty { module: header.module, id: *trailer })
            }
            None => (HEADER, header),
        };
        let mut is_links = |ty: &Type| ty.member("next").is_some() && ty.member("prev").is_some();
        let to_links = path::find(program, owner, Reach::INLINE, &mut is_links)
            .ok_or_else(|| missing(name, "list pointers"))?;
        let (next, _) = member(to_links.end, "next")?;
        let start = to_links.offset().ok_or_else(|| missing(name, "fixed list pointers"))?;
        Ok(Self {
            vtable,
            trailer_offset,
            next: start.wrapping_add(next),
            trailers: FxHashMap::default(),
        })
    }

    /// The header after this one; 0 at the end of the list.
    pub(super) fn next(&mut self, program: &Program<'_>, header: u64) -> Result<u64, ReadError> {
        let Some(trailer_offset) = self.trailer_offset else {
            return program.read_pointer(header.wrapping_add(self.next));
        };
        let vtable = program.read_pointer(header.wrapping_add(self.vtable))?;
        let trailer = match self.trailers.get(&vtable) {
            Some(trailer) => *trailer,
            None => {
                let trailer = program.read_pointer(vtable.wrapping_add(trailer_offset))?;
                self.trailers.insert(vtable, trailer);
                trailer
            }
        };
        program.read_pointer(header.wrapping_add(trailer).wrapping_add(self.next))
    }
}
