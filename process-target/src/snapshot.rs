//! What a stopped process and a core file have in common, once they are open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

/// Counts what a reader is asked for.
pub(crate) struct Counted<M> {
    reader: M,
    bytes: AtomicU64,
}

impl<M> Counted<M> {
    pub(crate) fn new(reader: M) -> Self {
        Self { reader, bytes: AtomicU64::new(0) }
    }

    /// Bytes that were read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl<M: MemoryReader> MemoryReader for Counted<M> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        self.reader.read(address, buffer)?;
        self.bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}
