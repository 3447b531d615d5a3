//! The format of numbers in memory: the width of pointers and the byte order.

use super::{MemoryReader, ReadError};

/// The width of a pointer and the byte order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WordFormat {
    /// Bytes of a pointer, 8 at most.
    pub pointer_size: u8,
    /// Whether the first byte is the most significant one.
    pub big_endian: bool,
}

impl WordFormat {
    /// The unsigned number in these bytes; of more than eight, in the first eight.
    #[must_use]
    pub fn number(self, bytes: &[u8]) -> u64 {
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        let bytes = bytes.iter().take(8);
        if self.big_endian { bytes.fold(0, join) } else { bytes.rev().fold(0, join) }
    }

    /// The number of `size` bytes (8 at most) at `at`; `None` when the bytes end before it does.
    #[must_use]
    pub fn number_at(self, bytes: &[u8], at: usize, size: u8) -> Option<u64> {
        let end = at.checked_add(usize::from(size))?;
        bytes.get(at..end).map(|bytes| self.number(bytes))
    }

    /// The pointer at `at`; `None` when the bytes end before it does.
    #[must_use]
    pub fn pointer_at(self, bytes: &[u8], at: usize) -> Option<u64> {
        self.number_at(bytes, at, self.pointer_size)
    }

    /// The pointers in these bytes, one after the other; a rest that is none is left out.
    pub fn pointers(self, bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
        bytes.chunks_exact(self.pointer_bytes().max(1)).map(move |bytes| self.number(bytes))
    }

    /// The number of `size` bytes (8 at most) at an address of the process.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(self, memory: &dyn MemoryReader, address: u64, size: u8) -> Result<u64, ReadError> {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..usize::from(size.min(8))];
        memory.read(address, bytes)?;
        Ok(self.number(bytes))
    }

    /// The pointer at an address of the process.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_pointer(self, memory: &dyn MemoryReader, address: u64) -> Result<u64, ReadError> {
        self.read(memory, address, self.pointer_size)
    }

    /// The address so many pointers further on, or back, modulo 2^64.
    #[must_use]
    pub fn step(self, address: u64, pointers: i64) -> u64 {
        address.wrapping_add_signed(pointers.wrapping_mul(self.pointer_size.into()))
    }

    /// The largest pointer: all its bits are ones.
    #[must_use]
    pub fn largest_pointer(self) -> u64 {
        self.number(&[0xff; 8][..self.pointer_bytes().min(8)])
    }

    /// Bytes of so many pointers in a row, modulo 2^64.
    #[must_use]
    pub fn pointers_size(self, count: u64) -> u64 {
        count.wrapping_mul(self.pointer_size.into())
    }

    /// Bytes of a pointer.
    #[must_use]
    pub fn pointer_bytes(self) -> usize {
        self.pointer_size.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeMemory;

    #[test]
    fn numbers_have_an_order_and_a_width() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        let little = WordFormat { pointer_size: 8, big_endian: false };
        let big = WordFormat { pointer_size: 4, big_endian: true };
        assert_eq!(little.number(&bytes), 0x0807_0605_0403_0201, "eight bytes at most");
        assert_eq!(big.number(&[]), 0);
        assert_eq!(big.pointer_at(&bytes, 1), Some(0x0203_0405));
        assert_eq!(little.pointer_at(&bytes, 2), None);
        assert_eq!(little.pointer_at(&bytes, usize::MAX), None);
        assert_eq!(big.pointers(&bytes).collect::<Vec<_>>(), [0x0102_0304, 0x0506_0708]);
        assert_eq!(big.pointers_size(u64::MAX), u64::MAX - 3);
        assert_eq!((little.step(0x1000, -1), big.step(2, i64::MIN)), (0xff8, 2));
        assert_eq!((little.largest_pointer(), big.largest_pointer()), (u64::MAX, 0xffff_ffff));
        let memory = FakeMemory::new().with(0x1000, bytes);
        assert_eq!(big.read_pointer(&memory, 0x1001), Ok(0x0203_0405));
        assert_eq!(little.read(&memory, 0x1000, 2), Ok(0x0201));
        assert!(little.read_pointer(&memory, 0x1002).is_err());
    }
}
