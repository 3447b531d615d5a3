//! ELF program headers, and where the loader stores how it knows thread-local storage.

use object::read::elf::{ElfFile, FileHeader, ProgramHeader};
use object::{Object, ObjectSymbol, ObjectSymbolTable, RelocationFlags, RelocationTarget, elf};
use runtime_layouts::layout::StaticAddress;
use runtime_layouts::layout::source::{TlsModule, TlsSegment};
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

/// Where the loader stores this module's number for `__tls_get_addr`, or else a descriptor of one of
/// its variables. A relocation is for this module when it has no symbol, or a symbol that this object
/// defines.
pub(super) fn tls_module(file: &object::File<'_>, processor: &Processor) -> Option<TlsModule> {
    let symbols = file.dynamic_symbol_table();
    // How far into the segment the relocation's symbol is.
    let own = |target: RelocationTarget| match target {
        RelocationTarget::Absolute => Some(0),
        RelocationTarget::Symbol(index) => {
            let symbol = symbols.as_ref()?.symbol_by_index(index).ok()?;
            (!symbol.is_undefined()).then(|| symbol.address())
        }
        _ => None,
    };
    let mut descriptor = None;
    for (place, relocation) in file.dynamic_relocations()? {
        let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
        let storage = &processor.storage;
        if r_type.0 != storage.module_relocation && Some(r_type.0) != storage.descriptor_relocation
        {
            continue;
        }
        let Some(symbol) = own(relocation.target()) else { continue };
        let place = StaticAddress(place);
        if r_type.0 == storage.module_relocation {
            return Some(TlsModule::Number(place));
        }
        if descriptor.is_none() && !relocation.has_implicit_addend() {
            let offset = symbol.wrapping_add_signed(relocation.addend());
            descriptor = Some(TlsModule::Descriptor { place, offset });
        }
    }
    descriptor
}
