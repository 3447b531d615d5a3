//! What a stopped process and a core file have in common, once they are open.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use runtime_layouts::memory::cache::PageCache;
use runtime_layouts::memory::{MemoryReader, ReadError};
use runtime_layouts::target::{Identity, Module, NativeFrame, Target, Thread};

use crate::unwind::{Registers, Unwinder};

/// A process at one moment.
pub(crate) struct Snapshot<M> {
    pub(crate) memory: PageCache<Counted<M>>,
    pub(crate) identity: Identity,
    pub(crate) modules: Vec<Module>,
    pub(crate) threads: Vec<Thread>,
    /// Of each thread, in the same order; none where they are not known.
    pub(crate) registers: Vec<Registers>,
    pub(crate) unwinder: Unwinder,
    pub(crate) interrupted: Arc<AtomicBool>,
}

impl<M: MemoryReader> Target for Snapshot<M> {
    fn memory(&self) -> &dyn MemoryReader {
        &self.memory
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn modules(&self) -> &[Module] {
        &self.modules
    }

    fn threads(&self) -> &[Thread] {
        &self.threads
    }

    fn native_frames(&self, thread: &Thread, limit: usize) -> Vec<NativeFrame> {
        let index = self.threads.iter().position(|known| known.tid == thread.tid);
        let registers = index.and_then(|index| self.registers.get(index));
        registers
            .map_or_else(Vec::new, |registers| self.unwinder.frames(registers, &self.memory, limit))
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// Ranges in the order of their addresses, with those joined that touch.
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

/// Counts and remembers what a reader is asked for.
pub(crate) struct Counted<M> {
    reader: M,
    bytes: AtomicU64,
    /// Where each read began, and the furthest that one from there reached.
    ranges: Mutex<BTreeMap<u64, u64>>,
}

impl<M> Counted<M> {
    pub(crate) fn new(reader: M) -> Self {
        Self { reader, bytes: AtomicU64::new(0), ranges: Mutex::default() }
    }

    /// What it reads from.
    pub(crate) fn reader(&self) -> &M {
        &self.reader
    }

    /// The ranges that were asked for so far, by address; neighbours are one.
    pub(crate) fn ranges(&self) -> Vec<Range<u64>> {
        let ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        joined(ranges.iter().map(|(start, end)| *start..*end))
    }

    /// Bytes that were read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl<M: MemoryReader> MemoryReader for Counted<M> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let end = address.saturating_add(buffer.len() as u64);
        let mut ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ranges.entry(address).or_insert(end);
        *known = end.max(*known);
        drop(ranges);
        self.reader.read(address, buffer)?;
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime_layouts::fake::FakeMemory;

    #[test]
    fn remembers_what_was_read() {
        let memory = Counted::new(FakeMemory::new().with(0x1000, vec![0; 0x3000]));
        let mut buffer = [0; 0x1000];
        for address in [0x2000, 0x1000, 0x8000, 0x1000] {
            let _ = memory.read(address, &mut buffer);
        }
        assert_eq!(memory.ranges(), [0x1000..0x3000, 0x8000..0x9000]);
        assert_eq!(memory.bytes(), 0x3000, "what failed does not count");
    }
}
