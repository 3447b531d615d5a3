//! What a core file says: its segments, its threads, and the files that were mapped.
//!
//! Source: `fs/binfmt_elf.c` of Linux (`struct elf_prstatus`, `fill_files_note`), which gdb's
//! `gcore` follows.

use std::collections::HashMap;
use std::path::Path;

use object::elf::{
    self, ET_CORE, FileHeader64, NT_ARM_TLS, NT_AUXV, NT_FILE, NT_PRPSINFO, NT_PRSTATUS, PF_W,
    PF_X, PT_LOAD,
};
use object::endian::Endianness;
use object::read::ReadRef;
use object::read::elf::{FileHeader, ProgramHeader};

use crate::TargetError;
use crate::live::proc::auxiliary_entries;
use crate::mappings::{Mapping, Mappings};

/// Offsets in `struct elf_prstatus`, the same on every 64-bit processor, and what follows the
/// registers there (`pr_fpvalid`, padded).
const PRSTATUS_PID: usize = 32;
const PRSTATUS_REGISTERS: usize = 112;
const PRSTATUS_END: usize = 8;
/// Offset of `pr_pid` in `struct elf_prpsinfo`.
const PRPSINFO_PID: usize = 24;
/// Notes that are longer are not believed: ten thousand threads take some 50 MB.
const LONGEST_NOTES: u64 = 1 << 30;
/// More mappings than `vm.max_map_count` ever is are not believed.
const MOST_MAPPINGS: usize = 1 << 24;

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
    /// Its registers as the kernel gives them.
    pub(super) words: Vec<u64>,
    /// The thread pointer, where it has a note of its own.
    pub(super) thread_pointer: Option<u64>,
}

/// Everything but the memory.
#[derive(Debug)]
pub(crate) struct Notes {
    pub(super) machine: u16,
    pub(super) segments: Vec<Segment>,
    /// The one that caused the dump first.
    pub(super) threads: Vec<CoreThread>,
    pub(super) auxiliary: HashMap<u64, u64>,
    pub(super) files: Mappings,
    pub(super) pid: Option<u64>,
}

impl Notes {
    /// Reads the headers of a core file.
    ///
    /// # Errors
    /// When it is not a 64-bit little-endian ELF core file, or its headers are broken.
    pub(crate) fn read<'d>(path: &Path, data: impl ReadRef<'d>) -> Result<Self, TargetError> {
        let refuse =
            |what: &str| TargetError::NotACore { path: path.to_owned(), what: what.to_owned() };
        let broken = |error: object::Error| refuse(&format!("its headers are broken ({error})"));
        let header = FileHeader64::<Endianness>::parse(data)
            .map_err(|_| refuse("it does not begin as a 64-bit ELF file does"))?;
        let endian = header.endian().map_err(broken)?;
        if header.e_type(endian) != ET_CORE {
            return Err(refuse("it is an ELF file of another kind"));
        }
        if endian != Endianness::Little {
            return Err(refuse("it comes from a big-endian machine"));
        }
        let headers = header.program_headers(endian, data).map_err(broken)?;
        let mut notes = Self {
            machine: header.e_machine(endian).0,
            segments: Vec::new(),
            threads: Vec::new(),
            auxiliary: HashMap::new(),
            files: Mappings::default(),
            pid: None,
        };
        for header in headers {
            if header.p_type(endian) == PT_LOAD {
                notes.segments.push(segment(header, endian));
            } else if header.p_filesz(endian) > LONGEST_NOTES {
                return Err(refuse("its notes are longer than any"));
            } else if let Some(mut entries) = header.notes(endian, data).map_err(broken)? {
                while let Ok(Some(note)) = entries.next() {
                    if matches!(note.name(), b"CORE" | b"LINUX") {
                        notes.add(note.n_type(endian), note.desc());
                    }
                }
            }
        }
        notes.segments.sort_by_key(|segment| segment.start);
        if notes.threads.is_empty() {
            return Err(refuse("it names no threads; its beginning may be damaged"));
        }
        Ok(notes)
    }

    fn add(&mut self, kind: elf::NoteType, content: &[u8]) {
        match kind {
            NT_PRSTATUS => self.threads.extend(thread(content)),
            NT_ARM_TLS => {
                // It follows the thread that it is of.
                if let Some(thread) = self.threads.last_mut() {
                    thread.thread_pointer = word(content, 0);
                }
            }
            NT_AUXV => self.auxiliary = auxiliary_entries(content),
            NT_FILE => self.files = files(content).unwrap_or_default(),
            NT_PRPSINFO => self.pid = half(content, PRPSINFO_PID),
            _ => {}
        }
    }
}

fn segment(header: &elf::ProgramHeader64<Endianness>, endian: Endianness) -> Segment {
    let start = header.p_vaddr(endian);
    let flags = header.p_flags(endian);
    let size = header.p_memsz(endian).max(header.p_filesz(endian));
    Segment {
        start,
        end: start.saturating_add(size),
        offset: header.p_offset(endian),
        written: header.p_filesz(endian),
        is_writable: flags.contains(PF_W),
        is_executable: flags.contains(PF_X),
    }
}

fn thread(content: &[u8]) -> Option<CoreThread> {
    let end = content.len().checked_sub(PRSTATUS_END)?;
    let words = content.get(PRSTATUS_REGISTERS..end)?.chunks_exact(8);
    Some(CoreThread {
        tid: half(content, PRSTATUS_PID)?,
        words: words.filter_map(|bytes| word(bytes, 0)).collect(),
        thread_pointer: None,
    })
}

/// `NT_FILE`: a count, the unit of file offsets, a triple a mapping, then the paths.
fn files(content: &[u8]) -> Option<Mappings> {
    const TRIPLE: usize = 24;
    let count = usize::try_from(word(content, 0)?).ok().filter(|count| *count <= MOST_MAPPINGS)?;
    let unit = word(content, 8)?;
    let triples = content.get(16..16 + count * TRIPLE)?.chunks_exact(TRIPLE);
    let paths = content.get(16 + count * TRIPLE..)?.split(|byte| *byte == 0);
    let mappings = triples.zip(paths).filter_map(|(triple, path)| {
        Some(Mapping {
            start: word(triple, 0)?,
            end: word(triple, 8)?,
            offset: word(triple, 16)?.checked_mul(unit)?,
            is_data: false,
            path: String::from_utf8_lossy(path).into_owned(),
        })
    });
    Some(Mappings::new(mappings.collect()))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn reads_a_thread() {
        let mut content = vec![0; PRSTATUS_REGISTERS];
        content[PRSTATUS_PID] = 77;
        content.extend(words(&(100..127).collect::<Vec<_>>()));
        content.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        let thread = thread(&content).expect("whole");
        assert_eq!((thread.tid, thread.words.len(), thread.words[21]), (77, 27, 121));
        for length in 0..PRSTATUS_REGISTERS {
            assert_eq!(super::thread(&content[..length]), None, "{length}");
        }
    }

    #[test]
    fn reads_mapped_files() {
        let mut content = words(&[2, 4096, 0x5000, 0x6000, 0, 0x6000, 0x9000, 1]);
        content.extend(b"/bin/a\0/bin/a b\0");
        let mappings = files(&content).expect("whole");
        let second = mappings.at(0x8fff).expect("mapped");
        assert_eq!((second.offset, second.path.as_str()), (4096, "/bin/a b"));
        assert!(files(&content[..60]).is_none(), "cut off");
        assert!(files(&words(&[u64::MAX, 4096])).is_none(), "no such count");
    }
}
