//! ELF program headers, and where the loader stores the module number for thread-local storage.

use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Object, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget, elf};
use runtime_layouts::layout::StaticAddress;
use runtime_layouts::layout::source::TlsSegment;
use runtime_layouts::target::processors::Processor;

/// A segment of the file that the loader maps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) address: u64,
    pub(super) file_offset: u64,
    pub(super) file_size: u64,
    pub(super) memory_size: u64,
}

/// The ELF header and program headers of an object, as far as they matter here.
pub(super) struct ProgramHeaders {
    /// In the order of the file.
    pub(super) segments: Vec<Segment>,
    /// `None` when the object has no thread-local storage.
    pub(super) tls: Option<TlsSegment>,
    /// `e_machine`.
    pub(super) machine: u16,
}

/// Reads the headers.
pub(super) fn program_headers<'data, Elf: FileHeader>(
    file: &ElfFile<'data, Elf>,
) -> ProgramHeaders {
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
    ProgramHeaders { segments, tls, machine: file.elf_header().e_machine(endian).0 }
}

/// The address where the loader stores this module's number for `__tls_get_addr`. A relocation is
/// for this module when it has no symbol, or a symbol that this object defines.
pub(super) fn tls_module(file: &object::File<'_>, processor: &Processor) -> Option<StaticAddress> {
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
