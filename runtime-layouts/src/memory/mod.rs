//! Reading the memory of the stopped process, whatever provides it.

pub mod cache;
pub mod word_format;

use std::sync::Arc;

use self::cache::PAGE;

/// The bytes of a page.
pub type Page = [u8; PAGE];

/// Bytes that could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot read {length} bytes at {address:#x}")]
pub struct ReadError {
    /// The first address of the read.
    pub address: u64,
    /// Its length in bytes.
    pub length: usize,
}

/// Reads the memory of one process or core file.
pub trait MemoryReader: Send + Sync {
    /// Fills `buffer` from `address` on, wholly or not at all.
    ///
    /// # Errors
    /// When any byte of the range cannot be read; `buffer` then holds nothing of use.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError>;

    /// The same for pages in a row that nobody asked for yet, but probably will: that they cannot
    /// be read says nothing.
    ///
    /// # Errors
    /// Those of [`MemoryReader::read`].
    fn read_ahead(&self, address: u64, pages: &mut [&mut Page]) -> Result<(), ReadError> {
        let mut all = vec![0; pages.len() * PAGE];
        self.read(address, &mut all)?;
        for (page, bytes) in pages.iter_mut().zip(all.chunks_exact(PAGE)) {
            page.copy_from_slice(bytes);
        }
        Ok(())
    }

    /// The page of that number: the bytes from so many times [`PAGE`] on. `None` when it cannot be
    /// read whole.
    fn page(&self, number: u64) -> Option<Arc<Page>> {
        let mut page = Arc::new([0; PAGE]);
        let bytes = Arc::make_mut(&mut page);
        self.read(number.checked_mul(PAGE as u64)?, bytes).ok().map(|()| page)
    }
}

impl<M: MemoryReader + ?Sized> MemoryReader for &M {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        (**self).read(address, buffer)
    }

    fn read_ahead(&self, address: u64, pages: &mut [&mut Page]) -> Result<(), ReadError> {
        (**self).read_ahead(address, pages)
    }

    fn page(&self, number: u64) -> Option<Arc<Page>> {
        (**self).page(number)
    }
}

impl<M: MemoryReader + ?Sized> MemoryReader for Box<M> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        (**self).read(address, buffer)
    }

    fn read_ahead(&self, address: u64, pages: &mut [&mut Page]) -> Result<(), ReadError> {
        (**self).read_ahead(address, pages)
    }

    fn page(&self, number: u64) -> Option<Arc<Page>> {
        (**self).page(number)
    }
}

/// Where a range ends: 2^64 for one that ends with the address space. `None` when it would reach
/// beyond.
#[must_use]
pub fn end_of(address: u64, length: usize) -> Option<u128> {
    let end = u128::from(address) + length as u128;
    (end <= 1 << 64).then_some(end)
}
