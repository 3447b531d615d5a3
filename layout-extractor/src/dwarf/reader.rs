//! Types and errors that all readers of DWARF share.

use runtime_layouts::layout::source::LayoutError;

use crate::object::sections::Slice;

/// A debugging information entry.
pub(crate) type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;

/// The number of a unit in the order of `.debug_info`.
pub(crate) type UnitNumber = usize;

/// An error in the debug information, at an offset of `.debug_info`.
pub(crate) fn malformed(at: u64, error: gimli::Error) -> LayoutError {
    LayoutError::Malformed { at, what: error.to_string() }
}

/// As [`malformed`], for an error that gimli does not detect.
pub(crate) fn malformed_because(at: u64, what: &str) -> LayoutError {
    LayoutError::Malformed { at, what: what.to_owned() }
}
