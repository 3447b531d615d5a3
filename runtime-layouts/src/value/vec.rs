//! `Vec`s, as slices.

use super::path::{self, Reach};
use super::slices::SliceLayout;
use super::{Program, Ty};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};

impl SliceLayout {
    /// That of a `Vec` (`library/alloc/src/vec/mod.rs`, Rust 1.95): `buf: RawVec<T>`, which ends in
    /// one pointer, and `len`. `None` when the layout is another one.
    ///
    /// # Errors
    /// When the module's layouts cannot give the type of the elements.
    pub fn of_vec(
        program: &Program<'_>,
        ty: Ty,
        layout: &Type,
    ) -> Result<Option<Self>, LayoutError> {
        let of = |id: TypeId| Ty { module: ty.module, id };
        let (Some(buffer), Some(length), Some(element)) =
            (layout.member("buf"), layout.member("len"), layout.type_parameter("T"))
        else {
            return Ok(None);
        };
        let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
        let pointer = path::find(program, of(buffer.ty), Reach::INLINE, &mut is_pointer);
        let Some(offset) = pointer.and_then(|pointer| pointer.offset()) else { return Ok(None) };
        let data = buffer.offset.wrapping_add(offset);
        Self::new(program, data, length.offset, of(element)).map(Some)
    }
}
