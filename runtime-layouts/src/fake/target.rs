//! A hand-built process.

use std::sync::Arc;
use std::time::Duration;

use crate::layout::source::LayoutSource;
use crate::memory::MemoryReader;
use crate::target::machine::Machine;
use crate::target::{Identity, Module, NativeFrame, Target, TargetKind, Thread};

/// A process with one module, loaded where it was linked, and one thread.
pub struct FakeTarget<M> {
    memory: M,
    identity: Identity,
    modules: Vec<Module>,
    threads: Vec<Thread>,
    machine: Option<Machine>,
}

impl<M: MemoryReader> FakeTarget<M> {
    /// A process of these layouts and that memory; its thread's pointer is `thread_pointer`.
    pub fn new(layouts: impl LayoutSource + 'static, memory: M, thread_pointer: u64) -> Self {
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
            machine: None,
        }
    }

    /// The same process, stopped at that time of the monotonic clock.
    #[must_use]
    pub fn stopped_at(mut self, now: Duration) -> Self {
        self.machine = Some(Machine::at(now));
        self
    }
}

impl<M: MemoryReader> Target for FakeTarget<M> {
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

    fn threads(&self) -> &[Thread] {
        &self.threads
    }

    fn native_frames(&self, _thread: &Thread, _limit: usize) -> Vec<NativeFrame> {
        Vec::new()
    }

    fn interrupted(&self) -> bool {
        false
    }

    fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }
}
