//! A bare pass over the debug information of a file: what gimli takes to read every attribute of
//! every entry, on all processors.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gimli::{Dwarf, EndianSlice, LittleEndian, Section as _};
use object::{Object, ObjectSection};
use rayon::prelude::*;

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// A file in memory.
pub(super) struct Loaded(Vec<u8>);

impl Loaded {
    /// Reads a file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self(std::fs::read(path).with_context(|| format!("reading {}", path.display()))?))
    }

    /// Bytes of `.debug_info`.
    pub(super) fn size(&self) -> Result<u64> {
        Ok(self.dwarf()?.debug_info.reader().len() as u64)
    }

    /// Reads everything, and returns how many entries there are.
    pub(super) fn walk(&self) -> Result<usize> {
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

    /// How long that takes, so often.
    pub(super) fn times(&self, runs: usize) -> Result<Vec<Duration>> {
        let time = |_| {
            let begun = Instant::now();
            self.walk()?;
            Ok(begun.elapsed())
        };
        (0..runs).map(time).collect()
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
