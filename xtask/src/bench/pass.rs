//! A bare pass over the debug information of a file: what gimli takes to read every attribute of
//! every entry, on all processors. It is measured as a program of its own, as unhang is: both begin
//! with a file that nobody has mapped yet.
#![allow(unsafe_code)]

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use gimli::{Dwarf, EndianSlice, LittleEndian, Section as _};
use object::{Object, ObjectSection};
use rayon::prelude::*;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// Goes through a program, and says how many entries it has.
pub(super) fn run(program: &Path) -> Result<()> {
    println!("{} entries", Loaded::open(program)?.walk()?);
    Ok(())
}

/// A file in memory.
pub(super) struct Loaded(memmap2::Mmap);

impl Loaded {
    /// Maps a file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        // SAFETY: the map is private and read-only, and the programs that are measured are replaced
        // and not overwritten when they are built again.
        let map = unsafe { memmap2::Mmap::map(&file) };
        Ok(Self(map.with_context(|| format!("mapping {}", path.display()))?))
    }

    /// Bytes of `.debug_info`.
    pub(super) fn size(&self) -> Result<u64> {
        Ok(self.dwarf()?.debug_info.reader().len() as u64)
    }

    /// Reads everything, and returns how many entries there are.
    fn walk(&self) -> Result<usize> {
        let dwarf = self.dwarf()?;
        let mut headers = Vec::new();
        let mut units = dwarf.units();
        while let Some(header) = units.next()? {
            headers.push(header);
        }
        let count = |header| {
            let unit = dwarf.unit(header)?;
            let mut entries = unit.entries_raw(None)?;
            let mut entry = gimli::DebuggingInformationEntry::default();
            let mut count = 0;
            while !entries.is_empty() {
                count += usize::from(entries.read_entry(&mut entry)?);
                std::hint::black_box(&entry);
            }
            Ok(count)
        };
        headers.into_par_iter().map(count).sum()
    }

    fn dwarf(&self) -> Result<Dwarf<Slice<'_>>> {
        let object = object::File::parse(&*self.0).context("its headers")?;
        let load = |id: gimli::SectionId| {
            let data = object.section_by_name(id.name()).and_then(|section| section.data().ok());
            Ok::<_, gimli::Error>(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
        };
        Ok(Dwarf::load(load)?)
    }
}
