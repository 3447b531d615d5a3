//! An opened object: its headers, its segments and its bytes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gimli::{RunTimeEndian, SectionId};
use object::{Object, ObjectSection};
use runtime_layouts::layout::StaticAddress;
use runtime_layouts::layout::source::{ObjectFacts, ObjectFormat};
use runtime_layouts::target::processors;

use super::LLVM_BITCODE;
use super::elf_headers::{ProgramHeaders, Segment, program_headers, tls_module};
use super::mach_o::debug_map::DebugMap;
use super::mach_o::{self, LoadCommands, ThreadVariables};
use super::sections::{Sections, Which};
use super::shared_bytes::SharedBytes;
use super::split_dwarf::SplitDwarf;

/// Why a file could not be opened, in a sentence for people.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is not an ELF executable or shared library.
    #[error("{path} is not an ELF executable or shared library: {what}")]
    NotAnObject {
        /// The file that was asked for.
        path: PathBuf,
        /// What it is, or what is wrong with it.
        what: String,
    },
    /// The file is a program for a Mac, or was meant to be one, that unhang does not read.
    #[error("{path} is no program for a Mac that unhang can read: {what}")]
    NotAMachO {
        /// The file that was asked for.
        path: PathBuf,
        /// What it is, or what is wrong with it.
        what: String,
    },
}

/// An opened object file.
pub(crate) struct ObjectFile {
    pub(crate) path: PathBuf,
    pub(crate) endian: RunTimeEndian,
    pub(crate) facts: ObjectFacts,
    /// The debug sections, those of split files appended.
    pub(crate) sections: Sections,
    /// The split files, if the program has some.
    pub(crate) split: Option<SplitDwarf>,
    pub(super) bytes: SharedBytes,
    /// The separate debug file, which then has the symbols too.
    pub(super) separate: Option<Box<ObjectFile>>,
    /// The object files that a Mach-O program was linked from, if they have its debug information.
    pub(crate) debug_map: Option<DebugMap>,
    /// Files that could have had the debug information, and why they have not: sentences.
    pub(crate) ignored: Vec<String>,
    pub(super) thread_variables: ThreadVariables,
    /// Whether it is what a dSYM bundle has, and no program.
    pub(super) is_companion: bool,
    pub(super) segments: Vec<Segment>,
    pub(super) tls_symbols: OnceLock<Option<HashMap<Box<[u8]>, u64>>>,
    pub(super) relocated: OnceLock<Vec<(u64, u64)>>,
}

impl ObjectFile {
    /// Reads the headers; maps the rest. Debug information that other files hold is left out.
    pub(crate) fn open_alone(path: &Path) -> Result<Self, OpenError> {
        let unreadable = |error| OpenError::Unreadable { path: path.to_owned(), error };
        if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
            let what = "it is a directory".to_owned();
            return Err(OpenError::NotAnObject { path: path.to_owned(), what });
        }
        Self::from_bytes(path, SharedBytes::map(path).map_err(unreadable)?)
    }

    /// Reads the headers of an object that is in memory; `path` is for messages.
    pub(crate) fn from_bytes(path: &Path, bytes: SharedBytes) -> Result<Self, OpenError> {
        let is_for_a_mac = is_mach_o(&bytes);
        let refuse = |what| match is_for_a_mac {
            true => OpenError::NotAMachO { path: path.to_owned(), what },
            false => OpenError::NotAnObject { path: path.to_owned(), what },
        };
        let bytes = mach_o::slice(bytes).map_err(refuse)?;
        let file = parse(&bytes).map_err(refuse)?;
        let LoadCommands { segments, variables, facts, is_companion } =
            headers(&file).map_err(refuse)?;
        let endian = if facts.big_endian { RunTimeEndian::Big } else { RunTimeEndian::Little };
        let sections = Sections::read(&file, &bytes, Which::Linked)
            .map_err(|what| refuse(format!("its debug information is broken: {what}")))?;
        drop(file);
        Ok(ObjectFile {
            path: path.to_owned(),
            endian,
            facts,
            sections,
            split: None,
            bytes,
            separate: None,
            debug_map: None,
            ignored: Vec::new(),
            thread_variables: variables,
            is_companion,
            segments,
            tls_symbols: OnceLock::new(),
            relocated: OnceLock::new(),
        })
    }

    /// The debug sections of the program or of its separate debug file, without those of split
    /// files.
    pub(crate) fn own_sections(&self) -> &Sections {
        self.split.as_ref().map_or(&self.sections, |split| &split.own)
    }

    /// Whether the program or its separate debug file has a `.debug_info`.
    pub(crate) fn has_debug_information(&self) -> bool {
        !self.sections.get(SectionId::DebugInfo).is_empty()
    }

    /// The path of the separate debug file.
    pub(crate) fn separate_path(&self) -> Option<&Path> {
        self.separate.as_ref().map(|separate| separate.path.as_path())
    }

    /// The name and checksum of the separate debug file, from `.gnu_debuglink`.
    pub(crate) fn debug_link(&self) -> Option<(Vec<u8>, u32)> {
        let file = object::File::parse(&*self.bytes).ok()?;
        let (name, checksum) = file.gnu_debuglink().ok()??;
        Some((name.to_vec(), checksum))
    }

    /// The checksum of the whole file, as in `.gnu_debuglink`.
    pub(crate) fn checksum(&self) -> u32 {
        crc32fast::hash(&self.bytes)
    }

    /// The build id of a program, or the UUID of one for a Mac, in hexadecimal, and nothing else of
    /// it; `None` when it has none.
    pub(crate) fn build_id_of(bytes: SharedBytes) -> Option<String> {
        let bytes = mach_o::slice(bytes).ok()?;
        let file = object::File::parse(&*bytes).ok()?;
        let uuid = file.mach_uuid().ok().flatten().map(hex::encode);
        uuid.or_else(|| Some(hex::encode(file.build_id().ok()??)))
    }

    /// The bytes of any section, decompressed; `None` when there is no such section.
    pub(crate) fn section(&self, name: &str) -> Option<Vec<u8>> {
        let file = object::File::parse(&*self.bytes).ok()?;
        Some(file.section_by_name(name)?.uncompressed_data().ok()?.into_owned())
    }

    /// The bytes of the program's file.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the file with the symbols.
    pub(crate) fn symbol_bytes(&self) -> &SharedBytes {
        self.separate.as_ref().map_or(&self.bytes, |separate| &separate.bytes)
    }

    /// Whether an address is in a segment that the loader maps.
    pub(crate) fn is_loaded(&self, address: u64) -> bool {
        self.segments
            .iter()
            .any(|s| address.checked_sub(s.address).is_some_and(|into_it| into_it < s.memory_size))
    }
}

const ANOTHER_KIND: &str = "it is a different kind of file";

/// Whether a file begins as one for a Mac does, of any kind.
fn is_mach_o(bytes: &[u8]) -> bool {
    use object::FileKind::{MachO32, MachO64, MachOFat32, MachOFat64};
    let kind = object::FileKind::parse(bytes);
    matches!(kind, Ok(MachO32 | MachO64 | MachOFat32 | MachOFat64))
}

/// Parses a linked object; the error says what it is instead.
fn parse(bytes: &[u8]) -> Result<object::File<'_>, String> {
    if bytes.starts_with(LLVM_BITCODE) {
        return Err("it is LLVM bitcode".to_owned());
    }
    let kind = object::FileKind::parse(bytes)
        .map_err(|_| "it does not start with an ELF header".to_owned())?;
    let file = match kind {
        object::FileKind::Elf32 | object::FileKind::Elf64 | object::FileKind::MachO64 => {
            object::File::parse(bytes)
                .map_err(|error| format!("its headers are broken ({error})"))?
        }
        object::FileKind::MachO32 => {
            return Err("it is a Mach-O file of 32 bits, and those of 64 are read".to_owned());
        }
        object::FileKind::Pe32 | object::FileKind::Pe64 => {
            return Err("it is a Windows executable".to_owned());
        }
        _ => return Err(ANOTHER_KIND.to_owned()),
    };
    match file.kind() {
        object::ObjectKind::Relocatable => Err("it is an unlinked object file".to_owned()),
        object::ObjectKind::Core => {
            Err("it is a core file; give the program that dumped it".to_owned())
        }
        _ => Ok(file),
    }
}

/// What the headers say, of either sort of file.
fn headers(file: &object::File<'_>) -> Result<LoadCommands, String> {
    let headers = match file {
        object::File::Elf32(file) => program_headers(file),
        object::File::Elf64(file) => program_headers(file),
        object::File::MachO64(file) => return mach_o::load_commands(file),
        _ => return Err(ANOTHER_KIND.to_owned()),
    };
    let facts = facts(file, &headers);
    let (segments, variables) = (headers.segments, ThreadVariables::default());
    Ok(LoadCommands { segments, variables, facts, is_companion: false })
}

fn facts(file: &object::File<'_>, headers: &ProgramHeaders) -> ObjectFacts {
    let ProgramHeaders { segments, tls, machine } = headers;
    let first = segments.iter().map(|s| s.address).min().unwrap_or(0);
    let last = segments.iter().map(|s| s.address.saturating_add(s.memory_size)).max().unwrap_or(0);
    let mut facts = ObjectFacts {
        build_id: file.build_id().ok().flatten().map(hex::encode),
        format: ObjectFormat::Elf,
        machine: *machine,
        pointer_size: if file.is_64() { 8 } else { 4 },
        big_endian: !file.is_little_endian(),
        entry: StaticAddress(file.entry()),
        tls: *tls,
        tls_module: None,
        address_range: (StaticAddress(first), StaticAddress(last)),
        is_fixed: file.kind() == object::ObjectKind::Executable,
    };
    let processor = tls.and_then(|_| processors::of(&facts));
    facts.tls_module = processor.and_then(|processor| tls_module(file, processor));
    facts
}
