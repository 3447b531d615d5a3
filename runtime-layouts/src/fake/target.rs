//! A process made by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::FakeLayouts;
use super::host::FakeHost;
use super::processor::{NARROW, WIDE};
use crate::layout::source::LayoutSource;
use crate::memory::MemoryReader;
use crate::target::host::{BlockedProcess, Host};
use crate::target::processors::{self, Processor};
use crate::target::{
    Identity, Module, NativeFrame, Target, TargetKind, Thread, processors_of_machine,
};

/// A process with one module, loaded where it was linked, and one thread.
pub struct FakeTarget<M> {
    memory: M,
    identity: Identity,
    modules: Vec<Module>,
    threads: Vec<Thread>,
    processor: Option<&'static Processor>,
    frames: Vec<NativeFrame>,
    host: Option<FakeHost>,
    by_threads: bool,
    parallelism: Option<usize>,
    /// How often it may still be asked whether the user wants to stop, before that is so.
    patience: AtomicU64,
}

impl<M: MemoryReader> FakeTarget<M> {
    /// A process of these layouts and that memory, on the processor that the layouts are for; its thread's pointer is `thread_pointer`.
    pub fn new(layouts: impl LayoutSource + 'static, memory: M, thread_pointer: u64) -> Self {
        let known = [&WIDE, &NARROW].into_iter().find(|known| {
            let facts = layouts.facts();
            known.machine == facts.machine && known.words == facts.words()
        });
        let processor = known.or_else(|| processors::of(layouts.facts()));
        Self {
            memory,
            identity: Identity {
                kind: TargetKind::Live,
                pid: Some(1),
                executable: "/shop/shop".into(),
            },
            modules: vec![Module { load_bias: 0, layouts: Arc::new(layouts) }],
            threads: vec![Thread {
                number: 1,
                tid: 1,
                name: None,
                thread_pointer: Some(thread_pointer),
                selected: true,
            }],
            processor,
            frames: Vec::new(),
            host: None,
            by_threads: true,
            parallelism: None,
            patience: AtomicU64::new(u64::MAX),
        }
    }

    /// The same process, of whose threads nobody tells the pointers.
    #[must_use]
    pub fn without_thread_pointers(mut self) -> Self {
        self.threads.iter_mut().for_each(|thread| thread.thread_pointer = None);
        self
    }

    /// The same process, where one thread alone may read the memory.
    #[must_use]
    pub fn read_by_one_thread(mut self) -> Self {
        self.by_threads = false;
        self
    }

    /// The same process, read by so many threads at most.
    #[must_use]
    pub fn read_by_at_most(mut self, threads: usize) -> Self {
        self.parallelism = Some(threads);
        self
    }

    /// The same process, where all of this is a library of an executable that has nothing.
    #[must_use]
    pub fn as_library(mut self) -> Self {
        self.modules.insert(0, Module { load_bias: 0, layouts: Arc::new(FakeLayouts::new()) });
        self
    }

    /// The same process on that processor, where the thread has these frames, innermost first.
    #[must_use]
    pub fn with_stack(mut self, processor: &'static Processor, frames: Vec<NativeFrame>) -> Self {
        (self.processor, self.frames) = (Some(processor), frames);
        self
    }

    /// Its memory.
    pub fn reader(&self) -> &M {
        &self.memory
    }

    /// The same process, with a user who asks to stop by the time that this was asked for so often.
    #[must_use]
    pub fn interrupted_after(mut self, patience: u64) -> Self {
        self.patience = AtomicU64::new(patience);
        self
    }

    /// How often it may still be asked for before the user asks to stop.
    pub fn patience(&self) -> u64 {
        self.patience.load(Ordering::Relaxed)
    }

    /// The same process, stopped at that time of the monotonic clock.
    #[must_use]
    pub fn stopped_at(mut self, now: Duration) -> Self {
        self.host.get_or_insert_default().stopped_at = Some(now);
        self
    }

    /// The same process, with processes that it began and that sleep in a call on a pipe.
    #[must_use]
    pub fn beside(mut self, blocked: Vec<BlockedProcess>) -> Self {
        self.host.get_or_insert_default().blocked = blocked;
        self
    }
}

impl<M: MemoryReader> Target for FakeTarget<M> {
    fn memory(&self) -> &dyn MemoryReader {
        &self.memory
    }

    fn may_be_read_by_threads(&self) -> bool {
        self.by_threads
    }

    fn parallelism(&self) -> usize {
        self.parallelism.unwrap_or_else(processors_of_machine)
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

    fn native_frames(&self, _thread: &Thread, limit: usize) -> Vec<NativeFrame> {
        self.frames.iter().take(limit).cloned().collect()
    }

    fn interrupted(&self) -> bool {
        let left = self.patience().saturating_sub(1);
        self.patience.store(left, Ordering::Relaxed);
        left == 0
    }

    fn processor(&self) -> Option<&'static Processor> {
        self.processor
    }

    fn host(&self) -> Option<&dyn Host> {
        self.host.as_ref().map(|host| host as &dyn Host)
    }
}
