//! The notes of a core file: segments, threads and mapped files.
//!
//! Source: `fs/binfmt_elf.c` of Linux (`struct elf_prstatus`, `fill_files_note`), which gdb's
//! `gcore` follows.

use std::path::Path;

use object::elf::{
    self, ET_CORE, FileHeader32, FileHeader64, NT_AUXV, NT_FILE, NT_PRPSINFO, NT_PRSTATUS, PF_W,
    PF_X, PT_LOAD,
};
use object::endian::Endianness;
use object::read::ReadRef;
use object::read::elf::{FileHeader, ProgramHeader};
use runtime_layouts::memory::word_format::WordFormat;
use runtime_layouts::target::auxiliary_vector::AuxiliaryVector;
use runtime_layouts::target::elf_image::word_format;
use runtime_layouts::target::processors::{Processor, ThreadPointer};

use crate::TargetError;
use crate::live::ThreadRegisters;
use crate::mappings::{Mapping, Mappings};

/// Notes that are longer are not believed: ten thousand threads take some 50 MB.
const LONGEST_NOTES: u64 = 1 << 30;
/// More mappings than `vm.max_map_count` ever is are not believed.
const MAX_MAPPINGS: u64 = 1 << 24;

/// A part of the address space that the core file describes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    pub(super) start: u64,
    /// The first address after it.
    pub(super) end: u64,
    /// Where its bytes are in the core file, and how many of them, from `start` on, it meant to
    /// write. The rest it left out.
    pub(super) offset: u64,
    pub(super) written: u64,
    pub(super) is_writable: bool,
    pub(super) is_executable: bool,
}

/// A thread as the core file has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CoreThread {
    pub(super) tid: u64,
    pub(super) registers: ThreadRegisters,
}

/// Everything but the memory.
#[derive(Debug)]
pub(crate) struct Notes {
    pub(super) processor: &'static Processor,
    pub(super) segments: Vec<Segment>,
    /// The one that caused the dump first.
    pub(super) threads: Vec<CoreThread>,
    pub(super) auxiliary: AuxiliaryVector,
    pub(super) files: Mappings,
    pub(super) pid: Option<u64>,
}

/// Finds the processor of programs with that ELF `e_machine`, class and byte order.
pub(super) type FindProcessor = fn(u16, WordFormat) -> Option<&'static Processor>;

impl Notes {
    /// Reads the headers of a core file.
    ///
    /// # Errors
    /// When it is no ELF core file of a supported processor, or its headers are broken.
    pub(crate) fn read<'d>(
        path: &'d Path,
        data: impl ReadRef<'d>,
        processor: FindProcessor,
    ) -> Result<Self, TargetError> {
        let core = Core { path, data, processor };
        if FileHeader32::<Endianness>::parse(core.data).is_ok() {
            core.read::<FileHeader32<Endianness>>()
        } else {
            core.read::<FileHeader64<Endianness>>()
        }
    }

    fn add(&mut self, kind: elf::NoteType, content: &[u8]) {
        let (words, notes) = (self.processor.words, &self.processor.notes);
        match kind {
            NT_PRSTATUS => self.threads.extend(thread(self.processor, content)),
            NT_AUXV => self.auxiliary = AuxiliaryVector::parse(content, words),
            NT_FILE => self.files = files(words, content).unwrap_or_default(),
            NT_PRPSINFO => self.pid = words.number_at(content, notes.process, 4),
            _ if matches!(
                self.processor.kernel.thread_pointer,
                ThreadPointer::Set { kind: own, .. } if own == kind.0
            ) =>
            {
                // It follows the thread that it is of.
                if let Some(thread) = self.threads.last_mut() {
                    let pointer = self.processor.thread_pointer_in_set(content);
                    thread.registers.thread_pointer = pointer;
                }
            }
            _ => {}
        }
    }
}

/// A core file that is to be read.
struct Core<'a, R> {
    path: &'a Path,
    data: R,
    processor: FindProcessor,
}

impl<'a, R: ReadRef<'a>> Core<'a, R> {
    fn refuse(&self, what: &str) -> TargetError {
        TargetError::NotACore { path: self.path.to_owned(), what: what.to_owned() }
    }

    fn broken(&self, error: object::Error) -> TargetError {
        self.refuse(&format!("its headers are broken ({error})"))
    }

    fn read<Elf: FileHeader<Endian = Endianness>>(&self) -> Result<Notes, TargetError> {
        let header = Elf::parse(self.data)
            .map_err(|_| self.refuse("it does not start with a 64-bit ELF header"))?;
        let endian = header.endian().map_err(|error| self.broken(error))?;
        if header.e_type(endian) != ET_CORE {
            return Err(self.refuse("it is an ELF file of a different type"));
        }
        let machine = header.e_machine(endian).0;
        let processor = (self.processor)(machine, word_format::<Elf>(endian)).ok_or_else(|| {
            if endian == Endianness::Big {
                self.refuse("it comes from a big-endian machine")
            } else {
                TargetError::Processor { machine }
            }
        })?;
        let mut notes = Notes {
            processor,
            segments: Vec::new(),
            threads: Vec::new(),
            auxiliary: AuxiliaryVector::default(),
            files: Mappings::default(),
            pid: None,
        };
        self.read_headers(header, endian, &mut notes)?;
        notes.segments.sort_by_key(|segment| segment.start);
        if notes.threads.is_empty() {
            return Err(self.refuse("it lists no threads; its beginning may be damaged"));
        }
        Ok(notes)
    }

    fn read_headers<Elf: FileHeader<Endian = Endianness>>(
        &self,
        header: &Elf,
        endian: Endianness,
        notes: &mut Notes,
    ) -> Result<(), TargetError> {
        let headers =
            header.program_headers(endian, self.data).map_err(|error| self.broken(error))?;
        // All notes together: many headers may show the same ones.
        let mut left = LONGEST_NOTES;
        for header in headers {
            if header.p_type(endian) == PT_LOAD {
                notes.segments.push(segment(header, endian));
                continue;
            }
            let Some(rest) = left.checked_sub(header.p_filesz(endian).into()) else {
                return Err(self.refuse("its notes are implausibly long"));
            };
            let entries = header.notes(endian, self.data).map_err(|error| self.broken(error))?;
            let Some(mut entries) = entries else { continue };
            left = rest;
            while let Ok(Some(note)) = entries.next() {
                if matches!(note.name(), b"CORE" | b"LINUX") {
                    notes.add(note.n_type(endian), note.desc());
                }
            }
        }
        Ok(())
    }
}

fn segment<Header>(header: &Header, endian: Endianness) -> Segment
where
    Header: ProgramHeader<Endian = Endianness>,
{
    let start = header.p_vaddr(endian).into();
    let flags = header.p_flags(endian);
    let written = header.p_filesz(endian).into();
    let size: u64 = header.p_memsz(endian).into();
    Segment {
        start,
        end: start.saturating_add(size.max(written)),
        offset: header.p_offset(endian).into(),
        written,
        is_writable: flags.contains(PF_W),
        is_executable: flags.contains(PF_X),
    }
}

/// `NT_PRSTATUS`.
fn thread(processor: &Processor, content: &[u8]) -> Option<CoreThread> {
    let notes = &processor.notes;
    let end = content.len().checked_sub(notes.after_registers)?;
    let set = content.get(notes.registers..end)?;
    let registers = ThreadRegisters {
        general: processor.kernel_registers(set),
        thread_pointer: processor.kernel_thread_pointer(set),
    };
    Some(CoreThread { tid: processor.words.number_at(content, notes.thread, 4)?, registers })
}

/// `NT_FILE`: a count, the unit of file offsets, a triple a mapping, then the paths; numbers are as
/// wide as a pointer.
fn files(words: WordFormat, content: &[u8]) -> Option<Mappings> {
    const HEAD: u64 = 2;
    const TRIPLE: u64 = 3;
    let count = words.pointer_at(content, 0).filter(|count| *count <= MAX_MAPPINGS)?;
    let unit = words.pointer_at(content, words.pointer_bytes())?;
    let head = usize::try_from(words.pointers_size(HEAD)).ok()?;
    let triples = usize::try_from(words.pointers_size(TRIPLE * count)).ok()?;
    let (triples, paths) = content.get(head..)?.split_at_checked(triples)?;
    let triples = triples.chunks_exact(3 * words.pointer_bytes().max(1));
    let paths = paths.split(|byte| *byte == 0);
    let mappings = triples.zip(paths).filter_map(|(triple, path)| {
        let mut numbers = words.pointers(triple);
        Some(Mapping {
            start: numbers.next()?,
            end: numbers.next()?,
            offset: numbers.next()?.checked_mul(unit)?,
            is_data: false,
            path: String::from_utf8_lossy(path).into_owned(),
        })
    });
    Some(Mappings::new(mappings.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_layouts::fake::processor::{NARROW, WIDE};

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn reads_a_thread() {
        let mut content = vec![0; WIDE.notes.registers];
        content[WIDE.notes.thread] = 77;
        content.extend(words(&[100, 101, 102, 103, 104, 105, 106]));
        content.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        let thread = thread(&WIDE, &content).expect("whole");
        let general = vec![(4, 100), (3, 101), (2, 102), (1, 103), (0, 104)];
        let registers = ThreadRegisters { general, thread_pointer: Some(105) };
        assert_eq!(thread, CoreThread { tid: 77, registers });
        for length in 0..WIDE.notes.registers {
            assert_eq!(super::thread(&WIDE, &content[..length]), None, "{length}");
        }
    }

    #[test]
    fn reads_mapped_files() {
        let wide = WIDE.words;
        let mut content = words(&[2, 4096, 0x5000, 0x6000, 0, 0x6000, 0x9000, 1]);
        content.extend(b"/bin/a\0/bin/a b\0");
        let mappings = files(wide, &content).expect("whole");
        let second = mappings.at(0x8fff).expect("mapped");
        assert_eq!((second.offset, second.path.as_str()), (4096, "/bin/a b"));
        assert!(files(wide, &content[..60]).is_none(), "cut off");
        for count in [u64::MAX, u64::MAX / 24 + 1, MAX_MAPPINGS] {
            assert!(files(wide, &words(&[count, 4096])).is_none(), "no such count");
        }
        let huge = words(&[1, u64::MAX, 0x5000, 0x6000, 2, 0]);
        assert_eq!(files(wide, &huge).expect("whole").iter().count(), 0, "no such offset");
    }

    /// A core file of a processor that no list has: 32 bits, big-endian.
    fn narrow_core() -> Vec<u8> {
        let big = |words: &[u32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
        let note = |kind: u32, content: &[u8]| {
            let mut note = big(&[5, content.len() as u32, kind]);
            note.extend(b"CORE\0\0\0\0");
            note.extend(content);
            note
        };
        let mut status = vec![0; NARROW.notes.registers];
        status[NARROW.notes.thread + 3] = 77;
        status.extend(big(&[9, 0x1010, 0x2000, 0x2010, 0x2020, 0]));
        let mut files = big(&[1, 16, 0x1000, 0x3000, 2]);
        files.extend(b"/bin/a\0\0");
        let notes = [
            note(NT_PRSTATUS.0, &status),
            note(0x777, &big(&[0x7000])),
            note(NT_AUXV.0, &big(&[9, 0x1004, 0, 0])),
            note(NT_FILE.0, &files),
        ]
        .concat();
        let mut core = b"\x7fELF\x01\x02\x01".to_vec();
        core.resize(16, 0);
        core.extend(big(&[4 << 16 | 0xfeed, 1, 0, 0x34, 0, 0, 52 << 16 | 32, 2 << 16, 0]));
        // PT_NOTE, and PT_LOAD of the last bytes, which may be written to.
        let (start, length) = (0x34 + 64, notes.len() as u32);
        core.extend(big(&[4, start, 0, 0, length, 0, 4, 4]));
        core.extend(big(&[1, start + length, 0x2000, 0, 32, 64, 6, 4]));
        core.extend(notes);
        core.extend([7; 32]);
        core
    }

    fn read(bytes: &[u8]) -> Result<Notes, TargetError> {
        let made_up = |machine, words| {
            (machine == NARROW.machine && words == NARROW.words).then_some(&NARROW)
        };
        Notes::read(Path::new("core"), bytes, made_up)
    }

    #[test]
    fn a_processor_that_is_new_needs_a_table_and_no_code() {
        let notes = read(&narrow_core()).expect("a core file");
        let general = vec![(5, 0x1010), (3, 0x2000), (2, 0x2010), (1, 0x2020)];
        let registers = ThreadRegisters { general, thread_pointer: Some(0x7000) };
        assert_eq!(notes.threads, [CoreThread { tid: 77, registers }]);
        assert_eq!(notes.auxiliary.entry(), Some(0x1004));
        assert_eq!(notes.files.at(0x2fff).map(|mapping| mapping.offset), Some(32));
        let segment = &notes.segments[0];
        assert_eq!((segment.start, segment.end, segment.written), (0x2000, 0x2040, 32));
    }

    #[test]
    fn damaged_headers_and_notes_do_no_harm() {
        let whole = narrow_core();
        for at in 0..whole.len() {
            for value in [0, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                let _ = read(&damaged);
            }
            let _ = read(&whole[..at]);
        }
    }
}
