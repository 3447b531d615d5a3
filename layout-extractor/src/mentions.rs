//! MENTIONS: which units use a name, found without reading any of them.
//!
//! A name is in `.debug_str` once for the whole object. Its offset is in `.debug_info` of every
//! unit that uses it (DWARF 4), or in the unit's part of `.debug_str_offsets` (DWARF 5). Searching
//! raw bytes for it runs at memory speed, and leaves a handful of units to index; a chance match
//! costs an index, never a wrong answer.

use std::sync::Arc;

use gimli::{Dwarf, Section as _};
use memchr::memmem;
use rayon::prelude::*;
use runtime_layouts::layout::source::LayoutError;

use crate::names::{PathHash, split_last};
use crate::search::{find_all, in_parallel};
use crate::source::DwarfSource;
use crate::units::{Slice, UnitEntry, UnitNumber};

/// Which units of DWARF 5 use which part of `.debug_str_offsets`.
pub(crate) struct StringOffsets {
    /// `(base, unit)`, sorted; units of one object file after link-time optimization share a base.
    bases: Vec<(u64, UnitNumber)>,
}

/// A linker that does not merge strings leaves a copy a unit, and one that merges their ends hides
/// a name in others. With more copies than this, reading every unit is no slower.
const MOST_COPIES: usize = 64;

/// So many units are indexed sooner than the debug information is searched again.
const FEW_UNITS: usize = 8;

/// Debug information of so many bytes is searched on all processors.
const WORTH_THREADS: usize = 4 << 20;

impl DwarfSource {
    /// The units that may have an entry with this path, in order.
    pub(crate) fn units_with_path<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        path: &str,
    ) -> Result<Vec<UnitNumber>, LayoutError> {
        let (parents, last) = split_last(path);
        let mut units = self.units_mentioning(dwarf, last)?.to_vec();
        // `{async_fn#0}` is everywhere, but not below that function.
        if units.len() > FEW_UNITS {
            let (_, parent) = split_last(parents);
            let others = self.units_mentioning(dwarf, parent)?;
            units.retain(|unit| others.binary_search(unit).is_ok());
        }
        Ok(units)
    }

    /// The units whose entries may have this name, in order.
    pub(crate) fn units_mentioning<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        name: &str,
    ) -> Result<Arc<[UnitNumber]>, LayoutError> {
        let key = PathHash::EMPTY.bytes(name.as_bytes()).0;
        let (known, units) = self.mentions.get_or_try(key, || {
            let units = self.find_units_mentioning(dwarf, name)?;
            Ok::<_, LayoutError>((Arc::<str>::from(name), units.into()))
        })?;
        if *known == *name {
            return Ok(units);
        }
        Ok(self.find_units_mentioning(dwarf, name)?.into())
    }

    fn find_units_mentioning<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        name: &str,
    ) -> Result<Vec<UnitNumber>, LayoutError> {
        let copies = self.string_copies(dwarf, name);
        if copies.len() > MOST_COPIES {
            return Ok((0..self.units.len()).collect());
        }
        let mut units = Vec::new();
        for offset in copies {
            self.units_with_string(dwarf, offset, &mut units)?;
        }
        units.sort_unstable();
        units.dedup();
        Ok(units)
    }

    /// Where a string is in `.debug_str`.
    fn string_copies<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>, name: &str) -> Vec<u64> {
        let section = dwarf.debug_str.reader().slice();
        let mut terminated = name.as_bytes().to_vec();
        if terminated.is_empty() || terminated.contains(&0) {
            return Vec::new();
        }
        terminated.push(0);
        let copies = find_all(section, &terminated).into_iter();
        let copies: Vec<u64> = copies.take(MOST_COPIES * 16).map(|at| at as u64).collect();
        // Whole strings first: rarely is there anything else.
        let is_whole = |at: u64| at == 0 || section[at as usize - 1] == 0;
        let whole: Vec<u64> = copies.iter().copied().filter(|&at| is_whole(at)).collect();
        if whole.is_empty() { copies } else { whole }
    }

    /// Adds the units that refer to an offset of `.debug_str`.
    pub(crate) fn units_with_string<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        offset: u64,
        units: &mut Vec<UnitNumber>,
    ) -> Result<(), LayoutError> {
        units.extend(self.units_referring_to(dwarf, offset));
        let offsets = dwarf.debug_str_offsets.reader().slice();
        if offsets.is_empty() {
            return Ok(());
        }
        let table = match self.string_offsets.get() {
            Some(table) => table,
            None => {
                let table = self.read_string_offsets(dwarf)?;
                self.string_offsets.get_or_init(|| table)
            }
        };
        let Some(needle) = self.needle(offset) else { return Ok(()) };
        for position in find_all(offsets, &needle) {
            table.units_at(position as u64, units);
        }
        Ok(())
    }

    /// The units that have this offset, of a string or of an entry elsewhere, somewhere in their
    /// bytes.
    pub(crate) fn units_referring_to<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        offset: u64,
    ) -> Vec<UnitNumber> {
        let Some(needle) = self.needle(offset) else { return Vec::new() };
        let info = dwarf.debug_info.reader().slice();
        let finder = memmem::Finder::new(&needle);
        let mentions = |unit: &UnitNumber| {
            let UnitEntry { start, end, .. } = self.units.entry(*unit);
            let bytes = usize::try_from(*start).ok().zip(usize::try_from(*end).ok());
            let bytes = bytes.and_then(|(start, end)| info.get(start..end));
            bytes.is_some_and(|bytes| finder.find(bytes).is_some())
        };
        let rust = self.rust_units(dwarf);
        if info.len() < WORTH_THREADS {
            return rust.iter().copied().filter(mentions).collect();
        }
        in_parallel(|| rust.par_iter().copied().filter(mentions).collect())
    }

    /// The units that were compiled from Rust, in order. What is asked for is in these; a program
    /// may have more debug information of C and C++ than of its own.
    fn rust_units<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) -> &'s [UnitNumber] {
        self.rust_units.get_or_init(|| {
            let is_rust =
                |unit: &UnitNumber| self.units.root(dwarf, *unit).is_ok_and(|root| root.is_rust);
            (0..self.units.len()).filter(is_rust).collect()
        })
    }

    /// An offset as the sections hold it; 64-bit DWARF holds these bytes too.
    fn needle(&self, offset: u64) -> Option<[u8; 4]> {
        let short = u32::try_from(offset).ok()?;
        let is_big = self.object.facts.big_endian;
        Some(if is_big { short.to_be_bytes() } else { short.to_le_bytes() })
    }

    fn read_string_offsets<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
    ) -> Result<StringOffsets, LayoutError> {
        let mut bases = Vec::new();
        for unit in 0..self.units.len() {
            if let Ok(root) = self.units.root(dwarf, unit)
                && (root.version >= 5 || root.is_split)
            {
                bases.push((root.str_offsets_base.0 as u64, unit));
            }
        }
        bases.sort_unstable();
        Ok(StringOffsets { bases })
    }
}

impl StringOffsets {
    /// Adds the units whose part of the table holds this position.
    fn units_at(&self, position: u64, units: &mut Vec<UnitNumber>) {
        let after = self.bases.partition_point(|&(base, _)| base <= position);
        let Some(&(base, _)) = after.checked_sub(1).map(|at| &self.bases[at]) else { return };
        let first = self.bases.partition_point(|&(other, _)| other < base);
        units.extend(self.bases[first..after].iter().map(|&(_, unit)| unit));
    }
}
