//! The units of `.debug_info`.
//!
//! Opening an object reads the unit headers alone. A unit's root entry is read when the unit is
//! first asked for.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gimli::{
    AttributeValue, DebugAbbrevOffset, DebugLocListsBase, DebugRngListsBase, DebugStrOffsetsBase,
    Dwarf, DwarfFileType, Encoding, SectionId,
};
use runtime_layouts::layout::source::LayoutError;

use super::abbreviations::{AbbreviationLayoutCache, AbbreviationTable};
use super::file_table::ListedFile;
use super::reader::{UnitNumber, malformed};
use super::unit_root::{UnitBases, UnitRoot, header_at, is_rust, text};
use super::unit_view::UnitView;
use crate::object::object_file::ObjectFile;
use crate::object::sections::Slice;
use crate::object::split_dwarf::SplitUnit;

/// A unit, with what was read of it so far.
pub(crate) struct UnitEntry {
    /// Offset of the header in `.debug_info`.
    pub(crate) start: u64,
    /// Offset of the first byte after the unit.
    pub(crate) end: u64,
    root: OnceLock<Result<UnitRoot, gimli::Error>>,
    pub(crate) files: OnceLock<Vec<ListedFile>>,
}

/// Every unit of the object.
pub(crate) struct Units {
    entries: Vec<UnitEntry>,
    tables: Mutex<HashMap<(usize, Encoding), Arc<AbbreviationTable>>>,
    layouts: Arc<AbbreviationLayoutCache>,
    /// The units of split files, by number: their place, and the number of their skeleton.
    split: HashMap<UnitNumber, (SplitUnit, UnitNumber)>,
    /// The split unit of each skeleton, by the number of the skeleton.
    split_of_skeleton: HashMap<UnitNumber, UnitNumber>,
    /// The error that ended the list of headers early, if one did.
    pub(crate) broken: Option<gimli::Error>,
}

impl Units {
    /// Reads the unit headers. A broken header ends the list.
    pub(crate) fn read(object: &ObjectFile) -> Self {
        let dwarf = object.sections.dwarf(object.endian);
        // A package may contain units that the linker left out of the program.
        let own = object.own_sections().get(SectionId::DebugInfo).len() as u64;
        let split = || object.split.iter().flat_map(|split| &split.units);
        let linked: HashSet<u64> = split().map(|(_, unit)| unit.start).collect();
        let mut entries = Vec::new();
        let mut headers = dwarf.units();
        let broken = loop {
            match headers.next() {
                Ok(Some(header)) => {
                    let Some(offset) = header.debug_info_offset() else { continue };
                    let start = offset.0 as u64;
                    let end = start.saturating_add(header.length_including_self() as u64);
                    if start >= own && !linked.contains(&start) {
                        continue;
                    }
                    entries.push(UnitEntry {
                        start,
                        end,
                        root: OnceLock::new(),
                        files: OnceLock::new(),
                    });
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        let mut units = Units {
            entries,
            tables: Mutex::default(),
            layouts: Arc::default(),
            split: HashMap::new(),
            split_of_skeleton: HashMap::new(),
            broken,
        };
        for (skeleton, unit) in split() {
            if let (Some(skeleton), Some(number)) = (units.at(*skeleton), units.at(unit.start)) {
                units.split.insert(number, (*unit, skeleton));
                units.split_of_skeleton.insert(skeleton, number);
            }
        }
        units
    }

    /// The unit that holds the entries of this one: for a skeleton its split unit, else the unit
    /// itself.
    pub(crate) fn resolve_skeleton(&self, number: UnitNumber) -> UnitNumber {
        self.split_of_skeleton.get(&number).copied().unwrap_or(number)
    }

    /// Whether a unit is from a split file.
    pub(crate) fn is_split(&self, number: UnitNumber) -> bool {
        self.split.contains_key(&number)
    }

    /// The number of units.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A unit by its number.
    pub(crate) fn entry(&self, number: UnitNumber) -> &UnitEntry {
        &self.entries[number]
    }

    /// The unit that holds this offset of `.debug_info`.
    pub(crate) fn at(&self, offset: u64) -> Option<UnitNumber> {
        let after = self.entries.partition_point(|unit| unit.start <= offset);
        let number = after.checked_sub(1)?;
        (offset < self.entries[number].end).then_some(number)
    }

    /// The root of a unit, read on first use.
    pub(crate) fn root(
        &self,
        dwarf: &Dwarf<Slice<'_>>,
        number: UnitNumber,
    ) -> Result<&UnitRoot, LayoutError> {
        let entry = &self.entries[number];
        let root = entry.root.get_or_init(|| match self.split.get(&number) {
            Some((unit, skeleton)) => self.read_split_root(dwarf, unit, *skeleton),
            None => self.read_root(dwarf, entry.start),
        });
        root.as_ref().map_err(|error| malformed(entry.start, *error))
    }

    /// A view of a unit, to read its entries.
    pub(crate) fn view<'a>(
        &self,
        dwarf: &Dwarf<Slice<'a>>,
        number: UnitNumber,
    ) -> Result<UnitView<'a>, LayoutError> {
        let root = self.root(dwarf, number)?;
        let start = self.entries[number].start;
        let header = header_at(dwarf, start).map_err(|error| malformed(start, error))?;
        let table = Arc::clone(&root.table);
        let unit = root.bases.unit(header, &table);
        Ok(UnitView { unit, number, start, table, locations: root.locations })
    }

    fn read_root(&self, dwarf: &Dwarf<Slice<'_>>, start: u64) -> Result<UnitRoot, gimli::Error> {
        let header = header_at(dwarf, start)?;
        let encoding = header.encoding();
        let table = self.table_at(dwarf, header.debug_abbrev_offset().0, encoding)?;
        let mut unit = UnitBases::default_of(encoding, dwarf.file_type).unit(header, &table);
        let root = unit.entry(unit.header.root_offset())?;
        let bases = UnitBases::read(dwarf, &mut unit, &root)?;
        Ok(UnitRoot {
            bases,
            name: text(dwarf, &unit, &root, gimli::DW_AT_name).into(),
            directory: text(dwarf, &unit, &root, gimli::DW_AT_comp_dir).into(),
            version: encoding.version,
            is_rust: is_rust(&root),
            is_skeleton: root.has_attr(gimli::DW_AT_dwo_name)
                || root.has_attr(gimli::DW_AT_GNU_dwo_name),
            locations: 0,
            line_program: match root.attr_value(gimli::DW_AT_stmt_list) {
                Some(AttributeValue::DebugLineRef(offset)) => Some(offset),
                _ => None,
            },
            table,
        })
    }

    /// The root of a split unit. What the linker had to resolve is taken from its skeleton.
    fn read_split_root(
        &self,
        dwarf: &Dwarf<Slice<'_>>,
        place: &SplitUnit,
        skeleton: UnitNumber,
    ) -> Result<UnitRoot, gimli::Error> {
        let skeleton = &self.entries[skeleton];
        let skeleton = skeleton.root.get_or_init(|| self.read_root(dwarf, skeleton.start));
        let skeleton = skeleton.as_ref().map_err(|error| *error)?;
        let header = header_at(dwarf, place.start)?;
        let offset =
            |offset: u64| usize::try_from(offset).map_err(|_| gimli::Error::UnsupportedOffset);
        let abbreviations =
            offset(place.abbreviations)?.saturating_add(header.debug_abbrev_offset().0);
        let encoding = header.encoding();
        let table = self.table_at(dwarf, abbreviations, encoding)?;
        let own = UnitBases::default_of(encoding, DwarfFileType::Dwo);
        let bases = UnitBases {
            low_pc: skeleton.bases.low_pc,
            str_offsets: DebugStrOffsetsBase(
                own.str_offsets.0.saturating_add(offset(place.str_offsets)?),
            ),
            addresses: skeleton.bases.addresses,
            loclists: DebugLocListsBase(own.loclists.0.saturating_add(offset(place.locations)?)),
            rnglists: match encoding.version {
                ..5 => skeleton.bases.rnglists,
                _ => DebugRngListsBase(own.rnglists.0.saturating_add(offset(place.rnglists)?)),
            },
        };
        let unit = bases.unit(header, &table);
        let root = unit.entry(unit.header.root_offset())?;
        Ok(UnitRoot {
            bases,
            name: text(dwarf, &unit, &root, gimli::DW_AT_name).into(),
            directory: Arc::clone(&skeleton.directory),
            version: encoding.version,
            is_rust: is_rust(&root),
            is_skeleton: false,
            locations: offset(place.locations)?,
            line_program: skeleton.line_program,
            table,
        })
    }

    /// Tables are shared: after link-time optimization many units use the same one.
    fn table_at(
        &self,
        dwarf: &Dwarf<Slice<'_>>,
        offset: usize,
        encoding: Encoding,
    ) -> Result<Arc<AbbreviationTable>, gimli::Error> {
        let key = (offset, encoding);
        let cache = || self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache().get(&key) {
            return Ok(Arc::clone(known));
        }
        let abbreviations = Arc::new(dwarf.debug_abbrev.abbreviations(DebugAbbrevOffset(offset))?);
        let all = Arc::clone(&self.layouts);
        let table =
            Arc::new(AbbreviationTable { abbreviations, encoding, layouts: OnceLock::new(), all });
        Ok(Arc::clone(cache().entry(key).or_insert(table)))
    }
}
