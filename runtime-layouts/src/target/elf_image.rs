//! An ELF object as the loader left it in memory, read without access to its file.
//!
//! Source: "Tool Interface Standard: ELF", and the System V ABI's 64-bit form of it.

use std::ops::Range;

use object::Endianness;
use object::elf::{
    FileHeader32, FileHeader64, NT_GNU_BUILD_ID, PT_DYNAMIC, PT_GNU_EH_FRAME, PT_LOAD, PT_NOTE,
    PT_PHDR, PT_TLS, ProgramHeader32, ProgramHeader64, ProgramType,
};
use object::pod::slice_from_all_bytes;
use object::read::elf::{FileHeader, NoteIterator, ProgramHeader};

use crate::memory::MemoryReader;
use crate::memory::word_format::WordFormat;

type Elf32 = FileHeader32<Endianness>;
type Elf64 = FileHeader64<Endianness>;

/// Tags of the dynamic section, from `elf.h`.
const DT_NULL: u64 = 0;
const DT_DEBUG: u64 = 21;

/// More program headers, or longer notes, than any object has are not believed.
const MAX_HEADERS: u64 = 256;
const LONGEST_NOTES: u64 = 64 << 10;
const LONGEST_DYNAMIC: u64 = 64 << 10;

/// An object file in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// What to add to an address of the file to get one of the process, modulo 2^64.
    pub load_bias: u64,
    /// The pointers in it.
    pub words: WordFormat,
    segments: Vec<Segment>,
}

/// A part of an object, as its program header has it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Segment {
    kind: ProgramType,
    /// Where its bytes are in the file.
    offset: u64,
    /// Where it was meant to be loaded.
    address: u64,
    /// Bytes in memory.
    size: u64,
    align: u64,
}

/// Where an object's program headers are in memory.
pub(super) struct ProgramHeaders {
    pub(super) table: u64,
    pub(super) count: u64,
    /// Of each of them, in bytes.
    pub(super) size: u64,
}

impl Image {
    /// The object whose ELF header is at this address; `None` when none is there that was loaded
    /// with its headers.
    #[must_use]
    pub fn at(start: u64, memory: &dyn MemoryReader) -> Option<Self> {
        const CLASS: usize = 4;
        let mut magic = [0; CLASS + 1];
        memory.read(start, &mut magic).ok()?;
        match magic[CLASS] {
            1 => Self::of_file::<Elf32>(start, memory),
            2 => Self::of_file::<Elf64>(start, memory),
            _ => None,
        }
    }

    fn of_file<Elf>(start: u64, memory: &dyn MemoryReader) -> Option<Self>
    where
        Elf: FileHeader<Endian = Endianness>,
    {
        let mut header = vec![0; size_of::<Elf>()];
        memory.read(start, &mut header).ok()?;
        let header = Elf::parse(&header[..]).ok()?;
        let endian = header.endian().ok()?;
        if usize::from(header.e_phentsize(endian)) != size_of::<Elf::ProgramHeader>() {
            return None;
        }
        let table = start.wrapping_add(header.e_phoff(endian).into());
        let count = header.e_phnum(endian).into();
        let segments = segments::<Elf::ProgramHeader>(table, count, endian, memory)?;
        let first = segments.iter().find(|it| it.kind == PT_LOAD && it.offset == 0)?;
        let load_bias = start.wrapping_sub(first.address);
        Some(Self { load_bias, words: word_format::<Elf>(endian), segments })
    }

    /// The object with these program headers. `load_bias` counts where they do not say where they
    /// are meant to be themselves.
    pub(super) fn of_headers(
        headers: &ProgramHeaders,
        memory: &dyn MemoryReader,
        load_bias: Option<u64>,
    ) -> Option<Self> {
        const NARROW: usize = size_of::<ProgramHeader32<Endianness>>();
        const WIDE: usize = size_of::<ProgramHeader64<Endianness>>();
        match usize::try_from(headers.size) {
            Ok(NARROW) => Self::of_table::<Elf32>(headers, memory, load_bias),
            Ok(WIDE) => Self::of_table::<Elf64>(headers, memory, load_bias),
            _ => None,
        }
    }

    fn of_table<Elf>(
        headers: &ProgramHeaders,
        memory: &dyn MemoryReader,
        load_bias: Option<u64>,
    ) -> Option<Self>
    where
        Elf: FileHeader<Endian = Endianness>,
    {
        // Every program has something to load, which the other byte order does not show.
        let (segments, endian) =
            [Endianness::Little, Endianness::Big].into_iter().find_map(|endian| {
                let &ProgramHeaders { table, count, .. } = headers;
                let segments = segments::<Elf::ProgramHeader>(table, count, endian, memory)?;
                let is_right = segments.iter().any(|segment| segment.kind == PT_LOAD);
                is_right.then_some((segments, endian))
            })?;
        let own = segments.iter().find(|segment| segment.kind == PT_PHDR);
        // A program that does not say is a static one, and not moved.
        let by_headers = own.map(|own| headers.table.wrapping_sub(own.address));
        let load_bias = by_headers.or(load_bias).unwrap_or(0);
        Some(Self { load_bias, words: word_format::<Elf>(endian), segments })
    }

    /// The addresses of the process from the object's first segment to its last.
    #[must_use]
    pub fn extent(&self) -> Range<u64> {
        let loaded = self.segments.iter().filter(|segment| segment.kind == PT_LOAD);
        let (start, end) = loaded.fold((u64::MAX, 0), |(low, high), segment| {
            let start = self.live(segment);
            (low.min(start), high.max(start.saturating_add(segment.size)))
        });
        start..end
    }

    /// Which byte of the object's file lies at this address of the process, by its program headers;
    /// `None` when none does.
    #[must_use]
    pub fn file_offset(&self, address: u64) -> Option<u64> {
        let loaded = self.segments.iter().filter(|segment| segment.kind == PT_LOAD);
        loaded.map(|segment| (segment, address.wrapping_sub(self.live(segment)))).find_map(
            |(segment, into)| (into < segment.size).then(|| segment.offset.saturating_add(into)),
        )
    }

    /// Whether each thread has storage for it.
    #[must_use]
    pub fn has_thread_storage(&self) -> bool {
        self.segments.iter().any(|segment| segment.kind == PT_TLS && segment.size != 0)
    }

    /// Where `.eh_frame_hdr` lies in the process; `None` when the object has none.
    #[must_use]
    pub fn frame_table(&self) -> Option<u64> {
        let segment = self.segments.iter().find(|segment| segment.kind == PT_GNU_EH_FRAME)?;
        Some(self.live(segment))
    }

    /// Where the first segment of a type that processors have of their own (`PT_LOPROC` and above)
    /// lies in the process; `None` when the object has none.
    #[must_use]
    pub fn segment(&self, kind: u32) -> Option<Range<u64>> {
        let segment = self.segments.iter().find(|segment| segment.kind.0 == kind)?;
        let start = self.live(segment);
        Some(start..start.saturating_add(segment.size))
    }

    /// Where the dynamic linker keeps what it tells debuggers (`struct r_debug`); `None` for a
    /// program that is linked statically, and before the linker has run.
    #[must_use]
    pub fn debugger_rendezvous(&self, memory: &dyn MemoryReader) -> Option<u64> {
        let mut entries = self.dynamic(memory).into_iter();
        entries.find_map(|(tag, value)| (tag == DT_DEBUG && value != 0).then_some(value))
    }

    /// The entries of the dynamic section as the loader left it, each a tag with its value; none for an
    /// object that has no such section, and where memory does not show it.
    pub(super) fn dynamic(&self, memory: &dyn MemoryReader) -> Vec<(u64, u64)> {
        let segment = self.segments.iter().find(|segment| segment.kind == PT_DYNAMIC);
        let bytes = segment.and_then(|segment| {
            let mut bytes = vec![0; usize::try_from(segment.size.min(LONGEST_DYNAMIC)).ok()?];
            memory.read(self.live(segment), &mut bytes).ok()?;
            Some(bytes)
        });
        let bytes = bytes.unwrap_or_default();
        let tags = self.words.pointers(&bytes).step_by(2);
        let values = self.words.pointers(&bytes).skip(1).step_by(2);
        tags.zip(values).take_while(|(tag, _)| *tag != DT_NULL).collect()
    }

    /// The GNU build id of the object in the process, in lower-case hexadecimal, from its notes;
    /// `None` when memory does not show one.
    #[must_use]
    pub fn build_id(&self, memory: &dyn MemoryReader) -> Option<String> {
        let endian = self.endian();
        self.segments
            .iter()
            .filter(|segment| segment.kind == PT_NOTE && segment.size <= LONGEST_NOTES)
            .find_map(|segment| {
                let mut notes = vec![0; usize::try_from(segment.size).ok()?];
                memory.read(self.live(segment), &mut notes).ok()?;
                // Notes of both classes are the same.
                let mut notes = NoteIterator::<Elf64>::new(endian, segment.align, &notes).ok()?;
                while let Ok(Some(note)) = notes.next() {
                    let is_id = note.name() == b"GNU" && note.n_type(endian) == NT_GNU_BUILD_ID;
                    if is_id && !note.desc().is_empty() {
                        return Some(hex::encode(note.desc()));
                    }
                }
                None
            })
    }

    /// The byte order of its numbers.
    pub(super) fn endian(&self) -> Endianness {
        if self.words.big_endian { Endianness::Big } else { Endianness::Little }
    }

    /// Where a segment is in the process.
    fn live(&self, segment: &Segment) -> u64 {
        segment.address.wrapping_add(self.load_bias)
    }
}

/// The pointers of a class and byte order of ELF.
#[must_use]
pub fn word_format<Elf: FileHeader>(endian: Endianness) -> WordFormat {
    let pointer_size = if Elf::is_type_64_sized() { 8 } else { 4 };
    WordFormat { pointer_size, big_endian: endian == Endianness::Big }
}

/// The segments in a table of program headers; `None` when it cannot be read.
fn segments<Header>(
    table: u64,
    count: u64,
    endian: Endianness,
    memory: &dyn MemoryReader,
) -> Option<Vec<Segment>>
where
    Header: ProgramHeader<Endian = Endianness>,
{
    let count = usize::try_from(count.min(MAX_HEADERS)).ok()?;
    let mut bytes = vec![0; count * size_of::<Header>()];
    memory.read(table, &mut bytes).ok()?;
    let headers: &[Header] = slice_from_all_bytes(&bytes).ok()?;
    let segment = |header: &Header| Segment {
        kind: header.p_type(endian),
        offset: header.p_offset(endian).into(),
        address: header.p_vaddr(endian).into(),
        size: header.p_memsz(endian).into(),
        align: header.p_align(endian).into(),
    };
    Some(headers.iter().map(segment).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::fake::FakeMemory;
    use crate::target::auxiliary_vector::AuxiliaryVector;

    const BIAS: u64 = 0x5555_0000_0000;
    const HEADER: usize = 56;

    fn header(kind: u32, address: u64, size: u64) -> Vec<u8> {
        let mut header = vec![0; HEADER];
        header[..4].copy_from_slice(&kind.to_le_bytes());
        header[8..16].copy_from_slice(&address.to_le_bytes());
        header[16..24].copy_from_slice(&address.to_le_bytes());
        header[40..48].copy_from_slice(&size.to_le_bytes());
        header
    }

    fn note(kind: u32, name: &[u8], content: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for word in [name.len() as u32, content.len() as u32, kind] {
            note.extend(word.to_le_bytes());
        }
        for part in [name, content] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    fn process(notes: &[u8]) -> FakeMemory {
        let table = [
            header(PT_PHDR.0, 0x40, 3 * HEADER as u64),
            header(PT_LOAD.0, 0, 0x2000),
            header(PT_NOTE.0, 0x300, notes.len() as u64),
        ];
        FakeMemory::new().with(BIAS + 0x40, table.concat()).with(BIAS + 0x300, notes)
    }

    /// `AT_PHDR`, `AT_PHENT`, `AT_PHNUM`.
    fn vector(headers: u64) -> AuxiliaryVector {
        AuxiliaryVector::new(HashMap::from([(3, BIAS + 0x40), (4, 56), (5, headers)]))
    }

    fn build_id(headers: u64, memory: &FakeMemory) -> Option<String> {
        vector(headers).executable(memory, None)?.build_id(memory)
    }

    #[test]
    fn finds_the_build_id_among_other_notes() {
        let notes =
            [note(1, b"GNU\0", &[1; 16]), note(3, b"Go\0", b"x"), note(3, b"GNU\0", &[0xab, 0xc])];
        let mut memory = process(&notes.concat());
        assert_eq!(build_id(3, &memory).as_deref(), Some("ab0c"));

        let mut header = vec![0; 64];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        header[32..40].copy_from_slice(&0x40u64.to_le_bytes());
        header[54..56].copy_from_slice(&(HEADER as u16).to_le_bytes());
        header[56..58].copy_from_slice(&3u16.to_le_bytes());
        memory.put(BIAS, header);
        let found = Image::at(BIAS, &memory).expect("an ELF header");
        assert_eq!(found.build_id(&memory).as_deref(), Some("ab0c"));
        assert_eq!((found.load_bias, found.extent()), (BIAS, BIAS..BIAS + 0x2000));
        assert_eq!(Some(found), vector(3).executable(&memory, Some(7)), "found in both ways");
        assert!(Image::at(BIAS + 8, &memory).is_none());
    }

    #[test]
    fn nothing_is_made_of_broken_notes() {
        let whole = note(3, b"GNU\0", &[7; 20]);
        for length in 0..whole.len() {
            assert_eq!(build_id(3, &process(&whole[..length])), None, "{length}");
        }
        let mut huge = whole.clone();
        for at in [0, 4] {
            huge[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            assert_eq!(build_id(3, &process(&huge)), None);
        }
        assert_eq!(build_id(u64::MAX, &process(&whole)), None);
        assert_eq!(build_id(3, &FakeMemory::new()), None);
        assert!(AuxiliaryVector::default().executable(&FakeMemory::new(), None).is_none());
    }

    #[test]
    fn damaged_headers_do_no_harm() {
        let mut memory = process(&note(3, b"GNU\0", &[7; 20]));
        let mut header = vec![0; 64];
        header[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        header[32..40].copy_from_slice(&0x40u64.to_le_bytes());
        header[54..58].copy_from_slice(&[56, 0, 3, 0]);
        memory.put(BIAS, header);
        let mut whole = vec![0; 0x40 + 3 * HEADER];
        memory.read(BIAS, &mut whole[..0x40]).expect("there");
        memory.read(BIAS + 0x40, &mut whole[0x40..]).expect("there");
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                damaged.resize(0x400, value);
                let memory = FakeMemory::new().with(BIAS, damaged);
                let found = [Image::at(BIAS, &memory), vector(3).executable(&memory, None)];
                for image in found.into_iter().flatten() {
                    let _ = (image.extent(), image.frame_table(), image.build_id(&memory));
                    let _ = image.debugger_rendezvous(&memory);
                }
            }
        }
    }

    #[test]
    fn narrow_objects_of_the_other_byte_order_are_read() {
        let big = |words: &[u32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        let mut bytes = b"\x7fELF\x01\x02\x01".to_vec();
        bytes.resize(0x1c, 0);
        // `e_phoff`, `e_shoff`, `e_flags`; `e_ehsize`, `e_phentsize`, `e_phnum`.
        bytes.extend(big(&[0x34, 0, 0, 52 << 16 | 32, 2 << 16, 0]));
        // PT_LOAD of everything, from 0x1000 on; PT_DYNAMIC at 0x1080.
        bytes.extend(big(&[1, 0, 0x1000, 0x1000, 0x200, 0x200, 5, 0x1000]));
        bytes.extend(big(&[2, 0x80, 0x1080, 0x1080, 24, 24, 6, 4]));
        bytes.resize(0x80, 0);
        bytes.extend(big(&[1, 7, 21, 0x9000, 0, 0]));
        let memory = FakeMemory::new().with(0x5000, bytes);
        let image = Image::at(0x5000, &memory).expect("an ELF header");
        assert_eq!(image.words, WordFormat { pointer_size: 4, big_endian: true });
        assert_eq!((image.load_bias, image.extent()), (0x4000, 0x5000..0x5200));
        assert_eq!(image.debugger_rendezvous(&memory), Some(0x9000));
        let told = HashMap::from([(3, 0x5034), (4, 32), (5, 2)]);
        let told = AuxiliaryVector::new(told).executable(&memory, Some(0x4000));
        assert_eq!(told, Some(image), "the byte order is the one in which it can be loaded");
    }
}
