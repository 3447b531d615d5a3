//! What a stopped process and an open core file have in common: a [`Target`] that is read lazily.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtime_layouts::layout::source::KnowledgeText;
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::cache::PageCache;
use runtime_layouts::target::host::Host;
use runtime_layouts::target::processors::Processor;
use runtime_layouts::target::{Identity, Module, NativeFrame, Target, Thread};

use crate::host::LocalHost;
use crate::read_log::RecordingReader;
use crate::unwind::{Registers, Unwinder};

/// A process at one moment.
pub(crate) struct Snapshot<M> {
    pub(crate) memory: PageCache<RecordingReader<M>>,
    pub(crate) identity: Identity,
    pub(crate) modules: Vec<Module>,
    /// The texts that the user gave, and those beside the program.
    pub(crate) knowledge: Vec<KnowledgeText>,
    pub(crate) threads: Vec<Thread>,
    /// Of each thread, in the same order; none where they are not known.
    pub(crate) registers: Vec<Registers>,
    pub(crate) unwinder: Unwinder,
    /// `None` for a core file.
    pub(crate) host: Option<LocalHost>,
    pub(crate) interrupted: Arc<AtomicBool>,
}

impl<M: MemoryReader> Target for Snapshot<M> {
    fn memory(&self) -> &dyn MemoryReader {
        &self.memory
    }

    fn may_be_read_by_threads(&self) -> bool {
        true
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn modules(&self) -> &[Module] {
        &self.modules
    }

    fn knowledge(&self) -> &[KnowledgeText] {
        &self.knowledge
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

    fn processor(&self) -> Option<&'static Processor> {
        Some(self.unwinder.processor())
    }

    fn host(&self) -> Option<&dyn Host> {
        self.host.as_ref().map(|host| host as &dyn Host)
    }
}
