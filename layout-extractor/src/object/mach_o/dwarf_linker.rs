//! Joins the debug information of object files, as `dsymutil` does, but keeps all of it: what the
//! linker dropped has the address 0.

use std::collections::HashMap;

use gimli::{DebugInfo, DwarfFileType, RunTimeEndian, SectionId, constants as dw};
use object::{Object, ObjectSection};
use rayon::prelude::*;

use super::super::sections::Sections;
use super::super::shared_bytes::SharedBytes;
use super::File;
use super::line_program;
use super::moved_entries::{self, Bases, Debug, Moved, is_supported};
use super::symbol_places::SymbolPlaces;
use super::words::Words;
use crate::support::thread_pool::in_parallel;

/// An object file, and where its parts are in the program.
pub(super) struct Input<'a> {
    debug: Debug<'a>,
    strings: &'a [u8],
    /// The file's line tables with the addresses of the program, and where each begins there, by its
    /// offset in the file.
    lines: (Vec<u8>, HashMap<u64, u64>),
    places: SymbolPlaces,
    endian: RunTimeEndian,
}

/// Why an object file's debug information is not taken, as the end of a sentence.
pub(super) fn input<'a>(
    file: &File<'a>,
    linked: &HashMap<&[u8], u64>,
    endian: RunTimeEndian,
) -> Result<Option<Input<'a>>, String> {
    let section = |id: SectionId| {
        let data = file.section_by_name(id.name()).map(|section| section.data());
        data.transpose().map(Option::unwrap_or_default).map_err(|error| error.to_string())
    };
    let debug = Debug {
        info: section(SectionId::DebugInfo)?,
        abbreviations: section(SectionId::DebugAbbrev)?,
        ranges: section(SectionId::DebugRanges)?,
        locations: section(SectionId::DebugLoc)?,
    };
    if debug.info.is_empty() {
        return Ok(None);
    }
    let places = SymbolPlaces::read(file, linked).map_err(|error| error.to_string())?;
    let lines = lines(debug, section(SectionId::DebugLine)?, &places, endian)?;
    Ok(Some(Input { debug, strings: section(SectionId::DebugStr)?, lines, places, endian }))
}

/// The line tables of a file's units.
fn lines(
    debug: Debug<'_>,
    section: &[u8],
    places: &SymbolPlaces,
    endian: RunTimeEndian,
) -> Result<(Vec<u8>, HashMap<u64, u64>), String> {
    let mut moved = Vec::new();
    let mut starts = HashMap::new();
    let info = DebugInfo::new(debug.info, endian);
    let abbreviations = gimli::DebugAbbrev::new(debug.abbreviations, endian);
    let mut units = info.units();
    while let Some(header) = units.next().map_err(|error| error.to_string())? {
        if !is_supported(&header) {
            return Err(format!("it has DWARF {}, and DWARF 4 is read there", header.version()));
        }
        let table = header.abbreviations(&abbreviations).map_err(|error| error.to_string())?;
        let root = header
            .entries_tree(&table, None)
            .and_then(|mut tree| Ok(tree.root()?.entry().attr_value(dw::DW_AT_stmt_list)));
        let Ok(Some(gimli::AttributeValue::DebugLineRef(offset))) = root else { continue };
        if starts.contains_key(&(offset.0 as u64)) {
            continue;
        }
        // Without its lines a unit still has its types.
        let before = moved.len();
        match line_program::append(section, offset.0, places, endian, &mut moved) {
            Ok(start) => drop(starts.insert(offset.0 as u64, start)),
            Err(_) => moved.truncate(before),
        }
    }
    Ok((moved, starts))
}

/// The joined sections; `None` when they are larger than 32-bit DWARF can be. Files whose debug
/// information is broken are left out, and named.
pub(super) fn join(inputs: Vec<(String, Input<'_>)>) -> (Option<Sections>, Vec<String>) {
    let mut next = Bases::default();
    let mut line_bytes = 0;
    let mut placed = Vec::with_capacity(inputs.len());
    for (name, input) in inputs {
        let mut bases = next.clone();
        bases.lines = input.lines.1.iter().map(|(&old, &new)| (old, line_bytes + new)).collect();
        next.info += input.debug.info.len() as u64;
        next.abbreviations += input.debug.abbreviations.len() as u64;
        next.strings += input.strings.len() as u64;
        next.ranges += input.debug.ranges.len() as u64;
        next.locations += input.debug.locations.len() as u64;
        line_bytes += input.lines.0.len() as u64;
        placed.push((name, input, bases));
    }
    let largest = [next.info, next.abbreviations, next.strings, next.ranges, next.locations];
    if largest.into_iter().chain([line_bytes]).any(|size| u32::try_from(size).is_err()) {
        return (None, Vec::new());
    }
    let moved: Vec<Result<Moved, gimli::Error>> = in_parallel(|| {
        let moved = placed.par_iter().map(|(_, input, bases)| {
            moved_entries::moved(input.debug, &input.places, bases, input.endian)
        });
        moved.collect()
    });
    if moved.iter().any(Result::is_err) {
        // The others' places are counted anew without them.
        let (mut good, mut broken) = (Vec::new(), Vec::new());
        for ((name, input, _), moved) in placed.into_iter().zip(moved) {
            match moved {
                Ok(_) => good.push((name, input)),
                Err(error) => {
                    broken.push(format!("{name}: its debug information is broken ({error})"))
                }
            }
        }
        let (joined, more) = join(good);
        broken.extend(more);
        return (joined, broken);
    }
    let mut all: HashMap<SectionId, Vec<u8>> = HashMap::new();
    let mut add = |id: SectionId, bytes: &[u8]| all.entry(id).or_default().extend_from_slice(bytes);
    for ((_, input, _), moved) in placed.into_iter().zip(moved.into_iter().flatten()) {
        add(SectionId::DebugInfo, &moved.info);
        add(SectionId::DebugAbbrev, input.debug.abbreviations);
        add(SectionId::DebugStr, input.strings);
        add(SectionId::DebugRanges, &moved.ranges);
        add(SectionId::DebugLoc, &moved.locations);
        add(SectionId::DebugLine, &input.lines.0);
        add(SectionId::DebugAranges, &address_ranges(&moved.units, Words(input.endian)));
    }
    let shared = all.into_iter().map(|(id, bytes)| (id, SharedBytes::from(bytes)));
    (Some(Sections::of(shared.collect(), DwarfFileType::Main)), Vec::new())
}

/// The tables of addresses of units (DWARF 4, section 6.1.2).
fn address_ranges(units: &[(u64, Vec<(u64, u64)>)], words: Words) -> Vec<u8> {
    /// Length, version, unit, sizes of an address and of a segment, and padding.
    const HEADER: usize = 16;
    let mut out = Vec::new();
    for (unit, ranges) in units {
        let start = out.len();
        let size = HEADER + (ranges.len() + 1) * 16;
        out.resize(start + HEADER, 0);
        words.put_u32(&mut out, start, u32::try_from(size - 4).unwrap_or(u32::MAX));
        let version = match words.0 {
            RunTimeEndian::Little => [2, 0],
            RunTimeEndian::Big => [0, 2],
        };
        out[start + 4..start + 6].copy_from_slice(&version);
        words.put_u32(&mut out, start + 6, u32::try_from(*unit).unwrap_or(u32::MAX));
        out[start + 10] = 8;
        for &(address, size) in ranges.iter().chain([&(0, 0)]) {
            words.push_u64(&mut out, address);
            words.push_u64(&mut out, size);
        }
    }
    out
}
