//! The bytes of an object file and of its decompressed sections, shared without copying.
//!
//! This is the one file of the crate with `unsafe`: the memory map, and the promise to gimli that
//! shared bytes do not move.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

/// A range of bytes that lives as long as anyone holds it.
#[derive(Clone)]
pub(crate) struct SharedBytes {
    owner: Arc<Owner>,
    range: Range<usize>,
}

enum Owner {
    Mapped(memmap2::Mmap),
    Heap(Vec<u8>),
}

impl SharedBytes {
    /// Maps a whole file.
    pub(crate) fn map(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length == 0 {
            return Ok(Self::from(Vec::new()));
        }
        // SAFETY: the map is private and read-only. A file that another process truncates while it
        // is mapped raises SIGBUS; gdb, perf and addr2line accept the same for executables, which
        // the kernel and the linker replace rather than overwrite.
        let map = unsafe { memmap2::Mmap::map(&file)? };
        let range = 0..map.len();
        Ok(SharedBytes { owner: Arc::new(Owner::Mapped(map)), range })
    }

    /// The part of these bytes at `range`, which must lie within them; empty if it does not.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        let length = self.len();
        let range = if range.start <= range.end && range.end <= length { range } else { 0..0 };
        let start = self.range.start + range.start;
        SharedBytes { owner: Arc::clone(&self.owner), range: start..start + range.len() }
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        SharedBytes { owner: Arc::new(Owner::Heap(bytes)), range }
    }
}

impl Default for SharedBytes {
    fn default() -> Self {
        Self::from(Vec::new())
    }
}

impl Deref for SharedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &*self.owner {
            Owner::Mapped(map) => &map[self.range.clone()],
            Owner::Heap(bytes) => &bytes[self.range.clone()],
        }
    }
}

impl std::fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SharedBytes({} bytes)", self.len())
    }
}

// SAFETY: the owner is behind an `Arc` and never changed, so moving or cloning a `SharedBytes`
// leaves the address of its bytes as it was.
unsafe impl gimli::StableDeref for SharedBytes {}
// SAFETY: a clone shares the owner, so it dereferences to the same address.
unsafe impl gimli::CloneStableDeref for SharedBytes {}
