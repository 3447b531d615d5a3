//! The debug sections of an object, as they lie in the file or decompressed.

use std::collections::HashMap;

use gimli::{
    Dwarf, DwarfFileType, DwarfSections, EndianReader, EndianSlice, RunTimeEndian, SectionId,
};
use object::{Object, ObjectSection};
use rayon::prelude::*;

use super::shared_bytes::SharedBytes;
use crate::support::thread_pool::in_parallel;

/// The reader for gimli: borrowed bytes, in the byte order of the object.
pub(crate) type Slice<'a> = EndianSlice<'a, RunTimeEndian>;

/// The largest accepted compression ratio: zlib cannot exceed 1032, and debug information does not
/// come near it.
const MAX_COMPRESSION: u64 = 1100;

/// The sections that are read.
const IDS: [SectionId; 15] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugAranges,
    SectionId::DebugCuIndex,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugLoc,
    SectionId::DebugLocLists,
    SectionId::DebugMacro,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
    SectionId::DebugTypes,
];

/// Which of an object's sections are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Which {
    /// The sections of a program: `.debug_info`.
    Linked,
    /// The sections of a split file: `.debug_info.dwo`.
    SplitDwarf,
}

/// The debug sections of one object, or of several that were put together.
pub(crate) struct Sections {
    bytes: HashMap<SectionId, SharedBytes>,
    dwarf: DwarfSections<SharedBytes>,
    file_type: DwarfFileType,
}

impl Sections {
    /// Reads the sections of an object: parts of the file, or decompressed copies. The error says
    /// what is wrong with them.
    pub(crate) fn read(
        file: &object::File<'_>,
        bytes: &SharedBytes,
        which: Which,
    ) -> Result<Self, String> {
        let names: Vec<(SectionId, &str)> = IDS
            .into_iter()
            .filter_map(|id| match which {
                Which::Linked => Some((id, id.name())),
                Which::SplitDwarf => Some((id, id.dwo_name()?)),
            })
            .collect();
        let load = |(id, name): &(SectionId, &str)| Ok((*id, section(file, bytes, name)?));
        // Threads are worth starting for decompression only.
        let is_compressed = names.iter().any(|(_, name)| {
            let data = file.section_by_name(name).and_then(|s| s.compressed_data().ok());
            data.is_some_and(|data| data.format != object::CompressionFormat::None)
        });
        let loaded: Result<HashMap<SectionId, SharedBytes>, String> = if is_compressed {
            in_parallel(|| names.par_iter().map(load).collect())
        } else {
            names.iter().map(load).collect()
        };
        Ok(Self::of(loaded?, DwarfFileType::Main))
    }

    /// Sections with these bytes; the rest are empty.
    pub(crate) fn of(bytes: HashMap<SectionId, SharedBytes>, file_type: DwarfFileType) -> Self {
        let load = |id| Ok(bytes.get(&id).cloned().unwrap_or_default());
        let dwarf: Result<_, std::convert::Infallible> = DwarfSections::load(load);
        let Ok(dwarf) = dwarf;
        Self { bytes, dwarf, file_type }
    }

    /// The bytes of one section; empty when there is none.
    pub(crate) fn get(&self, id: SectionId) -> SharedBytes {
        self.bytes.get(&id).cloned().unwrap_or_default()
    }

    /// All sections.
    pub(crate) fn all(&self) -> &HashMap<SectionId, SharedBytes> {
        &self.bytes
    }

    /// The size of all sections, in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.bytes.values().map(|bytes| bytes.len() as u64).sum()
    }

    /// The sections for gimli. The call is cheap.
    pub(crate) fn dwarf(&self, endian: RunTimeEndian) -> Dwarf<Slice<'_>> {
        let mut dwarf = self.dwarf.borrow(|bytes| EndianSlice::new(bytes, endian));
        dwarf.file_type = self.file_type;
        dwarf
    }

    /// As [`Self::dwarf`], for readers that outlive the sections.
    pub(crate) fn shared_dwarf(
        &self,
        endian: RunTimeEndian,
    ) -> Dwarf<EndianReader<RunTimeEndian, SharedBytes>> {
        let mut dwarf = self.dwarf.borrow(|bytes| EndianReader::new(bytes.clone(), endian));
        dwarf.file_type = self.file_type;
        dwarf
    }
}

/// One section by name; empty when the object has none.
fn section(
    file: &object::File<'_>,
    bytes: &SharedBytes,
    name: &str,
) -> Result<SharedBytes, String> {
    let Some(section) = file.section_by_name(name) else { return Ok(SharedBytes::default()) };
    let broken = |what: String| format!("section {name}: {what}");
    let data = section.compressed_data().map_err(|error| broken(error.to_string()))?;
    if data.format == object::CompressionFormat::None {
        if data.data.is_empty() {
            return Ok(SharedBytes::default());
        }
        let start = data.data.as_ptr() as usize - bytes.as_ptr() as usize;
        return Ok(bytes.part(start..start + data.data.len()));
    }
    if data.uncompressed_size > (data.data.len() as u64).saturating_mul(MAX_COMPRESSION) {
        let (size, from) = (data.uncompressed_size, data.data.len());
        return Err(broken(format!("it claims to expand {from} compressed bytes to {size}")));
    }
    let plain = data.decompress().map_err(|error| broken(error.to_string()))?;
    Ok(SharedBytes::from(plain.into_owned()))
}
