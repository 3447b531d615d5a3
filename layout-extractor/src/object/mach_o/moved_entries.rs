//! The debug information of one object file, with the addresses of the program and the offsets that
//! its sections have behind those of other files.
//!
//! Object files for a Mac have no relocations for offsets, and addresses are those of the file itself:
//! it is for `dsymutil` and debuggers to find what the linker made of them. Every number keeps its
//! size, so that each is written over what was there.

use std::collections::{HashMap, HashSet};

use gimli::{
    AttributeValue, DebugAbbrev, DebugInfo, EndianSlice, Endianity as _, Format, RunTimeEndian,
    UnitHeader, constants as dw,
};

use super::symbol_places::SymbolPlaces;
use super::words::Words;

type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// The address behind which a list of ranges has another base.
const NEW_BASE: u64 = u64::MAX;

/// The sections of an object file that are looked at here.
#[derive(Clone, Copy)]
pub(super) struct Debug<'a> {
    pub(super) info: &'a [u8],
    pub(super) abbreviations: &'a [u8],
    pub(super) ranges: &'a [u8],
    pub(super) locations: &'a [u8],
}

/// Where the file's parts begin in the joined sections.
#[derive(Clone, Default)]
pub(super) struct Bases {
    pub(super) info: u64,
    pub(super) abbreviations: u64,
    pub(super) strings: u64,
    pub(super) ranges: u64,
    pub(super) locations: u64,
    /// Each line table, by its offset in the object file.
    pub(super) lines: HashMap<u64, u64>,
}

/// The sections as they are to be joined.
pub(super) struct Moved {
    pub(super) info: Vec<u8>,
    pub(super) ranges: Vec<u8>,
    pub(super) locations: Vec<u8>,
    /// Each unit's offset in the joined section, and the addresses of what it describes.
    pub(super) units: Vec<(u64, Vec<(u64, u64)>)>,
}

/// A unit of version 4 or older, and of 32-bit DWARF: what compilers write for a Mac.
pub(super) fn is_supported(header: &UnitHeader<Slice<'_>>) -> bool {
    header.version() <= 4 && header.format() == Format::Dwarf32
}

/// Moves an object file's debug information.
pub(super) fn moved(
    debug: Debug<'_>,
    places: &SymbolPlaces,
    bases: &Bases,
    endian: RunTimeEndian,
) -> Result<Moved, gimli::Error> {
    let mut mover = Mover {
        debug,
        places,
        bases,
        words: Words(endian),
        moved: Moved {
            info: debug.info.to_vec(),
            ranges: debug.ranges.to_vec(),
            locations: debug.locations.to_vec(),
            units: Vec::new(),
        },
        done: HashSet::new(),
        described: HashSet::new(),
    };
    let info = DebugInfo::new(debug.info, endian);
    let mut units = info.units();
    while let Some(header) = units.next()? {
        mover.unit(header)?;
    }
    Ok(mover.moved)
}

struct Mover<'m, 'a> {
    debug: Debug<'a>,
    places: &'m SymbolPlaces,
    bases: &'m Bases,
    words: Words,
    moved: Moved,
    /// The entries of lists that were moved, by their section and offset.
    done: HashSet<(List, usize)>,
    /// What the unit describes: the addresses in the program.
    described: HashSet<(u64, u64)>,
}

/// The sections with lists of address ranges.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum List {
    Ranges,
    Locations,
}

impl<'a> Mover<'_, 'a> {
    fn unit(&mut self, header: UnitHeader<Slice<'a>>) -> Result<(), gimli::Error> {
        if !is_supported(&header) {
            return Err(gimli::Error::UnknownVersion(header.version().into()));
        }
        let endian = self.words.0;
        let start = header.debug_info_offset().map_or(0, |offset| offset.0);
        // Behind the unit's length and version.
        self.words.add_u32(&mut self.moved.info, start + 6, self.bases.abbreviations);
        let abbreviations =
            header.abbreviations(&DebugAbbrev::new(self.debug.abbreviations, endian))?;
        let mut entries = header.entries_raw(&abbreviations, None)?;
        let (mut base, mut lists) = (0, Vec::new());
        while !entries.is_empty() {
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            let is_root = abbreviation.tag() == dw::DW_TAG_compile_unit;
            for &spec in abbreviation.attributes() {
                let at = start + entries.next_offset().0;
                let attribute = entries.read_attribute(spec)?;
                let (name, value) = (attribute.name(), attribute.raw_value());
                match (name, &value) {
                    // Addresses in lists are relative to it, and become absolute.
                    (dw::DW_AT_low_pc, AttributeValue::Addr(low)) if is_root => {
                        base = *low;
                        self.words.put_u64(&mut self.moved.info, at, 0);
                    }
                    // The unit's code is no longer in one piece.
                    (dw::DW_AT_high_pc, AttributeValue::Data4(_)) if is_root => {
                        self.words.put_u32(&mut self.moved.info, at, 0);
                    }
                    (dw::DW_AT_high_pc, _) if is_root => {
                        self.words.put_u64(&mut self.moved.info, at, 0);
                    }
                    _ => lists.extend(self.attribute(at, name, &value)),
                }
            }
        }
        for (list, offset) in lists {
            self.list(list, offset, base);
        }
        let mut described: Vec<_> = std::mem::take(&mut self.described).into_iter().collect();
        described.sort_unstable();
        self.moved.units.push((self.bases.info.wrapping_add(start as u64), described));
        Ok(())
    }

    /// Moves one attribute; gives the list that it refers to, which is to be moved too.
    fn attribute(
        &mut self,
        at: usize,
        name: gimli::DwAt,
        value: &AttributeValue<Slice<'a>>,
    ) -> Option<(List, usize)> {
        let info = &mut self.moved.info;
        match value {
            AttributeValue::Addr(address) => {
                let place = match name {
                    dw::DW_AT_high_pc | dw::DW_AT_call_return_pc => self.places.moved_end(*address),
                    _ => self.address(*address),
                };
                self.words.put_u64(&mut self.moved.info, at, place.unwrap_or(0));
            }
            AttributeValue::DebugStrRef(_) => self.words.add_u32(info, at, self.bases.strings),
            AttributeValue::DebugInfoRef(_) => self.words.add_u32(info, at, self.bases.info),
            AttributeValue::SecOffset(offset) => match name {
                dw::DW_AT_stmt_list => {
                    let lines = self.bases.lines.get(&(*offset as u64)).copied();
                    // Behind everything, where no table is.
                    let lines = lines.and_then(|lines| u32::try_from(lines).ok());
                    self.words.put_u32(info, at, lines.unwrap_or(u32::MAX));
                }
                dw::DW_AT_ranges => {
                    self.words.add_u32(info, at, self.bases.ranges);
                    return Some((List::Ranges, *offset));
                }
                dw::DW_AT_location | dw::DW_AT_frame_base | dw::DW_AT_data_member_location => {
                    self.words.add_u32(info, at, self.bases.locations);
                    return Some((List::Locations, *offset));
                }
                _ => {}
            },
            AttributeValue::Exprloc(expression) => {
                let whole = EndianSlice::new(self.debug.info, self.words.0);
                let at = expression.0.offset_from(whole);
                self.expression(at, expression.0.slice());
            }
            _ => {}
        }
        None
    }

    /// Moves the address that an expression begins with: of a variable, or of the descriptor of a
    /// thread-local one.
    fn expression(&mut self, at: usize, bytes: &[u8]) {
        let follows = bytes.get(9).map(|operation| gimli::DwOp(*operation));
        let is_address = match bytes.first().map(|operation| gimli::DwOp(*operation)) {
            Some(dw::DW_OP_addr) => true,
            Some(dw::DW_OP_const8u) => {
                matches!(follows, Some(dw::DW_OP_form_tls_address | dw::DW_OP_GNU_push_tls_address))
            }
            _ => false,
        };
        if let Some(address) = self.words.u64(bytes, 1).filter(|_| is_address) {
            let place = self.address(address);
            self.words.put_u64(&mut self.moved.info, at + 1, place.unwrap_or(0));
        }
    }

    /// Where an address is in the program. What begins there is described by the unit.
    fn address(&mut self, address: u64) -> Option<u64> {
        let part = self.places.at(address)?;
        let place = self.places.moved(address)?;
        if part.start == address {
            self.described.insert((place, part.end - part.start));
        }
        Some(place)
    }

    /// Moves a list of address ranges, each of which may have a location; `base` is the unit's.
    fn list(&mut self, list: List, offset: usize, mut base: u64) {
        let section = match list {
            List::Ranges => self.debug.ranges,
            List::Locations => self.debug.locations,
        };
        let mut at = offset;
        while let (Some(begin), Some(end)) =
            (self.words.u64(section, at), self.words.u64(section, at.wrapping_add(8)))
        {
            // One that runs into another list's entries ends there, so that each is moved once.
            if (begin, end) == (0, 0) || !self.done.insert((list, at)) {
                break;
            }
            let (low, high) = if begin == NEW_BASE {
                base = end;
                (NEW_BASE, 0)
            } else {
                let place = self.address(base.wrapping_add(begin));
                // Nothing, but not the end of the list.
                place.map_or((1, 1), |place| (place, place.wrapping_add(end.wrapping_sub(begin))))
            };
            let moved = match list {
                List::Ranges => &mut self.moved.ranges,
                List::Locations => &mut self.moved.locations,
            };
            self.words.put_u64(moved, at, low);
            self.words.put_u64(moved, at + 8, high);
            at += 16;
            if list == List::Locations && begin != NEW_BASE {
                let Some(length) = section.get(at..).and_then(|rest| rest.first_chunk::<2>())
                else {
                    break;
                };
                at += 2 + usize::from(self.words.0.read_u16(length));
            }
        }
    }
}
