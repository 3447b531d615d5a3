//! Addresses of thread-local variables.

use super::{Processor, TlsVariant};
use crate::layout::source::TlsSegment;
use crate::memory::{MemoryReader, ReadError};

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

    /// The address of a thread-local of a library in one thread, `offset` bytes into its TLS
    /// segment; `module` is the number that the loader gave to it. `None` when the thread has not
    /// used the library's storage yet.
    ///
    /// The table and its entries are glibc's (2.36, `sysdeps/generic/dl-dtv.h`): two words each,
    /// the first one the address.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn thread_local_of_library(
        &self,
        memory: &dyn MemoryReader,
        module: u64,
        thread_pointer: u64,
        offset: u64,
    ) -> Result<Option<u64>, ReadError> {
        let words = self.words;
        // `TLS_DTV_UNALLOCATED`: a pointer of ones.
        let unallocated = words.largest_pointer();
        let entry = words.pointers_size(2);
        let table =
            words.read_pointer(memory, thread_pointer.wrapping_add_signed(self.storage.modules))?;
        // Before the first entry is how many there are, in it which generation the table is of.
        if module == 0 || module > words.read_pointer(memory, table.wrapping_sub(entry))? {
            return Ok(None);
        }
        let block = words.read_pointer(memory, table.wrapping_add(module.wrapping_mul(entry)))?;
        Ok((block != unallocated && block != 0).then(|| block.wrapping_add(offset)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
