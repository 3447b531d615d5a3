//! Split DWARF: debug information in `.dwo` files, or in a package of them, `PROGRAM.dwp`.
//!
//! The program keeps a skeleton of each unit: its addresses, its line table, and the name of the
//! file with the rest. This module appends the rest to the program's own sections, so that all
//! other code sees a single object. [`SplitUnit`] records where a unit ended up and what its
//! offsets are relative to.
//!
//! Sources: DWARF 5, sections 7.3.2 and 7.3.5; for DWARF 4, GCC's "DebugFission" extension as LLVM
//! 22 writes it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use gimli::{
    DebugCuIndex, Dwarf, DwarfFileType, DwoId, EndianSlice, IndexSectionId, RunTimeEndian,
    SectionId, UnitType,
};

use super::sections::{Sections, Slice, Which};
use super::shared_bytes::SharedBytes;

/// The sections that are appended to the program's.
const APPENDED: [SectionId; 7] = [
    SectionId::DebugAbbrev,
    SectionId::DebugInfo,
    SectionId::DebugLoc,
    SectionId::DebugLocLists,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];

/// The split files of a program.
pub(crate) struct SplitDwarf {
    /// The program's own sections.
    pub(crate) own: Sections,
    /// The units that were found, by the offset of their skeleton's header.
    pub(crate) units: HashMap<u64, SplitUnit>,
    /// The package, when there is one.
    pub(crate) package: Option<PathBuf>,
    /// The files that were found, the package among them.
    pub(crate) files: Vec<PathBuf>,
    /// The files that were not found, as the program names them.
    pub(crate) missing: Vec<PathBuf>,
}

/// The place of a unit in the joined sections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SplitUnit {
    /// Of its header, in `.debug_info`.
    pub(crate) start: u64,
    /// Of its file's part, in `.debug_abbrev`.
    pub(crate) abbreviations: u64,
    /// Of its file's part, in `.debug_str_offsets`.
    pub(crate) str_offsets: u64,
    /// Of its file's part, in `.debug_loc` (DWARF 4) or `.debug_loclists`.
    pub(crate) locations: u64,
    /// Of its file's part, in `.debug_rnglists`.
    pub(crate) rnglists: u64,
}

/// A skeleton unit: it names the file that has the unit.
struct Skeleton {
    start: u64,
    id: DwoId,
    version: u16,
    file: PathBuf,
}

/// The parts of a split file that belong to one unit.
type Parts = HashMap<SectionId, Range<u64>>;

/// Finds the split files of a program and appends their sections to its own. `None` when the
/// program has no skeleton units.
pub(crate) fn resolve(
    program: &Path,
    own: &Sections,
    endian: RunTimeEndian,
) -> Option<(Sections, SplitDwarf)> {
    let skeletons = skeletons(&own.dwarf(endian));
    if skeletons.is_empty() {
        return None;
    }
    let mut joined = JoinedSections::new(own);
    let mut units = HashMap::new();
    let package = package_of(program);
    let packaged = package.as_ref().and_then(|path| read(path));
    if let Some(sections) = &packaged {
        joined.append_package(sections, &skeletons, endian, &mut units);
    }
    let package = package.filter(|_| packaged.is_some());
    let mut files = Vec::from_iter(package.clone());
    let mut missing = Vec::new();
    for skeleton in &skeletons {
        if units.contains_key(&skeleton.start) {
            continue;
        }
        let found = candidates(program, &skeleton.file).into_iter().find_map(|path| {
            let unit = joined.append_file(&read(&path)?, skeleton, endian)?;
            Some((path, unit))
        });
        match found {
            Some((path, unit)) => {
                files.push(path);
                units.insert(skeleton.start, unit);
            }
            None => missing.push(skeleton.file.clone()),
        }
    }
    let sections = joined.finish(own);
    let own = Sections::of(own.all().clone(), DwarfFileType::Main);
    Some((sections, SplitDwarf { own, units, package, files, missing }))
}

/// The program's sections, to which those of other files are appended.
struct JoinedSections(HashMap<SectionId, Vec<u8>>);

impl JoinedSections {
    fn new(own: &Sections) -> Self {
        Self(APPENDED.into_iter().map(|id| (id, own.get(id).to_vec())).collect())
    }

    /// Appends the sections of a file, and returns where each of them begins.
    fn append(&mut self, sections: &Sections) -> HashMap<SectionId, u64> {
        let appended = self.0.iter_mut().map(|(id, all)| {
            let start = all.len() as u64;
            all.extend_from_slice(&sections.get(*id));
            (*id, start)
        });
        appended.collect()
    }

    /// Appends a package, and records the units that the program has skeletons of.
    fn append_package(
        &mut self,
        package: &Sections,
        skeletons: &[Skeleton],
        endian: RunTimeEndian,
        units: &mut HashMap<u64, SplitUnit>,
    ) {
        let index = package.get(SectionId::DebugCuIndex);
        let Ok(index) = DebugCuIndex::from(EndianSlice::new(&index, endian)).index() else {
            return;
        };
        let starts = self.append(package);
        let mut moved = HashSet::new();
        for skeleton in skeletons {
            let Some(row) = index.find(skeleton.id.0) else { continue };
            let Ok(sections) = index.sections(row) else { continue };
            let parts = sections.filter_map(|part| {
                let id = match part.section {
                    IndexSectionId::DebugInfo => SectionId::DebugInfo,
                    IndexSectionId::DebugAbbrev => SectionId::DebugAbbrev,
                    IndexSectionId::DebugStrOffsets => SectionId::DebugStrOffsets,
                    IndexSectionId::DebugLoc => SectionId::DebugLoc,
                    IndexSectionId::DebugLocLists => SectionId::DebugLocLists,
                    IndexSectionId::DebugRngLists => SectionId::DebugRngLists,
                    _ => return None,
                };
                let start = starts[&id] + u64::from(part.offset);
                Some((id, start..start + u64::from(part.size)))
            });
            let parts = parts.collect();
            if let Some(unit) = self.unit(skeleton, &parts, &starts, endian, &mut moved) {
                units.insert(skeleton.start, unit);
            }
        }
    }

    /// Appends a `.dwo` file, which has one unit; `None` when it is of another build.
    fn append_file(
        &mut self,
        file: &Sections,
        skeleton: &Skeleton,
        endian: RunTimeEndian,
    ) -> Option<SplitUnit> {
        let dwarf = file.dwarf(endian);
        let header = dwarf.units().next().ok()??;
        let id = match header.type_() {
            UnitType::SplitCompilation(id) => id,
            _ => dwarf.unit(header).ok()?.dwo_id?,
        };
        if id != skeleton.id {
            return None;
        }
        let starts = self.append(file);
        let ends = |id: SectionId| starts[&id]..self.0[&id].len() as u64;
        let parts = APPENDED.into_iter().map(|id| (id, ends(id))).collect();
        self.unit(skeleton, &parts, &starts, endian, &mut HashSet::new())
    }

    /// The unit with these parts. The offsets in its part of `.debug_str_offsets` are relative to
    /// its own strings; they are rebased onto the joined strings, unless that was done for another
    /// unit.
    fn unit(
        &mut self,
        skeleton: &Skeleton,
        parts: &Parts,
        starts: &HashMap<SectionId, u64>,
        endian: RunTimeEndian,
        moved: &mut HashSet<u64>,
    ) -> Option<SplitUnit> {
        let info = parts.get(&SectionId::DebugInfo)?;
        let offsets = parts.get(&SectionId::DebugStrOffsets).cloned().unwrap_or_default();
        if moved.insert(offsets.start) {
            let range = usize::try_from(offsets.start).ok()?..usize::try_from(offsets.end).ok()?;
            let table = self.0.get_mut(&SectionId::DebugStrOffsets)?.get_mut(range)?;
            move_strings(table, starts[&SectionId::DebugStr], skeleton.version, endian)?;
        }
        let start = |id: SectionId| parts.get(&id).map_or(0, |part| part.start);
        let locations =
            if skeleton.version < 5 { SectionId::DebugLoc } else { SectionId::DebugLocLists };
        Some(SplitUnit {
            start: info.start,
            abbreviations: start(SectionId::DebugAbbrev),
            str_offsets: offsets.start,
            locations: start(locations),
            rnglists: start(SectionId::DebugRngLists),
        })
    }

    fn finish(self, own: &Sections) -> Sections {
        let mut bytes = own.all().clone();
        bytes.extend(self.0.into_iter().map(|(id, bytes)| (id, SharedBytes::from(bytes))));
        Sections::of(bytes, DwarfFileType::Dwo)
    }
}

/// Adds `by` to each offset of a part of `.debug_str_offsets`; `None` when a sum does not fit, and
/// for 64-bit DWARF.
fn move_strings(table: &mut [u8], by: u64, version: u16, endian: RunTimeEndian) -> Option<()> {
    let is_big = endian == RunTimeEndian::Big;
    let read = |bytes: [u8; 4]| {
        if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    // Length, version and padding; DWARF 4 has no such header.
    let header = if version < 5 { 0 } else { 8 };
    if header != 0 && read(*table.first_chunk()?) == u32::MAX {
        return None;
    }
    let by = u32::try_from(by).ok()?;
    let (words, _) = table.get_mut(header..)?.as_chunks_mut::<4>();
    for word in words {
        let moved = read(*word).checked_add(by)?;
        *word = if is_big { moved.to_be_bytes() } else { moved.to_le_bytes() };
    }
    Some(())
}

/// The skeletons of a program. Without any, only the unit headers are read: DWARF 5 marks skeletons
/// there, and in DWARF 4 only a split build has a `.debug_addr`.
fn skeletons(dwarf: &Dwarf<Slice<'_>>) -> Vec<Skeleton> {
    let mut found = Vec::new();
    let mut headers = dwarf.units();
    // A broken header ends the list, as everywhere.
    while let Ok(Some(header)) = headers.next() {
        let may_be = match header.type_() {
            UnitType::Skeleton(_) => true,
            UnitType::Compilation => {
                header.version() < 5 && !gimli::Section::reader(&dwarf.debug_addr).is_empty()
            }
            _ => false,
        };
        let Some(start) = header.debug_info_offset().filter(|_| may_be) else { continue };
        found.extend(skeleton(dwarf, start.0 as u64, header));
    }
    found
}

fn skeleton<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    start: u64,
    header: gimli::UnitHeader<Slice<'a>>,
) -> Option<Skeleton> {
    let version = header.version();
    let unit = dwarf.unit(header).ok()?;
    let root = unit.entry(unit.header.root_offset()).ok()?;
    let name = root
        .attr_value(gimli::DW_AT_dwo_name)
        .or_else(|| root.attr_value(gimli::DW_AT_GNU_dwo_name))?;
    let name = dwarf.attr_string(&unit, name).ok()?.to_string_lossy().into_owned();
    let folder = unit.comp_dir.map(|folder| folder.to_string_lossy().into_owned());
    let file = Path::new(folder.as_deref().unwrap_or_default()).join(name);
    Some(Skeleton { start, id: unit.dwo_id?, version, file })
}

/// The package beside a program.
fn package_of(program: &Path) -> Option<PathBuf> {
    let beside = |path: &Path| {
        let mut name = path.file_name()?.to_owned();
        name.push(".dwp");
        Some(path.with_file_name(name)).filter(|path| path.is_file())
    };
    beside(program).or_else(|| beside(&program.canonicalize().ok()?))
}

/// The existing files that may be a `.dwo` file: at the recorded path, beside the program, or in
/// cargo's `deps` folder there.
fn candidates(program: &Path, file: &Path) -> Vec<PathBuf> {
    let mut found = vec![file.to_owned()];
    if let (Some(name), Some(folder)) = (file.file_name(), program.parent()) {
        found.push(folder.join(name));
        found.push(folder.join("deps").join(name));
    }
    found.retain(|path| path.is_file());
    found
}

/// The split sections of a file; `None` when it has none that can be read.
fn read(path: &Path) -> Option<Sections> {
    let bytes = SharedBytes::map(path).ok()?;
    let file = object::File::parse(&*bytes).ok()?;
    let sections = Sections::read(&file, &bytes, Which::SplitDwarf).ok()?;
    (!sections.get(SectionId::DebugInfo).is_empty()).then_some(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_move_behind_the_header() {
        let mut table = [8, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 255, 255, 0, 0];
        move_strings(&mut table, 0x10000, 5, RunTimeEndian::Little).expect("fits");
        assert_eq!(table, [8, 0, 0, 0, 5, 0, 0, 0, 1, 0, 1, 0, 255, 255, 1, 0]);
        let mut older = [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(move_strings(&mut older, 1, 4, RunTimeEndian::Big), None);
        assert_eq!(older[..4], [0, 0, 0, 2]);
    }
}
