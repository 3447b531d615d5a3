//! The debugger's process, as the inspection sees it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::cache::PageCache;
use runtime_layouts::memory::live::LiveMemory;
use runtime_layouts::target::machine::Machine;
use runtime_layouts::target::processor::{Processor, processor};
use runtime_layouts::target::{Identity, Module, NativeFrame, Target, TargetKind, Thread};

use crate::adapter::{Adapter, DebuggerMemory, Process};
use crate::executable;
use crate::failure::Failure;
use crate::sources::Sources;

/// Ctrl-C is looked for no more often than this: asking costs a call into Python.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The process at one stop. Nothing of it is right any more once the process went on.
pub(crate) struct DebuggerTarget {
    adapter: Adapter,
    memory: PageCache<Box<dyn MemoryReader>>,
    identity: Identity,
    modules: Vec<Module>,
    threads: Vec<Thread>,
    processor: Option<&'static Processor>,
    asked: Cell<Instant>,
    interrupted: Cell<bool>,
    machine: Option<Machine>,
    /// What is odd about the process, for the report.
    pub(crate) notes: Vec<String>,
}

impl DebuggerTarget {
    /// The process as it stands now.
    ///
    /// # Errors
    /// When the debugger does not know the executable, when its file cannot be read, or when the
    /// file is not the program that runs.
    pub(crate) fn new(
        adapter: &Adapter,
        process: &Process,
        sources: &mut Sources,
    ) -> Result<Self, Failure> {
        let is_of_this_machine = process.is_local && !process.is_core;
        let machine = process.pid.filter(|_| is_of_this_machine).map(Machine::of);
        let memory = PageCache::new(memory(adapter, process));
        let executable = executable::find(adapter, process, sources, &memory)?;
        let (libraries, lost) = executable.libraries(process, sources, &memory);
        let notes = executable.note.into_iter().chain(lost.iter().map(|lost| format!("{lost}.")));
        let processor = processor(executable.module.layouts.facts().machine);
        let selected = adapter.selected_thread()?;
        let threads = adapter
            .threads(processor.map(|processor| processor.thread_pointer))?
            .into_iter()
            .map(|thread| Thread {
                number: thread.number,
                tid: thread.tid,
                name: thread.name,
                thread_pointer: thread.thread_pointer,
                selected: selected == Some(thread.number),
            })
            .collect();
        Ok(Self {
            adapter: adapter.clone(),
            memory,
            identity: Identity {
                kind: if process.is_core { TargetKind::Core } else { TargetKind::Live },
                pid: process.pid,
                executable: executable.path,
            },
            modules: std::iter::once(executable.module).chain(libraries).collect(),
            threads,
            processor,
            asked: Cell::new(Instant::now()),
            interrupted: Cell::new(false),
            machine,
            notes: notes.collect(),
        })
    }
}

/// Reads the process directly where that is possible, which is many times as fast as through the
/// debugger; else through the debugger.
fn memory(adapter: &Adapter, process: &Process) -> Box<dyn MemoryReader> {
    let direct = process
        .pid
        .filter(|_| process.is_local && !process.is_core)
        .and_then(|pid| LiveMemory::open(pid).ok());
    match direct {
        Some(memory) => Box::new(memory),
        None => Box::new(DebuggerMemory(adapter.clone())),
    }
}

impl Target for DebuggerTarget {
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
        let Some(processor) = self.processor else { return Vec::new() };
        let names = processor.register_names();
        // One more: the caller tells where a frame begins.
        match self.adapter.frames(thread.number, limit.saturating_add(1), names) {
            Ok(raw) => processor.native_frames(&raw, limit),
            Err(failure) => {
                if failure == Failure::Interrupted {
                    self.interrupted.set(true);
                }
                Vec::new()
            }
        }
    }

    fn interrupted(&self) -> bool {
        if !self.interrupted.get() && self.asked.get().elapsed() >= ASK_EVERY {
            self.interrupted.set(self.adapter.interrupted());
            self.asked.set(Instant::now());
        }
        self.interrupted.get()
    }

    fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }
}
