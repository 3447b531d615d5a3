//! Where the linker put the parts of an object file: the code or data that begins at a symbol moves
//! as one, or is dropped.

use std::collections::HashMap;
use std::ops::Range;

use object::macho;
use object::read::macho::{MachHeader as _, Nlist as _, Section as _, Segment as _};

use super::File;

/// A part of an object file, from a symbol to the next one in its section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    /// Its first address in the object file.
    pub(super) start: u64,
    /// The address behind it.
    pub(super) end: u64,
    /// Its first address in the program; `None` where the linker dropped it, or kept no symbol.
    pub(super) linked: Option<u64>,
}

impl Part {
    /// Where an address in it is in the program.
    fn moved(&self, address: u64) -> Option<u64> {
        Some(self.linked?.wrapping_add(address.wrapping_sub(self.start)))
    }
}

/// The parts of an object file.
pub(super) struct SymbolPlaces {
    /// By address; they do not overlap.
    parts: Vec<Part>,
}

impl SymbolPlaces {
    /// Reads the symbols of an object file, of which the program has those at these addresses.
    pub(super) fn read(file: &File<'_>, linked: &HashMap<&[u8], u64>) -> object::Result<Self> {
        let endian = file.endian();
        let mut symbols = Vec::new();
        let table = file.macho_symbol_table();
        for symbol in table.iter() {
            if symbol.is_stab()
                || symbol.n_type().typ() != macho::N_SECT
                || symbol.n_desc(endian).0 & macho::N_ALT_ENTRY.0 != 0
            {
                continue;
            }
            let name = symbol.name(endian, table.strings())?;
            symbols.push((symbol.n_value(endian), linked.get(name).copied()));
        }
        // One that is kept goes before others at the same address.
        symbols.sort_unstable_by_key(|&(start, linked)| (start, linked.is_none()));
        symbols.dedup_by_key(|&mut (start, _)| start);
        let mut ends = section_ends(file)?;
        ends.sort_unstable();
        let next = symbols.iter().skip(1).map(|&(start, _)| start).chain([u64::MAX]);
        let parts = symbols.iter().zip(next).filter_map(|(&(start, linked), next)| {
            let section = ends.get(ends.partition_point(|&(_, end)| end <= start))?;
            let end = section.1.min(next);
            (section.0 <= start).then_some(Part { start, end, linked })
        });
        Ok(Self { parts: parts.collect() })
    }

    /// The part that an address is in.
    pub(super) fn at(&self, address: u64) -> Option<&Part> {
        let after = self.parts.partition_point(|part| part.start <= address);
        let part = &self.parts[after.checked_sub(1)?];
        (address < part.end).then_some(part)
    }

    /// Where an address of the object file is in the program.
    pub(super) fn moved(&self, address: u64) -> Option<u64> {
        self.at(address)?.moved(address)
    }

    /// As [`Self::moved`], for an address behind the last one of something.
    pub(super) fn moved_end(&self, address: u64) -> Option<u64> {
        Some(self.moved(address.checked_sub(1)?)?.wrapping_add(1))
    }

    /// The parts that are in the program and may have one of these addresses of the object file.
    pub(super) fn kept_within(&self, addresses: Range<u64>) -> impl Iterator<Item = (&Part, u64)> {
        let first = self.parts.partition_point(|part| part.end <= addresses.start);
        let parts = self.parts[first..].iter().take_while(move |part| part.start < addresses.end);
        parts.filter_map(|part| Some((part, part.linked?)))
    }
}

/// Where each section begins and ends.
fn section_ends(file: &File<'_>) -> object::Result<Vec<(u64, u64)>> {
    let endian = file.endian();
    let mut found = Vec::new();
    let mut commands = file.macho_header().load_commands(endian, file.data(), 0)?;
    while let Some(command) = commands.next()? {
        if let Some((segment, data)) = command.segment_64()? {
            for section in segment.sections(endian, data)? {
                let start = section.addr(endian);
                found.push((start, start.saturating_add(section.size(endian))));
            }
        }
    }
    found.retain(|(start, end)| start < end);
    Ok(found)
}
