//! Numbers in sections that are written anew.

use gimli::{Endianity as _, RunTimeEndian};

/// Reads and writes numbers in a byte order. What is out of range is left alone, and reads as none.
#[derive(Clone, Copy)]
pub(super) struct Words(pub(super) RunTimeEndian);

impl Words {
    /// A number of four bytes.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        bytes.get(at..)?.first_chunk::<4>().map(|word| self.0.read_u32(word))
    }

    /// A number of eight bytes.
    pub(super) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        bytes.get(at..)?.first_chunk::<8>().map(|word| self.0.read_u64(word))
    }

    /// Writes a number of four bytes over what is there.
    pub(super) fn put_u32(self, bytes: &mut [u8], at: usize, value: u32) {
        if let Some(word) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            self.0.write_u32(word, value);
        }
    }

    /// Writes a number of eight bytes over what is there.
    pub(super) fn put_u64(self, bytes: &mut [u8], at: usize, value: u64) {
        if let Some(word) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<8>()) {
            self.0.write_u64(word, value);
        }
    }

    /// Adds to a number of four bytes; the sum has room, as the sections' sizes have.
    pub(super) fn add_u32(self, bytes: &mut [u8], at: usize, by: u64) {
        if let Some(known) = self.u32(bytes, at) {
            self.put_u32(bytes, at, known.wrapping_add(by as u32));
        }
    }

    /// Appends a number of eight bytes.
    pub(super) fn push_u64(self, bytes: &mut Vec<u8>, value: u64) {
        bytes.extend([0; 8]);
        let at = bytes.len() - 8;
        self.put_u64(bytes, at, value);
    }
}

/// Appends an unsigned number of any length (LEB128).
pub(super) fn uleb(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Appends a signed number of any length (LEB128).
pub(super) fn sleb(out: &mut Vec<u8>, mut value: i64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        let is_negative = low & 0x40 != 0;
        if (value == 0 && !is_negative) || (value == -1 && is_negative) {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use gimli::{EndianSlice, Reader as _};

    use super::*;

    #[test]
    fn numbers_of_any_length_are_read_again() {
        for value in [0, 1, 63, 64, 127, 128, 300, u64::MAX] {
            let mut out = Vec::new();
            uleb(&mut out, value);
            assert_eq!(EndianSlice::new(&out, RunTimeEndian::Little).read_uleb128(), Ok(value));
            for value in [value.cast_signed(), value.cast_signed().wrapping_neg()] {
                let mut out = Vec::new();
                sleb(&mut out, value);
                assert_eq!(EndianSlice::new(&out, RunTimeEndian::Little).read_sleb128(), Ok(value));
            }
        }
    }
}
