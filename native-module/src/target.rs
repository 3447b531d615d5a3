//! The debugger's process, as the inspection sees it.

use std::cell::Cell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use runtime_layouts::layout::source::{KnowledgeText, ObjectFormat};
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::cache::PageCache;
use runtime_layouts::target::control_blocks::ControlBlocks;
use runtime_layouts::target::host::Host;
use runtime_layouts::target::mac;
use runtime_layouts::target::processors::{self, Processor, RawFrame};
use runtime_layouts::target::{Identity, Module, NativeFrame, Target, TargetKind, Thread};

use crate::adapter::{self, Adapter, DebuggerMemory, Process};
use crate::executable;
use crate::failure::Failure;
use crate::local::{LiveMemory, LocalHost, ThreadRegisters, TracedProcess};
use crate::sources::Sources;

/// Ctrl-C is looked for no more often than this: asking costs a call into Python.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The registers of a frame, by DWARF number.
type Registers = Vec<(u16, u64)>;

/// The process at one stop. Nothing of it is right any more once the process went on.
pub(crate) struct DebuggerTarget {
    adapter: Adapter,
    memory: PageCache<Box<dyn MemoryReader>>,
    /// Whether the memory is read without the debugger.
    is_direct: bool,
    identity: Identity,
    modules: Vec<Module>,
    knowledge: Vec<KnowledgeText>,
    threads: Vec<Thread>,
    /// By the thread's number, where the system gives them.
    registers: HashMap<u32, Registers>,
    /// For stacks without the debugger's help; `None` for what is not of this system.
    traced: Option<TracedProcess>,
    processor: Option<&'static Processor>,
    asked: Cell<Instant>,
    interrupted: Cell<bool>,
    host: Option<LocalHost>,
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
        let pid = process.pid.filter(|_| process.is_local && !process.is_core);
        let host = pid.map(LocalHost::of);
        let host = match process.stood_still {
            true => host,
            false => host.map(LocalHost::at_its_first_stop),
        };
        let (memory, is_direct) = memory(adapter, process);
        let memory = PageCache::new(memory);
        let executable = executable::find(adapter, process, sources, &memory)?;
        // Asking makes the debugger forget it.
        let interrupted = Cell::new(false);
        let was_interrupted = || {
            interrupted.set(interrupted.get() || adapter.interrupted());
            interrupted.get()
        };
        let (libraries, lost) =
            executable.libraries(adapter, process, sources, &memory, &was_interrupted);
        let notes = executable.note.into_iter().chain(lost.iter().map(|lost| format!("{lost}.")));
        let processor = processors::of(executable.module.layouts.facts());
        let traced =
            pid.zip(processor).and_then(|(pid, processor)| TracedProcess::new(pid, processor).ok());
        let format = executable.module.layouts.facts().format;
        let (mut threads, registers) = threads(adapter, processor, format, traced.as_ref())?;
        if let Some(processor) = processor.filter(|_| format == ObjectFormat::Elf) {
            find_pointers(&mut threads, adapter, processor, &memory, &was_interrupted);
        }
        let found = layout_extractor::find_knowledge(executable.path.as_ref());
        Ok(Self {
            adapter: adapter.clone(),
            memory,
            is_direct,
            knowledge: sources.knowledge.iter().cloned().chain(found).collect(),
            identity: Identity {
                kind: if process.is_core { TargetKind::Core } else { TargetKind::Live },
                // A server may make one up, as qemu's does: then no thread has it.
                pid: process.pid.filter(|pid| {
                    process.is_local || threads.iter().any(|thread| thread.tid == *pid)
                }),
                executable: executable.path,
            },
            modules: std::iter::once(executable.module).chain(libraries).collect(),
            threads,
            registers,
            traced,
            processor,
            asked: Cell::new(Instant::now()),
            interrupted: Cell::new(interrupted.get()),
            host,
            notes: notes.collect(),
        })
    }
}

/// Reads the process directly where that is possible, which is many times as fast as through the
/// debugger; else through the debugger. Says which.
fn memory(adapter: &Adapter, process: &Process) -> (Box<dyn MemoryReader>, bool) {
    let direct = process
        .pid
        .filter(|_| process.is_local && !process.is_core)
        .and_then(|pid| LiveMemory::open(pid).ok());
    match direct {
        Some(memory) => (Box::new(memory), true),
        None => (Box::new(DebuggerMemory(adapter.clone())), false),
    }
}

/// The threads, with their registers where the system gives them, which needs no symbols.
fn threads(
    adapter: &Adapter,
    processor: Option<&'static Processor>,
    format: ObjectFormat,
    traced: Option<&TracedProcess>,
) -> Result<(Vec<Thread>, HashMap<u32, Registers>), Failure> {
    let selected = adapter.selected_thread()?;
    let thread = |thread: adapter::Thread, thread_pointer| Thread {
        number: thread.number,
        tid: thread.tid,
        name: thread.name,
        thread_pointer,
        selected: selected == Some(thread.number),
    };
    if let Some(process) = traced {
        let mut registers = HashMap::new();
        let traced: Option<Vec<Thread>> = adapter
            .threads(None)?
            .into_iter()
            .map(|listed| {
                let ThreadRegisters { general, thread_pointer } = process.registers(listed.tid)?;
                registers.insert(listed.number, general);
                Some(thread(listed, Some(thread_pointer?)))
            })
            .collect();
        if let Some(threads) = traced {
            return Ok((threads, registers));
        }
    }
    let names = match format {
        ObjectFormat::Elf => processor.map_or(&[][..], |known| known.storage.thread_pointer),
        ObjectFormat::MachO => &[mac::THREAD_VALUES],
    };
    let mut listed = adapter.threads(names.first().copied())?;
    for name in names.iter().skip(1) {
        if listed.iter().any(|thread| thread.thread_pointer.is_some()) {
            break;
        }
        listed = adapter.threads(Some(name))?;
    }
    let with_pointer = |listed: adapter::Thread| {
        let pointer = listed.thread_pointer;
        thread(listed, pointer)
    };
    Ok((listed.into_iter().map(with_pointer).collect(), HashMap::new()))
}

/// Looks for the thread pointers that the debugger does not give.
fn find_pointers(
    threads: &mut [Thread],
    adapter: &Adapter,
    processor: &'static Processor,
    memory: &dyn MemoryReader,
    interrupted: &dyn Fn() -> bool,
) {
    let mut unknown =
        threads.iter_mut().filter(|thread| thread.thread_pointer.is_none()).peekable();
    if !processor.storage.starts_with_its_address || unknown.peek().is_none() {
        return;
    }
    // Without them less is found, and what is not is said.
    let areas = adapter.data_areas().unwrap_or_default();
    let areas = areas.into_iter().map(|(start, end)| start..end).collect();
    let blocks = ControlBlocks::new(processor, areas, memory, interrupted);
    let Some(stack_pointer) = processor.register_name(processor.stack_pointer) else { return };
    for thread in unknown {
        let innermost = adapter.frames(thread.number, 1, vec![stack_pointer]).unwrap_or_default();
        let stack = innermost.first().and_then(|(_, registers)| *registers.first()?);
        thread.thread_pointer = stack.and_then(|stack| blocks.thread_pointer(thread.tid, stack));
    }
}

impl DebuggerTarget {
    /// A thread's frames as the debugger sees them.
    fn seen_frames(&self, thread: &Thread, processor: &Processor, limit: usize) -> Vec<RawFrame> {
        let names = processor.register_names();
        self.adapter.frames(thread.number, limit, names).unwrap_or_else(|failure| {
            if failure == Failure::Interrupted {
                self.interrupted.set(true);
            }
            Vec::new()
        })
    }

    /// The registers of a thread's innermost frame, by number.
    fn registers_of(&self, thread: &Thread, processor: &Processor) -> Registers {
        match self.registers.get(&thread.number) {
            Some(registers) => registers.clone(),
            None => {
                let innermost = self.seen_frames(thread, processor, 1);
                let innermost = processor.native_frames(&innermost, 1).pop();
                innermost.map(|frame| frame.registers).unwrap_or_default()
            }
        }
    }
}

impl Target for DebuggerTarget {
    fn memory(&self) -> &dyn MemoryReader {
        &self.memory
    }

    fn may_be_read_by_threads(&self) -> bool {
        self.is_direct
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
        let Some(processor) = self.processor else { return Vec::new() };
        match &self.traced {
            Some(traced) => {
                traced.frames(&self.registers_of(thread, processor), &self.memory, limit)
            }
            None => {
                // One more: the caller tells where a frame begins.
                let seen = self.seen_frames(thread, processor, limit.saturating_add(1));
                processor.native_frames(&seen, limit)
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

    fn host(&self) -> Option<&dyn Host> {
        self.host.as_ref().map(|host| host as &dyn Host)
    }
}
