//! Slices and fat pointers to them, by the members that have their address and length.

use super::{Program, Ty, Value, ValueError};
use crate::layout::source::LayoutError;
use crate::layout::{Type, TypeId, TypeKind};

/// Where values of one type have the address and the length of a slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SliceLayout {
    /// From the value to the pointer to the first element, in bytes.
    pub data: u64,
    /// From the value to the number of elements, in bytes.
    pub length: u64,
    /// The type of the elements.
    pub element: Ty,
    /// The size of an element in bytes.
    pub size: u64,
}

/// Elements in a row in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slice {
    /// The address of the first element.
    pub start: u64,
    /// The type of the elements.
    pub element: Ty,
    /// The size of an element in bytes.
    pub size: u64,
    /// The number of elements.
    pub count: u64,
}

impl Slice {
    /// Its elements, so many at most.
    pub fn elements(self, most: u64) -> impl Iterator<Item = Value> {
        (0..self.count.min(most)).map(move |number| {
            let address = self.start.wrapping_add(number.wrapping_mul(self.size));
            Value { ty: self.element, address }
        })
    }
}

/// Whether a type is a fat pointer to a slice or a string: rustc names its members `data_ptr` and
/// `length` (`compiler/rustc_codegen_llvm/src/debuginfo/metadata.rs`).
#[must_use]
pub fn is_fat_pointer_to_slice(layout: &Type) -> bool {
    layout.member("data_ptr").is_some() && layout.member("length").is_some()
}

impl SliceLayout {
    /// That of a fat pointer to a slice; `None` for every other type.
    ///
    /// # Errors
    /// When the module's layouts cannot give the type of the pointer or of the elements.
    pub fn of_fat_pointer(
        program: &Program<'_>,
        ty: Ty,
        layout: &Type,
    ) -> Result<Option<Self>, LayoutError> {
        let (Some(data), Some(length)) = (layout.member("data_ptr"), layout.member("length"))
        else {
            return Ok(None);
        };
        let of = |id: TypeId| Ty { module: ty.module, id };
        let TypeKind::Pointer { target: Some(element) } = program.type_of(of(data.ty))?.kind else {
            return Ok(None);
        };
        Self::new(program, data.offset, length.offset, of(element)).map(Some)
    }

    pub(super) fn new(
        program: &Program<'_>,
        data: u64,
        length: u64,
        element: Ty,
    ) -> Result<Self, LayoutError> {
        let size = program.type_of(element)?.size;
        Ok(Self { data, length, element, size })
    }

    /// The elements that a value of that type refers to.
    ///
    /// # Errors
    /// When the value's memory cannot be read.
    pub fn read(&self, program: &Program<'_>, value: Value) -> Result<Slice, ValueError> {
        let start = program.read_pointer(value.address.wrapping_add(self.data))?;
        let count = program.read_pointer(value.address.wrapping_add(self.length))?;
        Ok(Slice { start, element: self.element, size: self.size, count })
    }
}
