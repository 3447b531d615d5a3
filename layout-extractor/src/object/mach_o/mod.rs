//! Mach-O: what an executable for a Mac says of itself, and where its debug information is.
//!
//! Sources: `<mach-o/loader.h>`, `<mach-o/nlist.h>`, `<mach-o/stab.h>`, and for thread-locals
//! `libdyld/ThreadLocalVariables.h` of dyld 1284.

pub(crate) mod debug_map;
pub(crate) mod dsym;
mod dwarf_linker;
mod line_program;
mod moved_entries;
mod pointers;
mod symbol_places;
mod universal;
mod words;

use std::ops::Range;

use object::read::macho::{MachHeader, MachOFile64, Section, Segment as _};
use object::{Endianness, Object, macho};
use runtime_layouts::layout::StaticAddress;
use runtime_layouts::layout::source::{ObjectFacts, ObjectFormat, TlsModule, TlsSegment};
use runtime_layouts::target::processors;

use super::elf_headers::Segment;

pub(super) use pointers::relocated_words;
pub(super) use universal::slice;

/// A parsed file.
pub(super) type File<'data> = MachOFile64<'data, Endianness>;

/// Bytes of a descriptor of a thread-local variable: what finds its address, the key of the
/// thread's storage, and the distance from where that begins; a word each (`struct tlv_descriptor`).
const DESCRIPTOR: u64 = 24;
/// Where in it the key is.
const KEY: u64 = 8;
/// Where in it the distance is.
const DISTANCE: u64 = 16;

/// The descriptors of an object's thread-local variables.
#[derive(Clone, Default, Debug)]
pub(super) struct ThreadVariables {
    /// Where they are.
    ranges: Vec<Range<u64>>,
}

impl ThreadVariables {
    /// Whether there is a descriptor at an address.
    pub(super) fn has(&self, address: u64) -> bool {
        self.ranges.iter().any(|range| {
            range.contains(&address) && (address - range.start).is_multiple_of(DESCRIPTOR)
        })
    }

    /// Where a descriptor has the distance of its variable.
    pub(super) fn distance(&self, address: u64) -> Option<u64> {
        self.has(address).then(|| address.wrapping_add(DISTANCE))
    }
}

/// The load commands of a file, as far as they matter here.
pub(super) struct LoadCommands {
    /// In the order of the file.
    pub(super) segments: Vec<Segment>,
    pub(super) variables: ThreadVariables,
    pub(super) facts: ObjectFacts,
    /// Whether the file is no program but has the debug information of one.
    pub(super) is_companion: bool,
}

/// Reads the load commands. The error says what the file is instead of a program.
pub(super) fn load_commands(file: &File<'_>) -> Result<LoadCommands, String> {
    let endian = file.endian();
    let header = file.macho_header();
    match header.filetype(endian) {
        macho::MH_EXECUTE | macho::MH_DYLIB | macho::MH_BUNDLE | macho::MH_DSYM => {}
        macho::MH_OBJECT => return Err("it is an unlinked object file".to_owned()),
        macho::MH_CORE => {
            return Err("it is a core file; give the program that dumped it".to_owned());
        }
        _ => return Err("it is a Mach-O file of another kind".to_owned()),
    }
    let machine = processors::of_cpu_type(header.cputype(endian).0)
        .map(|known| known.machine)
        .ok_or_else(|| "it is a Mach-O file for a processor that is not supported".to_owned())?;
    let mut found = LoadCommands {
        segments: Vec::new(),
        variables: ThreadVariables::default(),
        is_companion: header.filetype(endian) == macho::MH_DSYM,
        facts: ObjectFacts {
            build_id: file.mach_uuid().ok().flatten().map(hex::encode),
            format: ObjectFormat::MachO,
            machine,
            pointer_size: 8,
            big_endian: endian == Endianness::Big,
            entry: StaticAddress(0),
            tls: None,
            tls_module: None,
            address_range: (StaticAddress(0), StaticAddress(0)),
            is_fixed: header.filetype(endian) == macho::MH_EXECUTE
                && !header.flags(endian).contains(macho::MH_PIE),
        },
    };
    found.read(file).map_err(|error| format!("its load commands are broken ({error})"))?;
    let facts = &mut found.facts;
    let first = found.segments.iter().map(|s| s.address).min().unwrap_or(0);
    let end = |s: &Segment| s.address.saturating_add(s.memory_size);
    let last = found.segments.iter().map(end).max().unwrap_or(0);
    facts.address_range = (StaticAddress(first), StaticAddress(last));
    let descriptor = found.variables.ranges.first();
    facts.tls_module =
        descriptor.map(|range| TlsModule::Number(StaticAddress(range.start.wrapping_add(KEY))));
    Ok(found)
}

impl LoadCommands {
    fn read(&mut self, file: &File<'_>) -> object::Result<()> {
        let endian = file.endian();
        let mut text = 0;
        let mut entry = None;
        let mut commands = file.macho_load_commands()?;
        while let Some(command) = commands.next()? {
            if let Some((segment, data)) = command.segment_64()? {
                // The first pages, which catch null pointers, are in no segment of the file.
                if segment.initprot(endian).0 == 0 && segment.filesize(endian) == 0 {
                    continue;
                }
                if segment.name() == macho::SEG_TEXT.as_bytes() {
                    text = segment.vmaddr(endian);
                }
                self.segments.push(Segment {
                    address: segment.vmaddr(endian),
                    file_offset: segment.fileoff(endian),
                    file_size: segment.filesize(endian),
                    memory_size: segment.vmsize(endian),
                });
                for section in segment.sections(endian, data)? {
                    self.thread_section(section, endian);
                }
            } else if let Some(command) = command.entry_point()? {
                entry = Some(command.entryoff.get(endian));
            }
        }
        self.facts.entry = StaticAddress(entry.map_or(0, |entry| text.wrapping_add(entry)));
        Ok(())
    }

    /// Notes a section that belongs to thread-local storage: the descriptors, or what a thread's
    /// copy begins as.
    fn thread_section(&mut self, section: &macho::Section64<Endianness>, endian: Endianness) {
        let start = section.addr(endian);
        let end = start.saturating_add(section.size(endian));
        let kind = section.flags(endian).typ();
        if kind == macho::S_THREAD_LOCAL_VARIABLES {
            self.variables.ranges.push(start..end);
        } else if kind == macho::S_THREAD_LOCAL_REGULAR || kind == macho::S_THREAD_LOCAL_ZEROFILL {
            let align = 1_u64.checked_shl(section.align(endian)).unwrap_or(1);
            let known = self.facts.tls.unwrap_or(TlsSegment { address: start, size: 0, align });
            let first = known.address.min(start);
            let last = known.address.saturating_add(known.size).max(end);
            let size = last.saturating_sub(first);
            self.facts.tls =
                Some(TlsSegment { address: first, size, align: known.align.max(align) });
        }
    }
}

/// The text of the symbols' names; `None` without any.
pub(super) fn symbol_names<'data>(file: &File<'data>) -> object::Result<Option<&'data [u8]>> {
    let endian = file.endian();
    let mut commands = file.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        if let Some(table) = command.symtab()? {
            let (start, size) = (table.stroff.get(endian), table.strsize.get(endian));
            let bytes = (start as usize).checked_add(size as usize);
            return Ok(bytes.and_then(|end| file.data().get(start as usize..end)));
        }
    }
    Ok(None)
}
