//! ELF: what an object file says about itself, its sections, symbols and relocated words.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gimli::{RunTimeEndian, SectionId};
use object::elf;
use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{
    Object, ObjectSection, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget,
};
use runtime_layouts::layout::StaticAddress;
use runtime_layouts::layout::source::{ObjectFacts, TlsSegment, build_id_text};
use runtime_layouts::target::processors::{self, Processor};

use crate::lines::FunctionSymbol;
use crate::mapping::SharedBytes;
use crate::sections::{Sections, Which};
use crate::separate::{self, Folders};
use crate::split::{self, Split};

/// Why a file could not be opened. Each is one sentence for people.
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
    /// It is no ELF executable or shared library.
    #[error("{path} is not an ELF executable or shared library: {what}")]
    NotAnObject {
        /// The file that was asked for.
        path: PathBuf,
        /// What it is, or what is wrong with it.
        what: String,
    },
}

/// A segment of the file that the loader maps.
#[derive(Clone, Copy, Debug)]
struct Segment {
    address: u64,
    file_offset: u64,
    file_size: u64,
    memory_size: u64,
}

/// An opened object file.
pub(crate) struct ObjectFile {
    pub(crate) path: PathBuf,
    pub(crate) endian: RunTimeEndian,
    pub(crate) facts: ObjectFacts,
    /// The debug sections, with those of other files behind them.
    pub(crate) sections: Sections,
    /// What is in other files, when something is.
    pub(crate) split: Option<Split>,
    bytes: SharedBytes,
    /// The file with the debug information and the symbols, when that is another one.
    separate: Option<Box<ObjectFile>>,
    segments: Vec<Segment>,
    tls_symbols: OnceLock<Option<HashMap<Box<[u8]>, u64>>>,
    relocated: OnceLock<Vec<(u64, u64)>>,
}

/// A symbol's name without what ThinLTO adds to one that it makes visible to other units:
/// `…CURRENT_PARKER…E.llvm.15291967437445223747` (LLVM, `FunctionImportUtils.cpp`). The debug
/// information has the name without it.
fn unpromoted(name: &[u8]) -> &[u8] {
    match memchr::memmem::rfind(name, b".llvm.") {
        Some(at) => &name[..at],
        None => name,
    }
}

/// Whether an object has thread-local storage, and this text among its constants. When it does not
/// say where those are, all of it is searched.
pub(crate) fn may_have(path: &Path, text: &[u8]) -> bool {
    let Ok(bytes) = SharedBytes::map(path) else { return false };
    let Ok(file) = object::File::parse(&*bytes) else { return false };
    let tls = match &file {
        object::File::Elf32(file) => program_headers(file).1,
        object::File::Elf64(file) => program_headers(file).1,
        _ => None,
    };
    let mut constants = file
        .sections()
        .filter(|section| {
            section.kind() == object::SectionKind::ReadOnlyString
                || section.kind() == object::SectionKind::ReadOnlyData
        })
        .filter_map(|section| section.data().ok())
        .peekable();
    tls.is_some()
        && match constants.peek() {
            Some(_) => constants.any(|data| memchr::memmem::find(data, text).is_some()),
            None => memchr::memmem::find(&bytes, text).is_some(),
        }
}

impl ObjectFile {
    /// Reads the headers; maps the rest. Debug information that is not in the file itself is looked
    /// for where debuggers look for it.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let mut file = Self::open_alone(path)?;
        if !file.has_debug_information()
            && let Some(mut separate) = separate::find(&file, &Folders::of_machine())
        {
            std::mem::swap(&mut file.sections, &mut separate.sections);
            file.separate = Some(Box::new(separate));
        }
        if let Some((sections, split)) = split::resolve(path, &file.sections, file.endian) {
            file.sections = sections;
            file.split = Some(split);
        }
        Ok(file)
    }

    /// The same, with what is in the file itself alone.
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
        let not_an_object =
            |what: &str| OpenError::NotAnObject { path: path.to_owned(), what: what.to_owned() };
        let kind = object::FileKind::parse(&*bytes)
            .map_err(|_| not_an_object("its first bytes are none of ELF's"))?;
        let file = match kind {
            object::FileKind::Elf32 | object::FileKind::Elf64 => object::File::parse(&*bytes)
                .map_err(|error| not_an_object(&format!("its headers are broken ({error})")))?,
            object::FileKind::MachO32
            | object::FileKind::MachO64
            | object::FileKind::MachOFat32 => {
                return Err(not_an_object("it is a Mach-O file"));
            }
            object::FileKind::Pe32 | object::FileKind::Pe64 => {
                return Err(not_an_object("it is a Windows executable"));
            }
            _ => return Err(not_an_object("it is another kind of file")),
        };
        match file.kind() {
            object::ObjectKind::Relocatable => {
                return Err(not_an_object("it is an object file that was not linked yet"));
            }
            object::ObjectKind::Core => {
                return Err(not_an_object("it is a core file; give the program that dumped it"));
            }
            _ => {}
        }
        let (segments, tls, machine) = match &file {
            object::File::Elf32(file) => program_headers(file),
            object::File::Elf64(file) => program_headers(file),
            _ => return Err(not_an_object("it is another kind of file")),
        };
        let first = segments.iter().map(|s| s.address).min().unwrap_or(0);
        let last =
            segments.iter().map(|s| s.address.saturating_add(s.memory_size)).max().unwrap_or(0);
        let mut facts = ObjectFacts {
            build_id: file.build_id().ok().flatten().map(build_id_text),
            machine,
            pointer_size: if file.is_64() { 8 } else { 4 },
            big_endian: !file.is_little_endian(),
            entry: StaticAddress(file.entry()),
            tls,
            tls_module: None,
            address_range: (StaticAddress(first), StaticAddress(last)),
        };
        let processor = tls.and_then(|_| processors::of(&facts));
        facts.tls_module = processor.and_then(|processor| tls_module(&file, processor));
        let endian = if facts.big_endian { RunTimeEndian::Big } else { RunTimeEndian::Little };
        let sections = Sections::read(&file, &bytes, Which::Linked)
            .map_err(|what| not_an_object(&format!("its debug information is broken: {what}")))?;
        drop(file);
        Ok(ObjectFile {
            path: path.to_owned(),
            endian,
            facts,
            sections,
            split: None,
            bytes,
            separate: None,
            segments,
            tls_symbols: OnceLock::new(),
            relocated: OnceLock::new(),
        })
    }

    /// The debug sections of the file itself, or of the separate one, without what they leave to
    /// other files.
    pub(crate) fn own_sections(&self) -> &Sections {
        self.split.as_ref().map_or(&self.sections, |split| &split.own)
    }

    /// Whether there is any, in the file itself or in a separate one.
    pub(crate) fn has_debug_information(&self) -> bool {
        !self.sections.get(SectionId::DebugInfo).is_empty()
    }

    /// The file with the debug information, when that is another one.
    pub(crate) fn separate_path(&self) -> Option<&Path> {
        self.separate.as_ref().map(|separate| separate.path.as_path())
    }

    /// The name of the file with the debug information and its checksum, as `.gnu_debuglink` has
    /// them.
    pub(crate) fn debug_link(&self) -> Option<(Vec<u8>, u32)> {
        let file = object::File::parse(&*self.bytes).ok()?;
        let (name, checksum) = file.gnu_debuglink().ok()??;
        Some((name.to_vec(), checksum))
    }

    /// The checksum of the whole file, as `.gnu_debuglink` has it.
    pub(crate) fn checksum(&self) -> u32 {
        crc32fast::hash(&self.bytes)
    }

    /// The bytes of a section that is not of DWARF; `None` when there is none.
    pub(crate) fn section(&self, name: &str) -> Option<Vec<u8>> {
        let file = object::File::parse(&*self.bytes).ok()?;
        Some(file.section_by_name(name)?.uncompressed_data().ok()?.into_owned())
    }

    /// The bytes of the file with the symbols.
    fn symbol_bytes(&self) -> &SharedBytes {
        self.separate.as_ref().map_or(&self.bytes, |separate| &separate.bytes)
    }

    /// Whether the address is within what the loader maps.
    pub(crate) fn is_loaded(&self, address: u64) -> bool {
        self.segments
            .iter()
            .any(|s| address.checked_sub(s.address).is_some_and(|into_it| into_it < s.memory_size))
    }

    /// The offset of a thread-local symbol from the start of the TLS segment. The outer `None`
    /// means that the object has no symbol table to ask.
    pub(crate) fn tls_symbol(&self, name: &[u8]) -> Option<Option<u64>> {
        let symbols = self.tls_symbols.get_or_init(|| {
            let file = object::File::parse(&**self.symbol_bytes()).ok()?;
            let table = file.symbol_table()?;
            let symbols = table.symbols().filter(|symbol| {
                symbol.kind() == object::SymbolKind::Tls && !symbol.is_undefined()
            });
            Some(
                symbols
                    .filter_map(|symbol| {
                        Some((unpromoted(symbol.name_bytes().ok()?).into(), symbol.address()))
                    })
                    .collect(),
            )
        });
        symbols.as_ref().map(|symbols| symbols.get(name).copied())
    }

    /// Whether a symbol's mangled name has this identifier as a part of its path. Both manglings
    /// write it behind its length; the names are searched as they lie, since there may be millions.
    pub(crate) fn has_symbol_part(&self, identifier: &str) -> bool {
        let part = format!("{}{identifier}", identifier.len());
        let Ok(file) = object::File::parse(&**self.symbol_bytes()) else { return false };
        let names = file.section_by_name(".strtab").and_then(|section| section.data().ok());
        names.is_some_and(|names| memchr::memmem::find(names, part.as_bytes()).is_some())
    }

    /// Calls `visit` with every symbol's name that contains this, in the order of the tables of
    /// strings. A file that has no symbol table has none.
    pub(crate) fn each_symbol_with(&self, part: &[u8], mut visit: impl FnMut(&[u8])) {
        let Ok(file) = object::File::parse(&**self.symbol_bytes()) else { return };
        for table in [".strtab", ".dynstr"] {
            let names = file.section_by_name(table).and_then(|section| section.data().ok());
            let names = names.unwrap_or_default();
            let mut end = 0;
            for at in memchr::memmem::find_iter(names, part) {
                if at >= end {
                    let start = memchr::memrchr(0, &names[..at]).map_or(0, |zero| zero + 1);
                    end = memchr::memchr(0, &names[at..]).map_or(names.len(), |zero| at + zero);
                    visit(&names[start..end]);
                }
            }
        }
    }

    /// The functions of the symbol table, by address.
    pub(crate) fn function_symbols(&self) -> Vec<FunctionSymbol> {
        let Ok(file) = object::File::parse(&**self.symbol_bytes()) else { return Vec::new() };
        let mut symbols: Vec<_> = file
            .symbols()
            .chain(file.dynamic_symbols())
            .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.is_definition())
            .filter_map(|symbol| {
                let name = symbol.name_bytes().ok()?.into();
                Some(FunctionSymbol { address: symbol.address(), size: symbol.size(), name })
            })
            .collect();
        symbols.sort_by_key(|symbol| symbol.address);
        symbols
    }

    /// The pointer that the loader leaves at this address of the object's data, before the load
    /// bias: what the file holds there, or what a relocation puts there.
    pub(crate) fn pointer_at(&self, address: u64) -> Option<u64> {
        let relocated = self.relocated_words();
        if let Ok(at) = relocated.binary_search_by_key(&address, |&(place, _)| place) {
            let value = relocated[at].1;
            if value != 0 {
                return Some(value);
            }
        }
        let size = u64::from(self.facts.pointer_size);
        let segment = self.segments.iter().find(|s| {
            address
                .checked_sub(s.address)
                .is_some_and(|into| into.saturating_add(size) <= s.file_size)
        })?;
        let start = usize::try_from(segment.file_offset.checked_add(address - segment.address)?);
        let start = start.ok()?;
        let bytes = self.bytes.get(start..start.checked_add(size as usize)?)?;
        let mut word = [0_u8; 8];
        let value = if self.facts.big_endian {
            word[8 - bytes.len()..].copy_from_slice(bytes);
            u64::from_be_bytes(word)
        } else {
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        };
        Some(value)
    }

    /// `(place, value)` of every word that the loader relocates, by place.
    pub(crate) fn relocated_words(&self) -> &[(u64, u64)] {
        self.relocated.get_or_init(|| self.relocations())
    }

    /// `(place, value)` of every dynamic relocation that puts an address of this object somewhere,
    /// by place.
    fn relocations(&self) -> Vec<(u64, u64)> {
        let Ok(file) = object::File::parse(&*self.bytes) else { return Vec::new() };
        let Some(relocations) = file.dynamic_relocations() else { return Vec::new() };
        let symbols = file.dynamic_symbol_table();
        let mut words: Vec<(u64, u64)> = relocations
            .filter_map(|(place, relocation)| {
                if relocation.has_implicit_addend() {
                    return None;
                }
                let base = match relocation.target() {
                    RelocationTarget::Absolute => 0,
                    RelocationTarget::Symbol(index) => {
                        let symbol = symbols.as_ref()?.symbol_by_index(index).ok()?;
                        if symbol.is_undefined() { 0 } else { symbol.address() }
                    }
                    _ => return None,
                };
                Some((place, base.wrapping_add_signed(relocation.addend())))
            })
            .collect();
        words.sort_unstable();
        words
    }
}

/// Where the loader stores the module's number for `__tls_get_addr`. A relocation without a symbol,
/// or with one of this object, is of the object itself.
fn tls_module(file: &object::File<'_>, processor: &Processor) -> Option<StaticAddress> {
    let symbols = file.dynamic_symbol_table();
    let kind = processor.storage.module_relocation;
    let is_own = |target: RelocationTarget| match target {
        RelocationTarget::Absolute => true,
        RelocationTarget::Symbol(index) => symbols
            .as_ref()
            .and_then(|symbols| symbols.symbol_by_index(index).ok())
            .is_some_and(|symbol| !symbol.is_undefined()),
        _ => false,
    };
    file.dynamic_relocations()?.find_map(|(place, relocation)| {
        let RelocationFlags::Elf { r_type } = relocation.flags() else { return None };
        (r_type.0 == kind && is_own(relocation.target())).then_some(StaticAddress(place))
    })
}

/// The loaded segments, the TLS segment, and `e_machine`.
fn program_headers<'data, Elf: FileHeader>(
    file: &ElfFile<'data, Elf>,
) -> (Vec<Segment>, Option<TlsSegment>, u16) {
    let endian = file.endian();
    let mut segments = Vec::new();
    let mut tls = None;
    for header in file.elf_program_headers() {
        let kind = header.p_type(endian);
        if kind == elf::PT_LOAD {
            segments.push(Segment {
                address: header.p_vaddr(endian).into(),
                file_offset: header.p_offset(endian).into(),
                file_size: header.p_filesz(endian).into(),
                memory_size: header.p_memsz(endian).into(),
            });
        } else if kind == elf::PT_TLS {
            tls = Some(TlsSegment {
                address: header.p_vaddr(endian).into(),
                size: header.p_memsz(endian).into(),
                align: header.p_align(endian).into(),
            });
        }
    }
    (segments, tls, file.elf_header().e_machine(endian).0)
}
