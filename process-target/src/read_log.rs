//! A log of what was read from a process, by which a second look can tell whether it has changed.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use runtime_layouts::memory::cache::PAGE;
use runtime_layouts::memory::{MemoryReader, Page, ReadError};
use rustc_hash::FxBuildHasher;

/// `ranges`, which must be sorted by their starts, with those merged that touch.
pub(crate) fn joined(ranges: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut all: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match all.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

/// Records which ranges were read, and a hash of what was there.
pub(crate) struct RecordingReader<M> {
    reader: M,
    bytes: AtomicU64,
    /// By where each read began.
    reads: Mutex<BTreeMap<u64, Read>>,
    /// Whether something was read twice and was not the same.
    has_changed: AtomicBool,
}

/// What was read from one address.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Read {
    /// The furthest that was read.
    end: u64,
    /// Of the bytes; `None` when they could not be read.
    hash: Option<u64>,
}

/// A range of memory, and what was there.
#[derive(Clone, Debug)]
pub(crate) struct ReadRange {
    pub(crate) range: Range<u64>,
    /// Of the bytes; `None` when they could not be read.
    hash: Option<u64>,
}

impl ReadRange {
    /// Whether it could be read.
    pub(crate) fn was_there(&self) -> bool {
        self.hash.is_some()
    }

    /// Whether this is there now, or still nothing that can be read.
    pub(crate) fn is(&self, now: Option<&[u8]>) -> bool {
        now.map(hash) == self.hash
    }
}

fn hash(bytes: &[u8]) -> u64 {
    FxBuildHasher.hash_one(bytes)
}

impl<M> RecordingReader<M> {
    pub(crate) fn new(reader: M) -> Self {
        Self {
            reader,
            bytes: AtomicU64::new(0),
            reads: Mutex::default(),
            has_changed: AtomicBool::new(false),
        }
    }

    /// What it reads from.
    pub(crate) fn reader(&self) -> &M {
        &self.reader
    }

    /// The ranges that were asked for so far, by address; neighbours are one.
    pub(crate) fn ranges(&self) -> Vec<Range<u64>> {
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        joined(reads.iter().map(|(start, read)| *start..read.end))
    }

    /// Bytes that were read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What was read, by address; `None` when something was read twice and was not the same.
    pub(crate) fn seen(&self) -> Option<Vec<ReadRange>> {
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let seen =
            |(start, read): (&u64, &Read)| ReadRange { range: *start..read.end, hash: read.hash };
        (!self.has_changed.load(Ordering::Relaxed)).then(|| reads.iter().map(seen).collect())
    }

    /// Notes what was there, page by page: a page may be read alone another time.
    fn note<'b>(&self, address: u64, pages: impl Iterator<Item = &'b [u8]>) {
        let read = |(start, page): (u64, &[u8])| {
            let end = start.saturating_add(page.len() as u64);
            (start, Read { end, hash: Some(hash(page)) })
        };
        let starts = (0..).map(|page: u64| address.wrapping_add(page.wrapping_mul(PAGE as u64)));
        self.remember(pages.zip(starts).map(|(page, start)| read((start, page))).collect());
    }

    /// Remembers reads of one call. Threads that fetch pages contend for this lock, so callers hash
    /// before they take it.
    fn remember(&self, new: Vec<(u64, Read)>) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        for (address, read) in new {
            let known = *reads.entry(address).or_insert(read);
            if known != read {
                // What was read with another length cannot be compared.
                self.has_changed.store(true, Ordering::Relaxed);
                let end = known.end.max(read.end);
                reads.insert(address, Read { end, ..read });
            }
        }
    }
}

impl<M: MemoryReader> MemoryReader for RecordingReader<M> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let result = self.reader.read(address, buffer);
        match result {
            Ok(()) => {
                self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
                self.note(address, buffer.chunks(PAGE));
            }
            Err(_) => {
                let end = address.saturating_add(buffer.len() as u64);
                self.remember(vec![(address, Read { end, hash: None })]);
            }
        }
        result
    }

    fn read_ahead(&self, address: u64, pages: &mut [&mut Page]) -> Result<(), ReadError> {
        self.reader.read_ahead(address, pages)?;
        self.bytes.fetch_add((pages.len() * PAGE) as u64, Ordering::Relaxed);
        self.note(address, pages.iter().map(|page| &page[..]));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_layouts::fake::FakeMemory;

    #[test]
    fn remembers_what_was_read() {
        let memory = RecordingReader::new(FakeMemory::new().with(0x1000, vec![0; 0x3000]));
        let mut buffer = [0; 0x1000];
        for address in [0x2000, 0x1000, 0x8000, 0x1000] {
            let _ = memory.read(address, &mut buffer);
        }
        assert_eq!(memory.ranges(), [0x1000..0x3000, 0x8000..0x9000]);
        assert_eq!(memory.bytes(), 0x3000, "what failed does not count");
    }

    #[test]
    fn knows_whether_what_was_read_is_still_there() {
        let there = |byte: u8| FakeMemory::new().with(0x1000, vec![byte; 0x2000]);
        let memory = RecordingReader::new(there(1));
        let mut buffer = [0; 0x1000];
        for address in [0x1000, 0x2000, 0x9000, 0x1000] {
            let _ = memory.read(address, &mut buffer);
        }
        let same_in = |other: &FakeMemory| {
            let seen = memory.seen();
            seen.is_some_and(|seen| {
                seen.iter().all(|seen| {
                    let mut now = vec![0; (seen.range.end - seen.range.start) as usize];
                    let read = other.read(seen.range.start, &mut now);
                    seen.is(read.is_ok().then_some(&now))
                })
            })
        };
        assert!(same_in(&there(1)));
        assert!(!same_in(&there(2)));
        assert!(!same_in(&there(1).with(0x9000, vec![0; 0x1000])), "it is there now");
        let _ = memory.read(0x1000, &mut buffer[..8]);
        assert!(!same_in(&there(1)), "another length cannot be compared");
    }
}
