//! The auxiliary vector: what the kernel passed to the program at its start.

use std::collections::HashMap;

use super::elf_image::{Image, ProgramHeaders};
use crate::memory::MemoryReader;
use crate::memory::word_format::WordFormat;

/// Keys of the auxiliary vector, from `elf.h`.
const AT_NULL: u64 = 0;
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_ENTRY: u64 = 9;
const AT_SYSINFO_EHDR: u64 = 33;

/// Bytes of a program header where pointers have eight, which counts where no size is told.
const WIDE_HEADER: u64 = 56;

/// What the kernel told a program at its start.
#[derive(Clone, Default, Debug)]
pub struct AuxiliaryVector(HashMap<u64, u64>);

impl AuxiliaryVector {
    /// The vector with these entries; an empty one knows nothing.
    #[must_use]
    pub fn new(entries: HashMap<u64, u64>) -> Self {
        Self(entries)
    }

    /// The vector in these bytes, of `/proc/PID/auxv` or of a core file: pairs of a key and a
    /// value, each as wide as a pointer, up to a null.
    #[must_use]
    pub fn parse(bytes: &[u8], words: WordFormat) -> Self {
        let keys = words.pointers(bytes).step_by(2);
        let values = words.pointers(bytes).skip(1).step_by(2);
        Self(keys.zip(values).take_while(|(key, _)| *key != AT_NULL).collect())
    }

    /// The live address of the program's entry point; `None` when unknown.
    #[must_use]
    pub fn entry(&self) -> Option<u64> {
        self.0.get(&AT_ENTRY).copied()
    }

    /// The ELF header of the kernel's own object (the vdso), which no file holds; `None` when there
    /// is none.
    #[must_use]
    pub fn kernel_object(&self) -> Option<u64> {
        self.0.get(&AT_SYSINFO_EHDR).copied()
    }

    /// The executable in memory, without a look at any file; `None` when the vector does not say
    /// where its program headers are. `load_bias` counts where those do not say where they are meant
    /// to be themselves.
    #[must_use]
    pub fn executable(&self, memory: &dyn MemoryReader, load_bias: Option<u64>) -> Option<Image> {
        let headers = ProgramHeaders {
            table: *self.0.get(&AT_PHDR)?,
            count: *self.0.get(&AT_PHNUM)?,
            size: self.0.get(&AT_PHENT).copied().unwrap_or(WIDE_HEADER),
        };
        Image::of_headers(&headers, memory, load_bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_ends_with_null() {
        let wide = WordFormat { pointer_size: 8, big_endian: false };
        let bytes: Vec<u8> =
            [9_u64, 0x1000, 0, 0, 3, 4].iter().flat_map(|word| word.to_le_bytes()).collect();
        let vector = AuxiliaryVector::parse(&bytes, wide);
        assert_eq!((vector.entry(), vector.0.len()), (Some(0x1000), 1));
        let narrow = WordFormat { pointer_size: 4, big_endian: true };
        let bytes: Vec<u8> =
            [33_u32, 0x2000, 9, 7, 3].iter().flat_map(|word| word.to_be_bytes()).collect();
        let vector = AuxiliaryVector::parse(&bytes, narrow);
        assert_eq!((vector.kernel_object(), vector.entry()), (Some(0x2000), Some(7)));
        assert_eq!(vector.0.len(), 2, "a key without a value is none");
        assert_eq!(AuxiliaryVector::parse(&[], wide).entry(), None);
    }
}
