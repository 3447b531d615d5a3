//! The debugger's process, as the inspection sees it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::cache::PageCache;
use runtime_layouts::memory::live::LiveMemory;
use runtime_layouts::target::auxiliary::{AuxiliaryVector, ProgramHeaders};
use runtime_layouts::target::processor::{Processor, processor};
use runtime_layouts::target::{Identity, Module, NativeFrame, Target, TargetKind, Thread};

use crate::adapter::{self, Adapter, DebuggerMemory, Process};
use crate::failure::Failure;
use crate::output::escaped;
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
    /// What is odd about the process, for the report.
    pub(crate) note: Option<String>,
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
        let memory = PageCache::new(memory(adapter, process));
        let auxiliary = AuxiliaryVector::new(adapter.auxiliary_vector()?);
        let executable = executable(adapter, process, sources, &auxiliary, &memory)?;
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
            modules: vec![executable.module],
            threads,
            processor,
            asked: Cell::new(Instant::now()),
            interrupted: Cell::new(false),
            note: executable.note,
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

/// The program that runs.
struct Executable {
    /// Its path as the debugger has it.
    path: String,
    module: Module,
    /// What is odd about it.
    note: Option<String>,
}

/// Finds and opens the program that runs.
fn executable(
    adapter: &Adapter,
    process: &Process,
    sources: &mut Sources,
    auxiliary: &AuxiliaryVector,
    memory: &dyn MemoryReader,
) -> Result<Executable, Failure> {
    let known = adapter.modules()?.into_iter().next();
    let first = match &known {
        Some(known) => open(&known.path, Some(known), sources, auxiliary, memory),
        None => Err(Failure::sentence(
            "The debugger does not know which executable the process runs: name it with \
             `file PATH`.",
        )),
    };
    let reason = match (first, &known) {
        (Ok(module), Some(known)) => {
            return Ok(Executable { path: known.path.clone(), module, note: None });
        }
        (Err(Failure::Sentence(reason)), _) => reason,
        (first, _) => return Err(first.err().unwrap_or(Failure::Interrupted)),
    };
    // A live process keeps its file, even when it was rebuilt or deleted since, and when it lives
    // in another mount namespace.
    let kept = process
        .pid
        .filter(|_| process.is_local && !process.is_core)
        .map(|pid| format!("/proc/{pid}/exe"))
        .ok_or_else(|| Failure::Sentence(reason.clone()))?;
    let module = open(&kept, known.as_ref(), sources, auxiliary, memory)
        .map_err(|_| Failure::Sentence(reason.clone()))?;
    let note = known.as_ref().map(|_| {
        format!(
            "{reason} What is shown comes from {kept}, the right one; the debugger's own view of \
             the stacks does not, and may be wrong."
        )
    });
    Ok(Executable { path: known.map_or(kept, |known| known.path), module, note })
}

/// Opens a file as the program that runs.
fn open(
    path: &str,
    known: Option<&adapter::Module>,
    sources: &mut Sources,
    auxiliary: &AuxiliaryVector,
    memory: &dyn MemoryReader,
) -> Result<Module, Failure> {
    let mut layouts = sources.program(path.as_ref())?;
    let facts = layouts.facts();
    let load_bias = known.and_then(|known| known.load_bias);
    let running = known
        .and_then(|known| known.header)
        .and_then(|header| ProgramHeaders::of(header, memory, facts.big_endian))
        .or_else(|| auxiliary.program_headers())
        .and_then(|headers| headers.build_id(memory, facts.big_endian, load_bias));
    if let (Some(running), Some(on_disk)) = (&running, &facts.build_id)
        && running != on_disk
    {
        return Err(Failure::Sentence(format!(
            "{} is not the program that runs (build id {on_disk}, but the process has \
             {running}): it was probably rebuilt. Name the right file with `file PATH`.",
            escaped(path)
        )));
    }
    let by_entry = auxiliary.entry().map(|entry| entry.wrapping_sub(facts.entry.0));
    let Some(load_bias) = by_entry.or(load_bias) else {
        return Err(Failure::Sentence(format!(
            "The debugger does not say where {} was loaded: it gives neither the auxiliary vector \
             nor a load address.",
            escaped(path)
        )));
    };
    if let Some(file) = facts.build_id.as_deref().and_then(|id| sources.file(id)) {
        layouts = file;
    }
    Ok(Module { load_bias, layouts })
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
}
