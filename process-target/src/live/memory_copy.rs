//! A copy of parts of a process's memory: later reads of these parts come from it.

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use runtime_layouts::memory::cache::PAGE;
use runtime_layouts::memory::{MemoryReader, Page, ReadError};

use super::memory::LiveMemory;
use crate::read_log::{ReadRange, joined};

/// Pages that are compared at once: what one system call reads.
const BATCH: usize = 256;

/// Where a live target reads from.
pub(super) enum LiveReader {
    /// The process itself.
    Process(LiveMemory),
    /// What was copied of it.
    Copy(MemoryCopy),
}

impl LiveReader {
    /// Whether nothing was asked for that had not been copied.
    pub(super) fn had_all(&self) -> bool {
        match self {
            Self::Process(_) => true,
            Self::Copy(copy) => !copy.missed.load(Ordering::Relaxed),
        }
    }

    /// Whether all of this is there, as it was seen. The process itself is asked by as many threads
    /// as there are processors, since it stands still meanwhile.
    pub(super) fn has_still(&self, all: &[ReadRange]) -> bool {
        let Self::Process(memory) = self else { return all.iter().all(|seen| self.has(seen)) };
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let differs = AtomicBool::new(false);
        thread::scope(|scope| {
            for part in all.chunks(all.len().div_ceil(threads).max(1)) {
                scope.spawn(|| {
                    let mut buffer = Vec::new();
                    for some in part.chunks(BATCH) {
                        if differs.load(Ordering::Relaxed) {
                            return;
                        }
                        if !self.has_batch(memory, some, &mut buffer) {
                            differs.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        !differs.into_inner()
    }

    /// Whether some of it is there, in the order of the addresses. Neighbours are read as one: that
    /// is three times as fast as page by page.
    fn has_batch(&self, memory: &LiveMemory, some: &[ReadRange], buffer: &mut Vec<u8>) -> bool {
        let there = some.iter().filter(|seen| seen.was_there());
        let ranges = joined(there.map(|seen| seen.range.clone()));
        buffer.resize(ranges.iter().map(length).sum(), 0);
        let read = memory.read_ranges(&ranges, buffer);
        let (mut ranges, mut rest) = (&ranges[..read], &buffer[..]);
        some.iter().all(|seen| {
            while let [first, others @ ..] = ranges
                && first.end < seen.range.end
            {
                rest = &rest[length(first)..];
                ranges = others;
            }
            match ranges.first() {
                Some(range) if range.start <= seen.range.start => {
                    let start = length(&(range.start..seen.range.start));
                    seen.is(Some(&rest[start..start + length(&seen.range)]))
                }
                _ => self.has(seen),
            }
        })
    }

    fn has(&self, seen: &ReadRange) -> bool {
        let mut now = vec![0; length(&seen.range)];
        let read = self.read(seen.range.start, &mut now);
        seen.is(read.is_ok().then_some(&now))
    }
}

impl MemoryReader for LiveReader {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        match self {
            Self::Process(memory) => memory.read(address, buffer),
            Self::Copy(copy) => copy.read(address, buffer),
        }
    }

    fn read_ahead(&self, address: u64, pages: &mut [&mut Page]) -> Result<(), ReadError> {
        match self {
            Self::Process(memory) => memory.read_ahead(address, pages),
            Self::Copy(copy) => copy.read_ahead(address, pages),
        }
    }
}

/// What a copy is to hold, with the memory for it, which is had before the process is stopped.
pub(super) struct CopyBuffer {
    ranges: Vec<Range<u64>>,
    bytes: Vec<u8>,
}

impl CopyBuffer {
    /// A buffer for these ranges, which must be in the order of their addresses and apart from each
    /// other.
    pub(super) fn new(ranges: Vec<Range<u64>>) -> Self {
        let total = ranges.iter().map(length).sum();
        // Not zeros: those would be pages that the kernel hands out only while the copy is made.
        Self { ranges, bytes: vec![0xff; total] }
    }
}

/// The copy.
pub(super) struct MemoryCopy {
    /// Ranges that were copied, by address, with where each begins in `bytes`.
    pieces: Vec<(Range<u64>, usize)>,
    bytes: Vec<u8>,
    /// Ranges that were to be copied and cannot be read, by address.
    holes: Vec<Range<u64>>,
    /// Whether something else was asked for.
    missed: AtomicBool,
}

impl MemoryCopy {
    /// Copies the ranges that the buffer is for.
    pub(super) fn new(memory: &LiveMemory, buffer: CopyBuffer) -> Self {
        let CopyBuffer { ranges, bytes } = buffer;
        let mut copy = Self {
            pieces: Vec::with_capacity(ranges.len()),
            bytes,
            holes: Vec::new(),
            missed: AtomicBool::new(false),
        };
        let mut used = 0;
        let mut left = &ranges[..];
        while !left.is_empty() {
            let wanted: usize = left.iter().map(length).sum();
            let read = memory.read_ranges(left, &mut copy.bytes[used..used + wanted]);
            for range in &left[..read] {
                copy.pieces.push((range.clone(), used));
                used += length(range);
            }
            left = &left[read..];
            if let Some((broken, rest)) = left.split_first() {
                used = copy.copy_pages(memory, broken, used);
                left = rest;
            }
        }
        copy
    }

    /// Bytes that were copied.
    pub(super) fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Copies what there is of a range that is not there whole.
    fn copy_pages(&mut self, memory: &LiveMemory, range: &Range<u64>, mut used: usize) -> usize {
        let mut at = range.start;
        while at < range.end {
            let next = (at / PAGE as u64 + 1).saturating_mul(PAGE as u64).min(range.end);
            let part = at..next;
            let bytes = &mut self.bytes[used..used + length(&part)];
            if memory.read(at, bytes).is_ok() {
                match self.pieces.last_mut() {
                    Some((last, _)) if last.end == at => last.end = next,
                    _ => self.pieces.push((part.clone(), used)),
                }
                used += length(&part);
            } else {
                self.holes.push(part);
            }
            at = next;
        }
        used
    }
}

impl MemoryReader for MemoryCopy {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let found = self.copied(address, buffer.len()).inspect_err(|_| {
            let end = address.saturating_add(buffer.len() as u64);
            let hole = self.holes.partition_point(|hole| hole.end <= address);
            if self.holes.get(hole).is_none_or(|hole| hole.start >= end) {
                self.missed.store(true, Ordering::Relaxed);
            }
        });
        buffer.copy_from_slice(found?);
        Ok(())
    }

    fn read_ahead(&self, address: u64, pages: &mut [&mut Page]) -> Result<(), ReadError> {
        let found = self.copied(address, pages.len() * PAGE)?;
        for (page, bytes) in pages.iter_mut().zip(found.chunks_exact(PAGE)) {
            page.copy_from_slice(bytes);
        }
        Ok(())
    }
}

impl MemoryCopy {
    /// What was copied from there.
    fn copied(&self, address: u64, length: usize) -> Result<&[u8], ReadError> {
        let error = ReadError { address, length };
        let end = address.checked_add(length as u64).ok_or(error)?;
        let after = self.pieces.partition_point(|(piece, _)| piece.start <= address);
        let found = self.pieces[..after].last().filter(|(piece, _)| end <= piece.end);
        let (piece, start) = found.ok_or(error)?;
        let start = start + (address - piece.start) as usize;
        Ok(&self.bytes[start..start + length])
    }
}

fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_copied_and_tells_what_was_not() {
        let there: Vec<u8> = (0..50_000u32).map(|i| (i % 251) as u8).collect();
        let start = there.as_ptr() as u64;
        let memory = LiveMemory::open(std::process::id().into()).expect("readable");
        let mut ranges = vec![0x1000..0x3000, start..start + 100, start + 20_000..start + 40_000];
        ranges.sort_by_key(|range| range.start);
        let copy = LiveReader::Copy(MemoryCopy::new(&memory, CopyBuffer::new(ranges)));
        let mut buffer = [0; 50];
        for at in [0, 50, 20_000, 30_000, 39_950] {
            copy.read(start + at, &mut buffer).expect("copied");
            assert_eq!(buffer, there[at as usize..][..50]);
        }
        assert!(copy.read(0x1800, &mut buffer).is_err());
        assert!(copy.had_all(), "what cannot be read was not missed");
        assert!(copy.read(start + 60, &mut buffer).is_err());
        assert!(!copy.had_all());
    }

    #[test]
    fn a_range_with_a_hole_keeps_its_other_pages() {
        // Below the first mapping of a program there is nothing; above it the program begins.
        let maps = std::fs::read_to_string("/proc/self/maps").expect("maps");
        let first = crate::mappings::Mappings::of_proc(&maps);
        let first = first.iter().next().expect("a mapping").start;
        let memory = LiveMemory::open(std::process::id().into()).expect("readable");
        let page = PAGE as u64;
        let around = first - 2 * page..first + page;
        let copy = MemoryCopy::new(&memory, CopyBuffer::new(std::iter::once(around).collect()));
        let mut buffer = [0; 4];
        copy.read(first, &mut buffer).expect("the page that is there");
        assert_eq!(&buffer, b"\x7fELF");
        assert!(copy.read(first - page, &mut buffer).is_err());
        assert!(LiveReader::Copy(copy).had_all());
    }
}
