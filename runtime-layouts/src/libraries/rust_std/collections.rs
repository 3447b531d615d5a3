//! Standard collections that may hold futures.

use crate::knowledge::CollectionType;
use crate::knowledge::children::{Children, Types};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::value::slices::SliceLayout;
use crate::value::{Program, Ty};

pub(super) const COLLECTIONS: &[CollectionType] =
    &[CollectionType { types: Types::Of("alloc::vec::Vec"), children: vector }];

fn vector(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let slice = SliceLayout::of_vec(program, ty, layout)?;
    Ok(slice.map(|SliceLayout { data, length, element, size }| Children::Slice {
        data,
        length,
        element,
        size,
    }))
}
