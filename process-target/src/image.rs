//! An ELF file as the loader left it in memory: read from there, without a look at any file.

use object::elf::{FileHeader64, PT_GNU_EH_FRAME, PT_LOAD};
use object::endian::Endianness;
use object::read::elf::{FileHeader, ProgramHeader};
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::target::auxiliary::ProgramHeaders;

/// More program headers than any object has are not believed.
const MOST_HEADERS: u64 = 256;

/// Size of `Elf64_Ehdr` in bytes.
const FILE_HEADER_SIZE: usize = 64;

/// An object file in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Image {
    /// What to add to an address of the file to get one of the process, modulo 2^64.
    pub(crate) load_bias: u64,
    /// Where `.eh_frame_hdr` lies in the process.
    pub(crate) frame_table: Option<u64>,
    /// The GNU build id in lower-case hexadecimal; `None` when memory does not show one.
    pub(crate) build_id: Option<String>,
    /// The addresses of the process that the object's segments take.
    pub(crate) extent: (u64, u64),
    /// The byte order.
    pub(crate) is_little_endian: bool,
}

impl Image {
    /// The object whose 64-bit ELF header is at this address; `None` when none is there.
    pub(crate) fn at(start: u64, memory: &dyn MemoryReader) -> Option<Self> {
        let mut header = [0; FILE_HEADER_SIZE];
        memory.read(start, &mut header).ok()?;
        let parsed = FileHeader64::<Endianness>::parse(&header[..]).ok()?;
        let endian = parsed.endian().ok()?;
        let table = parsed.e_phoff.get(endian);
        let count = u64::from(parsed.e_phnum.get(endian)).min(MOST_HEADERS);
        let size = u64::from(parsed.e_phentsize.get(endian));
        let end = table.checked_add(count.checked_mul(size)?)?;
        // The headers with the one that says where they are: what `object` wants in one piece.
        let mut bytes = vec![0; usize::try_from(end).ok().filter(|end| *end <= 1 << 20)?];
        memory.read(start, &mut bytes).ok()?;
        let parsed = FileHeader64::<Endianness>::parse(&bytes[..]).ok()?;
        let headers = parsed.program_headers(endian, &bytes[..]).ok()?;
        let address = |header: &object::elf::ProgramHeader64<_>| header.p_vaddr(endian);
        let loaded = headers.iter().filter(|header| header.p_type(endian) == PT_LOAD);
        let first = loaded.clone().find(|header| header.p_offset(endian) == 0)?;
        let load_bias = start.wrapping_sub(address(first));
        let extent = loaded.fold((u64::MAX, 0), |(low, high), header| {
            let start = address(header).wrapping_add(load_bias);
            (low.min(start), high.max(start.saturating_add(header.p_memsz(endian))))
        });
        let frame_table = headers
            .iter()
            .find(|header| header.p_type(endian) == PT_GNU_EH_FRAME)
            .map(|header| address(header).wrapping_add(load_bias));
        let is_big_endian = endian == Endianness::Big;
        let build_id = ProgramHeaders::of(start, memory, is_big_endian)
            .and_then(|headers| headers.build_id(memory, is_big_endian, Some(load_bias)));
        Some(Self { load_bias, frame_table, build_id, extent, is_little_endian: !is_big_endian })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_layouts::memory::live::LiveMemory;

    #[test]
    fn reads_the_program_that_runs() {
        let memory = LiveMemory::open(std::process::id().into()).expect("readable");
        let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
        let mappings = crate::mappings::Mappings::of_proc(&maps);
        let here = reads_the_program_that_runs as fn() as usize as u64;
        let start = mappings.beginning(here).expect("the test is a program");
        let image = Image::at(start, &memory).expect("an ELF header");
        assert!((image.extent.0..image.extent.1).contains(&here), "{image:x?}");
        assert!(image.frame_table.is_some());
        assert_eq!(Image::at(start + 8, &memory), None);
        assert_eq!(Image::at(8, &memory), None);
    }
}
