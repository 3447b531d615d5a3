//! The root entry of a unit: its name, directory, language, and the bases of its indexes.

use std::sync::Arc;

use gimli::{
    AttributeValue, DebugInfoOffset, DebugLocListsBase, DebugRngListsBase, DebugStrOffsetsBase,
    Dwarf, DwarfFileType, Encoding, Unit, UnitHeader,
};
use runtime_layouts::layout::origin::within_standard;

use super::abbreviations::AbbreviationTable;
use super::reader::Entry;
use crate::object::sections::Slice;

/// The root of a unit, without a borrow of the sections.
pub(crate) struct UnitRoot {
    pub(super) table: Arc<AbbreviationTable>,
    pub(super) bases: UnitBases,
    /// `src/main.rs/@/app.20527aab75c04bf6-cgu.00` for rustc.
    pub(crate) name: Box<str>,
    /// The compilation directory.
    pub(crate) directory: Arc<str>,
    /// The DWARF version.
    pub(crate) version: u16,
    /// Whether the language is Rust.
    pub(crate) is_rust: bool,
    /// Whether the entries are in a `.dwo` file instead.
    pub(crate) is_skeleton: bool,
    /// The base of location list offsets.
    pub(super) locations: usize,
    /// The unit's header in `.debug_line`.
    pub(crate) line_program: Option<gimli::DebugLineOffset>,
}

/// The base addresses and offsets of a unit.
#[derive(Clone, Copy)]
pub(super) struct UnitBases {
    pub(super) low_pc: u64,
    pub(super) str_offsets: gimli::DebugStrOffsetsBase,
    pub(super) addresses: gimli::DebugAddrBase,
    pub(super) loclists: gimli::DebugLocListsBase,
    pub(super) rnglists: gimli::DebugRngListsBase,
}

impl UnitBases {
    /// The bases of a unit whose root gives none. Before DWARF 5 the tables of a split file have no
    /// header, and start at 0.
    pub(super) fn default_of(encoding: Encoding, file: DwarfFileType) -> Self {
        Self {
            low_pc: 0,
            str_offsets: DebugStrOffsetsBase::default_for_encoding_and_file(encoding, file),
            addresses: gimli::DebugAddrBase(0),
            loclists: DebugLocListsBase::default_for_encoding_and_file(encoding, file),
            rnglists: DebugRngListsBase::default_for_encoding_and_file(encoding, file),
        }
    }

    /// The bases that the root gives. The first address may be an index, which needs the other
    /// bases.
    pub(super) fn read<'a>(
        dwarf: &Dwarf<Slice<'a>>,
        unit: &mut Unit<Slice<'a>>,
        root: &Entry<'a>,
    ) -> Result<Self, gimli::Error> {
        let mut low_pc = None;
        for attribute in root.attrs() {
            match (attribute.name(), attribute.value()) {
                (gimli::DW_AT_low_pc, value) => low_pc = Some(value),
                (_, AttributeValue::DebugStrOffsetsBase(base)) => unit.str_offsets_base = base,
                (_, AttributeValue::DebugAddrBase(base)) => unit.addr_base = base,
                (_, AttributeValue::DebugLocListsBase(base)) => unit.loclists_base = base,
                (_, AttributeValue::DebugRngListsBase(base)) => unit.rnglists_base = base,
                _ => {}
            }
        }
        if let Some(low_pc) = low_pc {
            unit.low_pc = dwarf.attr_address(unit, low_pc)?.unwrap_or(0);
        }
        Ok(Self {
            low_pc: unit.low_pc,
            str_offsets: unit.str_offsets_base,
            addresses: unit.addr_base,
            loclists: unit.loclists_base,
            rnglists: unit.rnglists_base,
        })
    }

    /// A unit with these bases. The line table is left out: most units are never asked for it.
    pub(super) fn unit<'a>(
        self,
        header: UnitHeader<Slice<'a>>,
        table: &AbbreviationTable,
    ) -> Unit<Slice<'a>> {
        Unit {
            header,
            abbreviations: Arc::clone(&table.abbreviations),
            name: None,
            comp_dir: None,
            low_pc: self.low_pc,
            str_offsets_base: self.str_offsets,
            addr_base: self.addresses,
            loclists_base: self.loclists,
            rnglists_base: self.rnglists,
            line_program: None,
            dwo_id: None,
        }
    }
}

impl UnitRoot {
    /// The name of the crate, which rustc appends to the name of the root file; `None` for other
    /// compilers.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        let (_, after) = self.name.rsplit_once("/@/")?;
        Some(after.split_once('.').map_or(after, |(name, _)| name))
    }

    /// Whether the unit is of the precompiled standard library, which has line tables only. No
    /// function in such a unit is or polls a future, or keeps one on the stack.
    pub(crate) fn is_bare_standard(&self) -> bool {
        within_standard(&self.directory).is_some() && !self.has_types()
    }

    /// Whether the unit's abbreviations allow for an entry that describes a struct.
    pub(crate) fn has_types(&self) -> bool {
        // Codes are dense from 1 in what LLVM writes.
        (1..).map_while(|code| self.table.abbreviations.get(code)).any(|abbreviation| {
            abbreviation.tag() == gimli::DW_TAG_structure_type
                || abbreviation.tag() == gimli::DW_TAG_variant_part
        })
    }
}

/// The string value of an attribute; empty when the entry has none.
pub(super) fn text<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    unit: &Unit<Slice<'a>>,
    entry: &Entry<'a>,
    name: gimli::DwAt,
) -> String {
    let text = entry.attr_value(name).and_then(|value| dwarf.attr_string(unit, value).ok());
    text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn is_rust(root: &Entry<'_>) -> bool {
    matches!(
        root.attr_value(gimli::DW_AT_language),
        Some(AttributeValue::Language(gimli::DW_LANG_Rust))
    )
}

pub(super) fn header_at<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    start: u64,
) -> Result<UnitHeader<Slice<'a>>, gimli::Error> {
    let start = usize::try_from(start).map_err(|_| gimli::Error::UnsupportedOffset)?;
    dwarf.unit_header(DebugInfoOffset(start))
}
