//! Memory made by hand, for tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::memory::{MemoryReader, ReadError, end_of};

/// Memory made of segments. What no segment covers cannot be read, nor can holes.
#[derive(Default, Debug)]
pub struct FakeMemory {
    /// By start address. A later segment lies over an earlier one.
    bytes: BTreeMap<u64, Vec<u8>>,
    /// Start and last address of each hole.
    holes: Vec<(u64, u64)>,
    reads: AtomicUsize,
}

impl FakeMemory {
    /// Memory of which nothing can be read.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same memory with these bytes from `address` on, as [`FakeMemory::put`] does it.
    #[must_use]
    pub fn with(mut self, address: u64, bytes: impl Into<Vec<u8>>) -> Self {
        self.put(address, bytes);
        self
    }

    /// The same memory with `length` bytes that cannot be read.
    #[must_use]
    pub fn with_hole(mut self, address: u64, length: u64) -> Self {
        self.hole(address, length);
        self
    }

    /// Puts bytes at `address`, over what was there.
    ///
    /// # Panics
    /// When they reach beyond the end of the address space.
    pub fn put(&mut self, address: u64, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        assert!(end_of(address, bytes.len()).is_some(), "beyond the end of the address space");
        let Some(last) = last_of(address, bytes.len()) else { return };
        // Cut what lies under the new segment: its left and right remains stay.
        let under: Vec<u64> = self
            .bytes
            .range(..=last)
            .rev()
            .take_while(|(start, old)| last_of(**start, old.len()).is_some_and(|l| l >= address))
            .map(|(start, _)| *start)
            .collect();
        for start in under {
            let Some(mut old) = self.bytes.remove(&start) else { continue };
            if last_of(start, old.len()).is_some_and(|old_last| old_last > last) {
                let right = old.split_off((last - start) as usize + 1);
                self.bytes.insert(last + 1, right);
            }
            if start < address {
                old.truncate((address - start) as usize);
                self.bytes.insert(start, old);
            }
        }
        self.bytes.insert(address, bytes);
    }

    /// Puts a little-endian word of eight bytes at `address`.
    ///
    /// # Panics
    /// As [`FakeMemory::put`].
    pub fn put_u64(&mut self, address: u64, value: u64) {
        self.put(address, value.to_le_bytes());
    }

    /// Makes `length` bytes unreadable, whatever is or will be put there.
    pub fn hole(&mut self, address: u64, length: u64) {
        if length > 0 {
            self.holes.push((address, address.saturating_add(length - 1)));
        }
    }

    /// How often it was read, with or without success.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

/// The last address of a segment; `None` when it is empty.
fn last_of(address: u64, length: usize) -> Option<u64> {
    (length as u64).checked_sub(1).and_then(|more| address.checked_add(more))
}

impl MemoryReader for FakeMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let error = ReadError { address, length: buffer.len() };
        end_of(address, buffer.len()).ok_or(error)?;
        let Some(last) = last_of(address, buffer.len()) else { return Ok(()) };
        if self.holes.iter().any(|(start, end)| *start <= last && address <= *end) {
            return Err(error);
        }
        let mut done = 0;
        while done < buffer.len() {
            let at = address + done as u64;
            let (start, segment) = self.bytes.range(..=at).next_back().ok_or(error)?;
            let rest =
                segment.get((at - start) as usize..).filter(|r| !r.is_empty()).ok_or(error)?;
            let length = rest.len().min(buffer.len() - done);
            buffer[done..done + length].copy_from_slice(&rest[..length]);
            done += length;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(memory: &FakeMemory, address: u64, length: usize) -> Option<Vec<u8>> {
        let mut buffer = vec![0xee; length];
        memory.read(address, &mut buffer).is_ok().then_some(buffer)
    }

    #[test]
    fn joins_segments_and_stops_where_they_end() {
        let memory = FakeMemory::new().with(0x10, [1, 2]).with(0x12, [3, 4]).with(0x20, [5]);
        assert_eq!(read(&memory, 0x10, 4), Some(vec![1, 2, 3, 4]));
        assert_eq!(read(&memory, 0x11, 2), Some(vec![2, 3]));
        assert_eq!(read(&memory, 0x0f, 2), None);
        assert_eq!(read(&memory, 0x13, 2), None);
        assert_eq!(read(&memory, 0x20, 1), Some(vec![5]));
        assert_eq!(read(&memory, 0x30, 0), Some(vec![]));
    }

    #[test]
    fn later_bytes_lie_over_earlier_ones() {
        let memory = FakeMemory::new().with(0x10, [1; 6]).with(0x12, [2, 2]);
        assert_eq!(read(&memory, 0x10, 6), Some(vec![1, 1, 2, 2, 1, 1]));
        let memory = memory.with(0x0f, [3; 9]);
        assert_eq!(read(&memory, 0x0f, 9), Some(vec![3; 9]));
    }

    #[test]
    fn holes_win() {
        let memory = FakeMemory::new().with_hole(0x12, 2).with(0x10, [1; 6]);
        assert_eq!(read(&memory, 0x10, 2), Some(vec![1, 1]));
        assert_eq!(read(&memory, 0x11, 2), None);
        assert_eq!(read(&memory, 0x13, 1), None);
        assert_eq!(read(&memory, 0x14, 2), Some(vec![1, 1]));
    }

    #[test]
    fn reaches_to_the_end_of_the_address_space_and_not_beyond() {
        let memory = FakeMemory::new().with(u64::MAX - 1, [1, 2]);
        assert_eq!(read(&memory, u64::MAX - 1, 2), Some(vec![1, 2]));
        assert_eq!(read(&memory, u64::MAX, 2), None);
        assert_eq!(read(&memory.with_hole(u64::MAX, 10), u64::MAX, 1), None);
    }
}
