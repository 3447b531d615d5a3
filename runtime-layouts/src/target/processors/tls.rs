//! Addresses of thread-local variables.

use super::{Processor, TlsVariant};
use crate::layout::StaticAddress;
use crate::layout::source::{TlsModule, TlsSegment};
use crate::memory::{MemoryReader, ReadError};

/// Further from the thread pointer than this no loader puts storage that is made with the thread.
const MAX_DISTANT: u64 = 1 << 20;

/// Where threads have their copies of a library's thread-local storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LibraryStorage {
    /// Wherever the entry with this number of the thread's own table says.
    InTable(u64),
    /// So many bytes from the thread pointer, modulo 2^64: the loader had room there.
    AtDistance(u64),
}

impl Processor {
    /// The address of a thread-local of the executable in one thread, `offset` bytes into the TLS
    /// segment; `None` when the segment is not a possible one.
    ///
    /// The rounding is glibc's (`elf/dl-tls.c`, `_dl_determine_tlsoffset`): a block keeps its
    /// segment's distance from a multiple of the alignment.
    #[must_use]
    pub fn thread_local_address(
        &self,
        segment: TlsSegment,
        thread_pointer: u64,
        offset: u64,
    ) -> Option<u64> {
        let TlsSegment { address, size, align } = segment;
        let align = align.max(1);
        if !align.is_power_of_two() {
            return None;
        }
        let first = address & (align - 1);
        let start = match self.storage.variant {
            TlsVariant::Before => {
                let lead = first.wrapping_neg() & (align - 1);
                let block = size.saturating_sub(lead).checked_next_multiple_of(align)?;
                thread_pointer.wrapping_sub(block.wrapping_add(lead))
            }
            TlsVariant::After { header } => {
                let lead = header.saturating_sub(first).checked_next_multiple_of(align)?;
                thread_pointer.wrapping_add(lead.wrapping_add(first))
            }
        };
        Some(start.wrapping_add(offset))
    }

    /// Where threads have their copies of a library's thread-local storage, as the loader stored it in
    /// the library; `None` when it did not, or in another way than is known here.
    ///
    /// A descriptor is a function and its argument. The argument is either the distance from the
    /// thread pointer to the variable, or points at the storage's number and the distance from there
    /// to the variable: `struct tlsdesc` and `struct tlsdesc_dynamic_arg` of glibc (2.36,
    /// `sysdeps/aarch64/dl-tlsdesc.h`), the same in musl (1.2.3, `ldso/dynlink.c`, `do_relocs`).
    /// Which of the two it is, the function says to who knows it; here what the argument leads to.
    ///
    /// # Errors
    /// When what the loader stored cannot be read.
    pub fn library_storage(
        &self,
        memory: &dyn MemoryReader,
        stored: TlsModule,
        load_bias: u64,
    ) -> Result<Option<LibraryStorage>, ReadError> {
        let words = self.words;
        let live = |address: StaticAddress| load_bias.wrapping_add(address.0);
        let (place, offset) = match stored {
            TlsModule::Number(place) => {
                let number = words.read_pointer(memory, live(place))?;
                return Ok(Some(LibraryStorage::InTable(number)));
            }
            TlsModule::Descriptor { place, offset } => (live(place), offset),
        };
        let function = words.read_pointer(memory, place)?;
        let argument = words.read_pointer(memory, words.step(place, 1))?;
        if function == 0 {
            return Ok(None);
        }
        if let Ok(number) = words.read_pointer(memory, argument) {
            let own = words.read_pointer(memory, words.step(argument, 1))?;
            let is_own = number != 0 && own == offset;
            return Ok(is_own.then_some(LibraryStorage::InTable(number)));
        }
        let (distance, is_known) = match self.storage.variant {
            TlsVariant::After { .. } => (argument, argument <= MAX_DISTANT),
            TlsVariant::Before => {
                let back = words.largest_pointer().wrapping_sub(argument).wrapping_add(1);
                (back.wrapping_neg(), back <= MAX_DISTANT)
            }
        };
        let distance = distance.wrapping_sub(offset);
        Ok((is_known && argument != 0).then_some(LibraryStorage::AtDistance(distance)))
    }

    /// The address of a thread-local of a library in one thread, `offset` bytes into its TLS
    /// segment. `None` when the thread has not used the library's storage yet.
    ///
    /// The table and its entries are glibc's (2.36, `sysdeps/generic/dl-dtv.h`): two words each,
    /// the first one the address.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn thread_local_of_library(
        &self,
        memory: &dyn MemoryReader,
        storage: LibraryStorage,
        thread_pointer: u64,
        offset: u64,
    ) -> Result<Option<u64>, ReadError> {
        let number = match storage {
            LibraryStorage::InTable(number) => number,
            LibraryStorage::AtDistance(distance) => {
                return Ok(Some(thread_pointer.wrapping_add(distance).wrapping_add(offset)));
            }
        };
        let words = self.words;
        // `TLS_DTV_UNALLOCATED`: a pointer of ones.
        let unallocated = words.largest_pointer();
        let entry = words.pointers_size(2);
        let table =
            words.read_pointer(memory, thread_pointer.wrapping_add_signed(self.storage.modules))?;
        // Before the first entry is how many there are, in it which generation the table is of.
        if number == 0 || number > words.read_pointer(memory, table.wrapping_sub(entry))? {
            return Ok(None);
        }
        let block = words.read_pointer(memory, table.wrapping_add(number.wrapping_mul(entry)))?;
        Ok((block != unallocated && block != 0).then(|| block.wrapping_add(offset)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeMemory;
    use crate::target::processors::ALL;

    fn address(name: &str, segment: (u64, u64, u64), offset: u64) -> Option<u64> {
        let (address, size, align) = segment;
        let segment = TlsSegment { address, size, align };
        let processor = ALL.iter().find(|processor| processor.name == name)?;
        processor.thread_local_address(segment, 0x7000_0000, offset)
    }

    #[test]
    fn the_block_ends_at_the_thread_pointer_on_x86_64() {
        let at = address("x86_64", (0x2c_be90, 0x180, 0x10), 0x30);
        assert_eq!(at, Some(0x7000_0000 - 0x180 + 0x30));
        // A segment that does not start at a multiple of its alignment.
        assert_eq!(address("x86_64", (0x1008, 0x18, 0x10), 0).map(|at| at % 0x10), Some(8));
        assert_eq!(address("x86_64", (0, 8, 3), 0), None, "no alignment");
    }

    #[test]
    fn the_block_follows_the_header_on_aarch64() {
        assert_eq!(address("aarch64", (0x1000, 0x100, 0x20), 8), Some(0x7000_0000 + 0x20 + 8));
    }

    /// Two words of a library at 0x1000, and what they lead to.
    fn stored(name: &str, offset: u64, words: [u64; 2]) -> Option<LibraryStorage> {
        let processor = ALL.iter().find(|processor| processor.name == name)?;
        let bytes =
            |words: &[u64]| words.iter().flat_map(|it| it.to_le_bytes()).collect::<Vec<_>>();
        let memory = FakeMemory::new()
            .with(0x1010, bytes(&words))
            .with(0x8000, bytes(&[3, 0x40]))
            .with(0x9000, bytes(&[0, 0x40]));
        let descriptor = TlsModule::Descriptor { place: StaticAddress(0x10), offset };
        processor.library_storage(&memory, descriptor, 0x1000).expect("readable")
    }

    #[test]
    fn a_descriptor_leads_to_the_table_or_to_the_thread_pointer() {
        let function = 0x7000_0000;
        for name in ["x86_64", "aarch64"] {
            let in_table = Some(LibraryStorage::InTable(3));
            assert_eq!(stored(name, 0x40, [function, 0x8000]), in_table, "{name}");
            assert_eq!(stored(name, 0x40, [0, 0x8000]), None, "the loader was not there yet");
            let far = 0x7f00_0000_8000;
            assert_eq!(stored(name, 0x40, [function, far]), None, "nothing is known there");
            assert_eq!(stored(name, 0x40, [function, 0]), None);
        }
        assert_eq!(stored("aarch64", 0x48, [function, 0x8000]), None, "of another variable");
        assert_eq!(stored("aarch64", 0x40, [function, 0x9000]), None, "of no library");
        let distance = |bytes| Some(LibraryStorage::AtDistance(bytes));
        assert_eq!(stored("aarch64", 0x40, [function, 0x200]), distance(0x200 - 0x40));
        let before = 0x200_u64.wrapping_neg();
        assert_eq!(stored("x86_64", 0x40, [function, before]), distance(0x240_u64.wrapping_neg()));
        assert_eq!(stored("aarch64", 0x40, [function, before]), None, "the other side");
        assert_eq!(stored("x86_64", 0x40, [function, 0x200]), None, "the other side");
    }

    #[test]
    fn storage_at_a_distance_is_every_threads() {
        let processor = ALL.iter().find(|processor| processor.name == "x86_64").expect("known");
        let storage = LibraryStorage::AtDistance(0x240_u64.wrapping_neg());
        let at = processor.thread_local_of_library(&FakeMemory::new(), storage, 0x7000, 0x40);
        assert_eq!(at, Ok(Some(0x7000 - 0x200)));
    }

    #[test]
    fn impossible_segments_do_no_harm() {
        for name in ["x86_64", "aarch64"] {
            for align in [0, 1, 1 << 63, u64::MAX] {
                for size in [0, 1 << 63, u64::MAX] {
                    let _ = address(name, (u64::MAX, size, align), u64::MAX);
                }
            }
        }
    }
}
