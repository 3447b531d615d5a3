//! The units of `.debug_info`: where each one is, and what its root says.
//!
//! Opening reads the headers alone. A root is read when its unit is asked for the first time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gimli::{
    Abbreviations, AttributeValue, DebugAbbrevOffset, DebugInfoOffset, DebugLocListsBase,
    DebugRngListsBase, DebugStrOffsetsBase, Dwarf, DwarfFileType, Encoding, EndianSlice,
    LocationListsOffset, RunTimeEndian, SectionId, Unit, UnitHeader,
};
use runtime_layouts::layout::origin::within_standard;
use runtime_layouts::layout::source::LayoutError;

use crate::elf::ObjectFile;
use crate::files::ListedFile;
use crate::index::UnitIndex;
use crate::recipes::{AllRecipes, Recipes};
use crate::split::SplitUnit;

/// How DWARF is read: from borrowed bytes, in the byte order of the object.
pub(crate) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// A debugging information entry.
pub(crate) type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;

/// The number of a unit in the order of `.debug_info`.
pub(crate) type UnitNumber = usize;

/// One unit, with what was found out about it so far.
pub(crate) struct UnitEntry {
    /// Offset of the header in `.debug_info`.
    pub(crate) start: u64,
    /// Offset of the first byte after the unit.
    pub(crate) end: u64,
    root: OnceLock<Result<Root, gimli::Error>>,
    pub(crate) index: OnceLock<Result<UnitIndex, gimli::Error>>,
    pub(crate) files: OnceLock<Vec<ListedFile>>,
}

/// What the root of a unit says, without borrowing from the sections.
pub(crate) struct Root {
    table: Arc<Table>,
    bases: Bases,
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
    /// Where offsets of location lists count from.
    locations: usize,
    /// The unit's header in `.debug_line`.
    pub(crate) line_program: Option<gimli::DebugLineOffset>,
}

/// Where a unit's addresses and its indexes into other sections count from.
#[derive(Clone, Copy)]
struct Bases {
    low_pc: u64,
    str_offsets: gimli::DebugStrOffsetsBase,
    addresses: gimli::DebugAddrBase,
    loclists: gimli::DebugLocListsBase,
    rnglists: gimli::DebugRngListsBase,
}

impl Bases {
    /// Those of a unit that says nothing of them. The tables of a split file have no header before
    /// DWARF 5, and are not pointed into.
    fn default_of(encoding: Encoding, file: DwarfFileType) -> Self {
        Self {
            low_pc: 0,
            str_offsets: DebugStrOffsetsBase::default_for_encoding_and_file(encoding, file),
            addresses: gimli::DebugAddrBase(0),
            loclists: DebugLocListsBase::default_for_encoding_and_file(encoding, file),
            rnglists: DebugRngListsBase::default_for_encoding_and_file(encoding, file),
        }
    }

    /// Those that a unit's root says; its first address may be an index that needs the others.
    fn read<'a>(
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

    /// A unit with these. Its line table is not read: many have one, and few are asked for it.
    fn unit<'a>(self, header: UnitHeader<Slice<'a>>, table: &Table) -> Unit<Slice<'a>> {
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

impl Root {
    /// The crate's name, as rustc appends it to the name of the root file; `None` for other
    /// compilers.
    pub(crate) fn crate_name(&self) -> Option<&str> {
        let (_, after) = self.name.rsplit_once("/@/")?;
        Some(after.split_once('.').map_or(after, |(name, _)| name))
    }

    /// Whether the unit is of the standard library as it is installed: it has line tables alone.
    /// Nothing in such a unit is or polls a future, or has one on the stack.
    pub(crate) fn is_bare_standard(&self) -> bool {
        within_standard(&self.directory).is_some() && !self.has_types()
    }

    /// Whether any entry of the unit's object file may describe a struct.
    pub(crate) fn has_types(&self) -> bool {
        // Codes are dense from 1 in what LLVM writes.
        (1..).map_while(|code| self.table.abbreviations.get(code)).any(|abbreviation| {
            abbreviation.tag() == gimli::DW_TAG_structure_type
                || abbreviation.tag() == gimli::DW_TAG_variant_part
        })
    }
}

/// A table of abbreviations, as units with one encoding read it.
pub(crate) struct Table {
    abbreviations: Arc<Abbreviations>,
    encoding: Encoding,
    recipes: OnceLock<Recipes>,
    all: Arc<AllRecipes>,
}

impl Table {
    /// How to get past the entries.
    pub(crate) fn recipes(&self) -> &Recipes {
        self.recipes.get_or_init(|| self.all.of(&self.abbreviations, self.encoding))
    }
}

/// Every unit of the object.
pub(crate) struct Units {
    entries: Vec<UnitEntry>,
    tables: Mutex<HashMap<(usize, Encoding), Arc<Table>>>,
    recipes: Arc<AllRecipes>,
    /// Units that are in other files, by number, with where they are and the number of their
    /// skeleton; and the other way round.
    split: HashMap<UnitNumber, (SplitUnit, UnitNumber)>,
    rest: HashMap<UnitNumber, UnitNumber>,
    /// What broke the list off, if something did.
    pub(crate) broken: Option<gimli::Error>,
}

impl Units {
    /// Reads the unit headers. A broken header ends the list.
    pub(crate) fn read(object: &ObjectFile) -> Self {
        let dwarf = object.sections.dwarf(object.endian);
        // A package may have units that the linker left out of the program.
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
                        index: OnceLock::new(),
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
            recipes: Arc::default(),
            split: HashMap::new(),
            rest: HashMap::new(),
            broken,
        };
        for (skeleton, unit) in split() {
            if let (Some(skeleton), Some(number)) = (units.at(*skeleton), units.at(unit.start)) {
                units.split.insert(number, (*unit, skeleton));
                units.rest.insert(skeleton, number);
            }
        }
        units
    }

    /// The unit with the entries of this one: another one for a skeleton.
    pub(crate) fn with_entries(&self, number: UnitNumber) -> UnitNumber {
        self.rest.get(&number).copied().unwrap_or(number)
    }

    /// Whether a unit is in another file, and the program has its skeleton.
    pub(crate) fn is_split(&self, number: UnitNumber) -> bool {
        self.split.contains_key(&number)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entry of a unit.
    pub(crate) fn entry(&self, number: UnitNumber) -> &UnitEntry {
        &self.entries[number]
    }

    /// The unit that holds this offset of `.debug_info`.
    pub(crate) fn at(&self, offset: u64) -> Option<UnitNumber> {
        let after = self.entries.partition_point(|unit| unit.start <= offset);
        let number = after.checked_sub(1)?;
        (offset < self.entries[number].end).then_some(number)
    }

    /// What the unit's root says.
    pub(crate) fn root(
        &self,
        dwarf: &Dwarf<Slice<'_>>,
        number: UnitNumber,
    ) -> Result<&Root, LayoutError> {
        let entry = &self.entries[number];
        let root = entry.root.get_or_init(|| match self.split.get(&number) {
            Some((unit, skeleton)) => self.read_split_root(dwarf, unit, *skeleton),
            None => self.read_root(dwarf, entry.start),
        });
        root.as_ref().map_err(|error| malformed(entry.start, *error))
    }

    /// A unit ready to be read.
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

    fn read_root(&self, dwarf: &Dwarf<Slice<'_>>, start: u64) -> Result<Root, gimli::Error> {
        let header = header_at(dwarf, start)?;
        let encoding = header.encoding();
        let table = self.table_at(dwarf, header.debug_abbrev_offset().0, encoding)?;
        let mut unit = Bases::default_of(encoding, dwarf.file_type).unit(header, &table);
        let root = unit.entry(unit.header.root_offset())?;
        let bases = Bases::read(dwarf, &mut unit, &root)?;
        Ok(Root {
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

    /// The root of a unit in another file: what it says itself, and for what the linker had to know
    /// its skeleton.
    fn read_split_root(
        &self,
        dwarf: &Dwarf<Slice<'_>>,
        place: &SplitUnit,
        skeleton: UnitNumber,
    ) -> Result<Root, gimli::Error> {
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
        let own = Bases::default_of(encoding, DwarfFileType::Dwo);
        let bases = Bases {
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
        Ok(Root {
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

    /// Link-time optimization makes many units share one table of abbreviations.
    fn table_at(
        &self,
        dwarf: &Dwarf<Slice<'_>>,
        offset: usize,
        encoding: Encoding,
    ) -> Result<Arc<Table>, gimli::Error> {
        let key = (offset, encoding);
        let cache = || self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = cache().get(&key) {
            return Ok(Arc::clone(known));
        }
        let abbreviations = Arc::new(dwarf.debug_abbrev.abbreviations(DebugAbbrevOffset(offset))?);
        let all = Arc::clone(&self.recipes);
        let table = Arc::new(Table { abbreviations, encoding, recipes: OnceLock::new(), all });
        Ok(Arc::clone(cache().entry(key).or_insert(table)))
    }
}

/// A string that an entry says; empty when it does not.
fn text<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    unit: &Unit<Slice<'a>>,
    entry: &Entry<'a>,
    name: gimli::DwAt,
) -> String {
    let text = entry.attr_value(name).and_then(|value| dwarf.attr_string(unit, value).ok());
    text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_rust(root: &Entry<'_>) -> bool {
    matches!(
        root.attr_value(gimli::DW_AT_language),
        Some(AttributeValue::Language(gimli::DW_LANG_Rust))
    )
}

fn header_at<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    start: u64,
) -> Result<UnitHeader<Slice<'a>>, gimli::Error> {
    let start = usize::try_from(start).map_err(|_| gimli::Error::UnsupportedOffset)?;
    dwarf.unit_header(DebugInfoOffset(start))
}

/// A unit ready to be read.
pub(crate) struct UnitView<'a> {
    pub(crate) unit: Unit<Slice<'a>>,
    pub(crate) number: UnitNumber,
    /// Offset of the header in `.debug_info`.
    pub(crate) start: u64,
    pub(crate) table: Arc<Table>,
    /// Where offsets of location lists count from.
    locations: usize,
}

impl<'a> UnitView<'a> {
    /// A location as an attribute has it, with the offset of a list counted from the start of the
    /// section.
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

    /// The entry that an attribute of `entry` refers to.
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

/// An error of the debug information at an offset of `.debug_info`.
pub(crate) fn malformed(at: u64, error: gimli::Error) -> LayoutError {
    LayoutError::Malformed { at, what: error.to_string() }
}

/// An error of the debug information that gimli does not know of.
pub(crate) fn malformed_because(at: u64, what: &str) -> LayoutError {
    LayoutError::Malformed { at, what: what.to_owned() }
}
