//! A unit with everything that is needed to read its entries.

use std::sync::Arc;

use gimli::{AttributeValue, Dwarf, LocationListsOffset, Unit, constants as dw};
use runtime_layouts::layout::source::LayoutError;

use super::abbreviations::AbbreviationTable;
use super::reader::{Entry, UnitNumber, malformed};
use crate::object::sections::Slice;

/// A unit with its header, abbreviations and bases.
pub(crate) struct UnitView<'a> {
    pub(crate) unit: Unit<Slice<'a>>,
    pub(crate) number: UnitNumber,
    /// Offset of the header in `.debug_info`.
    pub(crate) start: u64,
    pub(crate) table: Arc<AbbreviationTable>,
    /// The base of location list offsets.
    pub(super) locations: usize,
}

impl<'a> UnitView<'a> {
    /// The value of a location attribute, with the offset of a location list made relative to the
    /// start of the section.
    pub(crate) fn location(&self, value: AttributeValue<Slice<'a>>) -> AttributeValue<Slice<'a>> {
        match value {
            AttributeValue::LocationListsRef(LocationListsOffset(offset)) => {
                let offset = offset.saturating_add(self.locations);
                AttributeValue::LocationListsRef(LocationListsOffset(offset))
            }
            other => other,
        }
    }

    /// The `.debug_info` offset of an entry that an attribute refers to.
    pub(crate) fn reference(&self, value: AttributeValue<Slice<'a>>) -> Option<u64> {
        match value {
            AttributeValue::UnitRef(offset) => Some(self.start.wrapping_add(offset.0 as u64)),
            AttributeValue::DebugInfoRef(offset) => Some(offset.0 as u64),
            _ => None,
        }
    }

    /// The offset in `.debug_info` that an attribute of `entry` refers to.
    pub(crate) fn attribute_reference(&self, entry: &Entry<'a>, name: gimli::DwAt) -> Option<u64> {
        self.reference(entry.attr_value(name)?)
    }

    /// The entry at an offset of `.debug_info` within this unit, and what follows it.
    pub(crate) fn entries_from(
        &self,
        offset: u64,
    ) -> Result<gimli::EntriesRaw<'_, Slice<'a>>, LayoutError> {
        let within = offset.checked_sub(self.start).and_then(|o| usize::try_from(o).ok());
        let within = within.ok_or(LayoutError::NoSuchType(offset))?;
        self.unit
            .entries_raw(Some(gimli::UnitOffset(within)))
            .map_err(|error| malformed(offset, error))
    }

    /// The entry at an offset of `.debug_info` within this unit.
    pub(crate) fn entry(&self, offset: u64) -> Result<Entry<'a>, LayoutError> {
        let mut entry = Entry::default();
        let mut entries = self.entries_from(offset)?;
        entries.read_entry(&mut entry).map_err(|error| malformed(offset, error))?;
        Ok(entry)
    }
}

/// The entry that this one completes: its `DW_AT_abstract_origin`, or else its
/// `DW_AT_specification`, as an offset in `.debug_info`.
pub(crate) fn origin_of<'a>(view: &UnitView<'a>, entry: &Entry<'a>) -> Option<u64> {
    view.attribute_reference(entry, dw::DW_AT_abstract_origin)
        .or_else(|| view.attribute_reference(entry, dw::DW_AT_specification))
}

/// The mangled name of an entry; that of its origin is not looked up.
pub(crate) fn linkage_name<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    view: &UnitView<'a>,
    entry: &Entry<'a>,
) -> Option<Arc<str>> {
    let value = entry
        .attr_value(dw::DW_AT_linkage_name)
        .or_else(|| entry.attr_value(dw::DW_AT_MIPS_linkage_name))?;
    Some(dwarf.attr_string(&view.unit, value).ok()?.to_string_lossy().into())
}
