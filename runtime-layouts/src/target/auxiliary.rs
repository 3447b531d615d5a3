//! Whether the file on disk is the program that runs: the build id as the process has it.

use std::collections::HashMap;

use crate::memory::MemoryReader;

/// Keys of the auxiliary vector, from `elf.h`.
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_ENTRY: u64 = 9;

/// Program header types, from `elf.h`.
const PT_DYNAMIC: u32 = 2;
const PT_NOTE: u32 = 4;
const PT_PHDR: u32 = 6;

/// Tags of the dynamic section, from `elf.h`.
const DT_NULL: u64 = 0;
const DT_DEBUG: u64 = 21;

/// Size of `Elf64_Ehdr` and of `Elf64_Phdr` in bytes.
const FILE_HEADER_SIZE: usize = 64;
const HEADER_SIZE: u64 = 56;
/// More program headers, or longer notes, than any executable has are not believed.
const MOST_HEADERS: u64 = 256;
const LONGEST_NOTES: u64 = 64 << 10;
const LONGEST_DYNAMIC: u64 = 64 << 10;

/// What the kernel told the program at its start.
pub struct AuxiliaryVector(HashMap<u64, u64>);

impl AuxiliaryVector {
    /// The vector with these entries; an empty one knows nothing.
    #[must_use]
    pub fn new(entries: HashMap<u64, u64>) -> Self {
        Self(entries)
    }

    /// The live address of the program's entry point; `None` when unknown.
    #[must_use]
    pub fn entry(&self) -> Option<u64> {
        self.0.get(&AT_ENTRY).copied()
    }

    /// The executable's program headers, without a look at any file.
    #[must_use]
    pub fn program_headers(&self) -> Option<ProgramHeaders> {
        let count = *self.0.get(&AT_PHNUM)?;
        let fits = self.0.get(&AT_PHENT).is_none_or(|size| *size == HEADER_SIZE);
        fits.then_some(ProgramHeaders { table: *self.0.get(&AT_PHDR)?, count })
    }
}

/// Kind, address and size in bytes of a segment, as its header has them.
type Segment = (u32, u64, u64);

/// Where an object's program headers are in memory.
pub struct ProgramHeaders {
    table: u64,
    count: u64,
}

impl ProgramHeaders {
    /// Those of the object whose 64-bit ELF header is at this address; `None` when none is there.
    #[must_use]
    pub fn of(header: u64, memory: &dyn MemoryReader, big_endian: bool) -> Option<Self> {
        let mut bytes = [0; FILE_HEADER_SIZE];
        memory.read(header, &mut bytes).ok()?;
        if !bytes.starts_with(b"\x7fELF\x02") {
            return None;
        }
        let words = Words { bytes: &bytes, big_endian };
        // `e_phoff`, `e_phentsize`, `e_phnum`
        let table = header.wrapping_add(words.u64(32)?);
        let fits = u64::from(words.u16(54)?) == HEADER_SIZE;
        fits.then_some(Self { table, count: words.u16(56)?.into() })
    }

    /// Where the dynamic linker keeps what it tells debuggers (`struct r_debug`); `None` for a
    /// program that is linked statically, and before the linker has run.
    #[must_use]
    pub fn debugger_rendezvous(
        &self,
        memory: &dyn MemoryReader,
        big_endian: bool,
        load_bias: Option<u64>,
    ) -> Option<u64> {
        let (headers, bias) = self.placed(memory, big_endian, load_bias)?;
        let (_, address, size) = headers.iter().find(|(kind, ..)| *kind == PT_DYNAMIC)?;
        let mut bytes = vec![0; (*size).min(LONGEST_DYNAMIC) as usize];
        memory.read(address.wrapping_add(bias), &mut bytes).ok()?;
        let words = Words { bytes: &bytes, big_endian };
        (0..bytes.len())
            .step_by(16)
            .map_while(|at| Some((words.u64(at)?, words.u64(at + 8)?)))
            .take_while(|(tag, _)| *tag != DT_NULL)
            .find_map(|(tag, value)| (tag == DT_DEBUG && value != 0).then_some(value))
    }

    /// Kind, address and size of each segment, and what to add to the addresses. `load_bias` counts
    /// where the headers do not say where they are meant to be themselves.
    fn placed(
        &self,
        memory: &dyn MemoryReader,
        big_endian: bool,
        load_bias: Option<u64>,
    ) -> Option<(Vec<Segment>, u64)> {
        let count = self.count.min(MOST_HEADERS);
        let mut bytes = vec![0; (count * HEADER_SIZE) as usize];
        memory.read(self.table, &mut bytes).ok()?;
        let words = Words { bytes: &bytes, big_endian };
        let headers: Vec<Segment> = (0..count as usize)
            .map(|i| i * HEADER_SIZE as usize)
            // `p_type`, `p_vaddr`, `p_memsz`
            .filter_map(|at| Some((words.u32(at)?, words.u64(at + 16)?, words.u64(at + 40)?)))
            .collect();
        let own = headers.iter().find(|(kind, ..)| *kind == PT_PHDR);
        // An executable that does not say is a static one, and not moved.
        let bias = own.map(|(_, address, _)| self.table.wrapping_sub(*address)).or(load_bias);
        Some((headers, bias.unwrap_or(0)))
    }

    /// The GNU build id of the object in the process, in lower-case hexadecimal, from the notes
    /// that the headers name; `None` when memory does not show one. `load_bias` counts where the
    /// headers do not say where they are meant to be themselves.
    #[must_use]
    pub fn build_id(
        &self,
        memory: &dyn MemoryReader,
        big_endian: bool,
        load_bias: Option<u64>,
    ) -> Option<String> {
        let (headers, bias) = self.placed(memory, big_endian, load_bias)?;
        headers
            .iter()
            .filter(|(kind, _, size)| *kind == PT_NOTE && *size <= LONGEST_NOTES)
            .find_map(|(_, address, size)| {
                let mut notes = vec![0; *size as usize];
                memory.read(address.wrapping_add(bias), &mut notes).ok()?;
                build_id_note(&Words { bytes: &notes, big_endian })
            })
    }
}

/// The `NT_GNU_BUILD_ID` among notes.
fn build_id_note(notes: &Words<'_>) -> Option<String> {
    const NT_GNU_BUILD_ID: u32 = 3;
    let mut at = 0;
    loop {
        let name_size = notes.u32(at)? as usize;
        let size = notes.u32(at + 4)? as usize;
        let kind = notes.u32(at + 8)?;
        let name = at + 12;
        // Names and contents are padded to four bytes. Sizes are below 2^32: no overflow.
        let content = name + name_size.next_multiple_of(4);
        if kind == NT_GNU_BUILD_ID && notes.bytes.get(name..name + name_size)? == b"GNU\0" {
            let id = notes.bytes.get(content..content + size)?;
            return (!id.is_empty()).then(|| id.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        at = content + size.next_multiple_of(4);
    }
}

/// Integers in bytes.
struct Words<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Words<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn u64(&self, at: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeMemory;

    const BIAS: u64 = 0x5555_0000_0000;

    fn header(kind: u32, address: u64, size: u64) -> Vec<u8> {
        let mut header = vec![0; HEADER_SIZE as usize];
        header[..4].copy_from_slice(&kind.to_le_bytes());
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

    fn vector(headers: u64) -> AuxiliaryVector {
        AuxiliaryVector::new(HashMap::from([
            (AT_PHDR, BIAS + 0x40),
            (AT_PHENT, HEADER_SIZE),
            (AT_PHNUM, headers),
            (AT_ENTRY, BIAS + 0x1000),
        ]))
    }

    fn process(notes: &[u8]) -> FakeMemory {
        let table = [
            header(PT_PHDR, 0x40, 3 * HEADER_SIZE),
            header(1, 0, 0x2000),
            header(PT_NOTE, 0x300, notes.len() as u64),
        ];
        FakeMemory::new().with(BIAS + 0x40, table.concat()).with(BIAS + 0x300, notes)
    }

    fn build_id(headers: u64, memory: &FakeMemory) -> Option<String> {
        vector(headers).program_headers()?.build_id(memory, false, None)
    }

    #[test]
    fn finds_the_build_id_among_other_notes() {
        let notes =
            [note(1, b"GNU\0", &[1; 16]), note(3, b"Go\0", b"x"), note(3, b"GNU\0", &[0xab, 0xc])];
        let mut memory = process(&notes.concat());
        assert_eq!(build_id(3, &memory).as_deref(), Some("ab0c"));
        assert_eq!(vector(3).entry(), Some(BIAS + 0x1000));

        let mut header = vec![0; FILE_HEADER_SIZE];
        header[..5].copy_from_slice(b"\x7fELF\x02");
        header[32..40].copy_from_slice(&0x40u64.to_le_bytes());
        header[54..56].copy_from_slice(&(HEADER_SIZE as u16).to_le_bytes());
        header[56..58].copy_from_slice(&3u16.to_le_bytes());
        memory.put(BIAS, header);
        let found = ProgramHeaders::of(BIAS, &memory, false).expect("an ELF header");
        assert_eq!(found.build_id(&memory, false, None).as_deref(), Some("ab0c"));
        assert!(ProgramHeaders::of(BIAS + 8, &memory, false).is_none());
    }

    #[test]
    fn nothing_is_made_of_broken_notes() {
        let whole = note(3, b"GNU\0", &[7; 20]);
        for length in 0..whole.len() {
            assert_eq!(build_id(3, &process(&whole[..length])), None, "{length}");
        }
        let mut huge = whole.clone();
        huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(build_id(3, &process(&huge)), None);
        assert_eq!(build_id(u64::MAX, &process(&whole)), None);
        assert_eq!(build_id(3, &FakeMemory::new()), None);
        assert!(AuxiliaryVector::new(HashMap::new()).program_headers().is_none());
    }
}
