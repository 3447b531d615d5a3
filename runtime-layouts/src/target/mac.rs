//! What a process on a Mac shows: which build a Mach-O file in memory is of, and where its threads
//! keep their thread-local variables.
//!
//! **Not yet tried on a Mac**: `docs/mac.md`. Sources: `<mach-o/loader.h>`; dyld 1284,
//! `libdyld/ThreadLocalVariables.h` and `threadLocalHelpers.s` (`_tlv_get_addr`), and dyld 852,
//! `src/threadLocalVariables.c`, for the descriptors of older systems.

use crate::layout::source::{ObjectFacts, TlsModule};
use crate::memory::word_format::WordFormat;
use crate::memory::{MemoryReader, ReadError};

/// What a debugger calls the address of a thread's array of values, which each key is an index of:
/// the item of that name in `SBThread.GetInfoItemByPathAsString` (debugserver,
/// `jThreadExtendedInfo`).
pub const THREAD_VALUES: &str = "tsd_address";

/// `MH_MAGIC_64`, in the byte order of every Mac that is supported.
const MAGIC: [u8; 4] = [0xcf, 0xfa, 0xed, 0xfe];
/// Bytes of `struct mach_header_64`, and where in it the number of load commands and their bytes are.
const HEADER: usize = 32;
const COMMANDS: usize = 16;
const COMMANDS_SIZE: usize = 20;
/// `LC_UUID`, behind whose type and size are the bytes.
const LC_UUID: u32 = 0x1b;
/// More load commands than any file has are not believed.
const MAX_COMMANDS: u32 = 10_000;
const LONGEST_COMMANDS: u32 = 1 << 20;
/// No process has more keys: `PTHREAD_KEYS_MAX`, and those of the system (libpthread 519,
/// `src/tsd/tsd_private.h`), generously.
const MAX_KEYS: u32 = 4096;

/// The UUID of the Mach-O file whose header is at this address, in hexadecimal; `None` when none is
/// there.
#[must_use]
pub fn uuid(header: u64, memory: &dyn MemoryReader) -> Option<String> {
    let mut bytes = [0; HEADER];
    memory.read(header, &mut bytes).ok()?;
    let word = |bytes: &[u8], at: usize| {
        bytes.get(at..)?.first_chunk::<4>().map(|word| u32::from_le_bytes(*word))
    };
    let count = word(&bytes, COMMANDS)?.min(MAX_COMMANDS);
    let size = word(&bytes, COMMANDS_SIZE)?;
    if bytes[..4] != MAGIC || size > LONGEST_COMMANDS {
        return None;
    }
    let mut commands = vec![0; size as usize];
    memory.read(header.wrapping_add(HEADER as u64), &mut commands).ok()?;
    let mut at = 0_usize;
    for _ in 0..count {
        let (kind, size) = (word(&commands, at)?, word(&commands, at.checked_add(4)?)?);
        if kind == LC_UUID {
            let uuid = commands.get(at + 8..)?.first_chunk::<16>()?;
            return Some(uuid.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        at = at.checked_add(size.max(8) as usize)?;
    }
    None
}

/// The address of a thread-local variable of an object in one thread, whose array of values is at
/// `values`; `distance` is how far into the object's storage the variable is. `None` when the thread
/// has not used the object's storage yet, and when the loader has not given a key to it.
///
/// The key is four bytes since dyld 1284 (macOS 15), and eight before that, of which the upper four
/// were zero.
///
/// # Errors
/// When the key or the array cannot be read.
pub fn thread_local_address(
    memory: &dyn MemoryReader,
    words: WordFormat,
    facts: &ObjectFacts,
    load_bias: u64,
    values: u64,
    distance: u64,
) -> Result<Option<u64>, ReadError> {
    let Some(TlsModule::Number(key)) = facts.tls_module else { return Ok(None) };
    let mut bytes = [0; 4];
    memory.read(load_bias.wrapping_add(key.0), &mut bytes)?;
    let key = u32::from_le_bytes(bytes);
    if key == 0 || key >= MAX_KEYS {
        return Ok(None);
    }
    let value = values.wrapping_add(words.pointers_size(u64::from(key)));
    let block = words.read_pointer(memory, value)?;
    Ok((block != 0).then(|| block.wrapping_add(distance)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory};
    use crate::layout::StaticAddress;
    use crate::layout::source::{LayoutSource, ObjectFormat};

    const WORDS: WordFormat = WordFormat { pointer_size: 8, big_endian: false };

    fn header(commands: &[(u32, &[u8])]) -> Vec<u8> {
        let all: Vec<u8> = commands
            .iter()
            .flat_map(|(kind, bytes)| {
                let size = (bytes.len() as u32 + 8).to_le_bytes();
                [&kind.to_le_bytes()[..], &size, bytes].concat()
            })
            .collect();
        let mut header = MAGIC.to_vec();
        header.resize(COMMANDS, 0);
        header.extend((commands.len() as u32).to_le_bytes());
        header.extend((all.len() as u32).to_le_bytes());
        header.resize(HEADER, 0);
        header.extend(all);
        header
    }

    #[test]
    fn the_header_in_memory_says_which_build_it_is() {
        let at = |bytes: Vec<u8>| uuid(0x1000, &FakeMemory::new().with(0x1000, bytes));
        let found = at(header(&[(0x19, &[1; 64]), (LC_UUID, &[0xa5; 16])]));
        assert_eq!(found, Some("a5".repeat(16)));
        assert_eq!(at(header(&[(0x19, &[1; 64])])), None);
        assert_eq!(at(header(&[(LC_UUID, &[1; 8])])), None, "cut short");
        assert_eq!(at(b"\x7fELF\x02\x01\x01".to_vec()), None);
        let mut endless = header(&[(LC_UUID, &[1; 16])]);
        endless[COMMANDS..COMMANDS + 8].fill(0xff);
        assert_eq!(at(endless), None);
    }

    #[test]
    fn a_key_leads_to_the_storage_of_a_thread() {
        let mut facts = FakeLayouts::new().facts().clone();
        facts.format = ObjectFormat::MachO;
        facts.tls_module = Some(TlsModule::Number(StaticAddress(0x1_0000_4008)));
        let (slide, values) = (0x5000, 0x7000_0000_u64);
        let find = |descriptor: &[u8], value: u64| {
            let memory = FakeMemory::new()
                .with(0x1_0000_9008, descriptor.to_vec())
                .with(values + 8 * 0x103, value.to_le_bytes().to_vec());
            thread_local_address(&memory, WORDS, &facts, slide, values, 0x20)
        };
        let (older, newer) = ([3, 1, 0, 0, 0, 0, 0, 0], [3, 1, 0, 0, 0x20, 0, 0, 0]);
        assert_eq!(find(&older, 0x6000).expect("read"), Some(0x6020));
        assert_eq!(find(&newer, 0x6000).expect("read"), Some(0x6020));
        assert_eq!(find(&newer, 0).expect("read"), None, "not used yet");
        assert_eq!(find(&[0; 8], 0x6000).expect("read"), None, "no key yet");
        assert_eq!(find(&[0xff; 8], 0x6000).expect("read"), None, "no key at all");
        assert!(find(&[4, 1, 0, 0], 0x6000).is_err(), "no such value");
    }
}
