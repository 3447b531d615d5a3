//! A live process of this machine.

mod memory;
mod memory_copy;
mod proc;
mod refusal;
mod registers;
mod short_stop;
mod stop;
mod traced_by_debugger;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::ops::{Deref, Range};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use runtime_layouts::layout::source::{KnowledgeText, LayoutSource};
use runtime_layouts::memory::cache::PageCache;
use runtime_layouts::target::control_blocks::ControlBlocks;
use runtime_layouts::target::{Identity, Module, Target, TargetKind, Thread};
use runtime_layouts::variables::Limits;

pub use self::memory::{LiveError, LiveMemory};
use self::memory_copy::{CopyBuffer, LiveReader, MemoryCopy};
use self::proc::Waiting;
use self::refusal::{obstacle, refusal};
pub use self::registers::ThreadRegisters;
pub use self::short_stop::Inspection;
use self::stop::Stop;
pub use self::traced_by_debugger::TracedProcess;
use crate::TargetError;
use crate::executable::{Executable, Layouts, Of, executable, with_found};
use crate::host::{LocalHost, ThreadTimes};
use crate::mappings::Mappings;
use crate::read_log::{ReadRange, RecordingReader};
use crate::snapshot::Snapshot;
use crate::unwind::{Registers, Unwinder};

/// How a process is to be looked at.
#[derive(Clone, Default)]
pub struct LiveOptions {
    /// Layouts to use instead of the executable's own debug information.
    pub layouts: Layouts,
    /// Texts that declare what the program's types are, beside those that are found.
    pub knowledge: Vec<KnowledgeText>,
    /// Becomes true when the user wants to stop (Ctrl-C).
    pub interrupted: Arc<AtomicBool>,
    /// How much of each variable of each frame is wanted; `None` for none of them.
    pub locals: Option<Limits>,
    /// Addresses of which it is wanted what lies there.
    pub addresses: Vec<u64>,
}

/// A process whose program is known, and which goes on running.
///
/// Everything slow (finding the file, opening its debug information) is done before the process
/// is stopped.
pub struct LiveProcess {
    pid: u64,
    executable_path: String,
    executable: Executable,
    layouts: Layouts,
    knowledge: Vec<KnowledgeText>,
    /// Those that were opened, by path; `None` for what is no object file.
    libraries: RefCell<HashMap<String, Option<Arc<dyn LayoutSource>>>>,
    memory: LiveMemory,
    /// What its threads did when it was opened.
    opened: ThreadTimes,
    /// By thread id; what was read before a stop.
    names: RefCell<HashMap<u64, Option<String>>>,
    interrupted: Arc<AtomicBool>,
    locals: Option<Limits>,
    addresses: Vec<u64>,
}

/// A process as it is, or was, at one moment.
///
/// The process stands still until [`release`](Self::release) or until this is dropped.
pub struct LiveTarget {
    snapshot: Snapshot<LiveReader>,
    stop: Option<Stop>,
    problems: Vec<String>,
}

impl LiveProcess {
    /// Opens a process and the program that it runs. `pid` may also be a thread's.
    ///
    /// # Errors
    /// When there is no such process, when it may not be looked into, or when its program cannot
    /// be read.
    pub fn open(pid: u64, options: &LiveOptions) -> Result<Self, TargetError> {
        let status = proc::status(pid).map_err(|_| TargetError::NoSuchProcess { pid })?;
        let pid = u64::try_from(status.tgid).map_err(|_| TargetError::NoSuchProcess { pid })?;
        if let Some(obstacle) = obstacle(pid, false) {
            return Err(obstacle);
        }
        let memory = LiveMemory::open(pid).map_err(|error| match error {
            LiveError::NoSuchProcess { .. } => refusal(pid, Errno::ESRCH, false),
            LiveError::NotPermitted { .. } => refusal(pid, Errno::EPERM, false),
            LiveError::Other { pid, reason } => TargetError::CannotStop { pid, reason },
        })?;
        let opened = ThreadTimes::of(pid);
        let link = PathBuf::from(format!("/proc/{pid}/exe"));
        let name = fs::read_link(&link).map_err(|error| {
            refusal(pid, Errno::from_raw(error.raw_os_error().unwrap_or(0)), false)
        })?;
        let layouts = options.layouts.of(&file_of(pid, &name, &link))?;
        let auxiliary = proc::auxiliary_vector(pid, layouts.facts().words());
        let executable = executable(&name, layouts, Of::Process, auxiliary, &memory)?;
        let knowledge = with_found(&options.knowledge, &name);
        Ok(Self {
            pid,
            executable_path: name.to_string_lossy().into_owned(),
            executable,
            layouts: options.layouts.clone(),
            knowledge,
            libraries: RefCell::default(),
            memory,
            opened,
            names: RefCell::default(),
            interrupted: options.interrupted.clone(),
            locals: options.locals,
            addresses: options.addresses.clone(),
        })
    }

    /// The layouts of the program, and of those libraries that were looked into so far.
    #[must_use]
    pub fn sources(&self) -> Vec<Arc<dyn LayoutSource>> {
        let libraries = self.libraries.borrow();
        let libraries = libraries.values().flatten().cloned();
        std::iter::once(self.executable.module.layouts.clone()).chain(libraries).collect()
    }

    /// Stops every thread of the process and reads their registers.
    ///
    /// # Errors
    /// When it may not be stopped, or has ended.
    pub fn stop(&self) -> Result<LiveTarget, TargetError> {
        if let Some(obstacle) = obstacle(self.pid, true) {
            return Err(obstacle);
        }
        let (mappings, modules, lost) = self.before()?;
        let stood_still =
            proc::status(self.pid).is_ok_and(|status| matches!(proc::state(&status), 'T' | 't'));
        let stop = Stop::of(self.pid, self.executable.processor, &self.interrupted)?;
        let host = LocalHost::of(self.pid).watched_since(&self.opened);
        let host = if stood_still { host } else { host.at_its_stop() };
        let mut problems = lost;
        let mut threads = Vec::with_capacity(stop.threads.len());
        for thread in &stop.threads {
            let number = threads.len() as u32 + 1;
            if thread.registers.is_none() {
                problems.push(format!(
                    "thread {number} (tid {}) did not stop because it waits in the kernel: what it \
                     does is unknown",
                    thread.tid
                ));
            }
            let registers = thread.registers.clone().unwrap_or_default();
            threads.push((
                self.thread(number, thread.tid, registers.thread_pointer),
                registers.general.into_iter().collect(),
            ));
        }
        if threads.iter().all(|(thread, _)| thread.thread_pointer.is_none()) {
            problems.push(
                "this system does not provide the thread pointers, so unhang cannot find runtimes"
                    .to_owned(),
            );
        }
        Ok(LiveTarget {
            snapshot: self.snapshot(threads, modules, mappings, host),
            stop: Some(stop),
            problems,
        })
    }

    /// Looks at the process while it runs: what is read may be torn, and of threads that run at
    /// this moment nothing is known but their names.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn unstopped(&self) -> Result<LiveTarget, TargetError> {
        let (mappings, modules, lost) = self.before()?;
        let ids =
            proc::threads(self.pid).map_err(|_| TargetError::NoSuchProcess { pid: self.pid })?;
        let processor = self.executable.processor;
        let mut problems = vec![
            "the process was not stopped: whatever changed meanwhile may be shown incorrectly"
                .to_owned(),
        ];
        problems.extend(lost);
        let mut threads = Vec::with_capacity(ids.len());
        let mut unknown = Vec::new();
        let interrupted = || self.interrupted.load(Ordering::Relaxed);
        let blocks = ControlBlocks::new(processor, mappings.data(), &self.memory, &interrupted);
        for tid in ids {
            let number = threads.len() as u32 + 1;
            let waiting = Waiting::of(self.pid, tid);
            let pointer = waiting.and_then(|it| blocks.thread_pointer(tid, it.stack_pointer));
            if pointer.is_none() {
                unknown.push(number.to_string());
            }
            let registers = waiting
                .into_iter()
                .flat_map(|waiting| {
                    [
                        (processor.program_counter, waiting.program_counter),
                        (processor.stack_pointer, waiting.stack_pointer),
                    ]
                })
                .collect();
            threads.push((self.thread(number, tid, pointer), registers));
        }
        match &unknown[..] {
            [] => {}
            [one] => problems.push(format!(
                "thread {one} was running: without a stop, unhang sees neither what it does nor a \
                 runtime that only it knows of"
            )),
            several => problems.push(format!(
                "threads {} were running: without a stop, unhang sees neither what they do nor \
                 runtimes that only they know of",
                several.join(", ")
            )),
        }
        let host = LocalHost::of(self.pid);
        let snapshot = self.snapshot(threads, modules, mappings, host);
        Ok(LiveTarget { snapshot, stop: None, problems })
    }

    /// What is better read before the process is stopped: what is mapped, the program and its
    /// libraries, and a sentence for each library that is not what was loaded.
    fn before(&self) -> Result<(Mappings, Vec<Module>, Vec<String>), TargetError> {
        let mappings = proc::mappings(self.pid).map_err(|error| {
            let path = PathBuf::from(format!("/proc/{}/maps", self.pid));
            TargetError::Unreadable { path, error }
        })?;
        let mut names = self.names.borrow_mut();
        for tid in proc::threads(self.pid).unwrap_or_default() {
            names.insert(tid, proc::thread_name(self.pid, tid));
        }
        let interrupted = || self.interrupted.load(Ordering::Relaxed);
        let (modules, lost) = self.executable.modules(&self.memory, &interrupted, &mut |library| {
            let mut known = self.libraries.borrow_mut();
            let opened = known.entry(library.path.clone()).or_insert_with(|| {
                self.layouts.of_library(&library_of(self.pid, Path::new(&library.path)))
            });
            opened.clone()
        });
        Ok((mappings, modules, lost))
    }

    fn thread(&self, number: u32, tid: u64, thread_pointer: Option<u64>) -> Thread {
        let mut names = self.names.borrow_mut();
        let name = names.entry(tid).or_insert_with(|| proc::thread_name(self.pid, tid)).clone();
        Thread { number, tid, name, thread_pointer, selected: number == 1 }
    }

    fn snapshot(
        &self,
        threads: Vec<(Thread, Registers)>,
        modules: Vec<Module>,
        mappings: Mappings,
        host: LocalHost,
    ) -> Snapshot<LiveReader> {
        let (threads, registers) = threads.into_iter().unzip();
        Snapshot {
            memory: memory_of(LiveReader::Process(self.memory.clone())),
            identity: Identity {
                kind: TargetKind::Live,
                pid: Some(self.pid),
                executable: self.executable_path.clone(),
            },
            modules,
            knowledge: self.knowledge.clone(),
            threads,
            registers,
            unwinder: Unwinder::new(self.executable.processor, mappings, None),
            host: Some(host),
            interrupted: self.interrupted.clone(),
        }
    }
}

fn memory_of(reader: LiveReader) -> PageCache<RecordingReader<LiveReader>> {
    PageCache::with_capacity(RecordingReader::new(reader), PAGES_OF_PROCESS)
}

/// Pages of a process that are kept at hand: 8 MiB. Tasks are looked at in the order of their
/// addresses, and to fetch a page again takes a microsecond; into memory that is in none of the
/// processor's caches it takes two.
const PAGES_OF_PROCESS: usize = 8 << 20 >> 12;
/// Pages of a copy that are kept at hand: 16 MiB.
const PAGES_OF_COPY: usize = 16 << 20 >> 12;

/// A path that shows the executable of the process: its own path where that is still the same
/// file, seen from here or from the process's mount namespace, since messages read better so; else
/// the link that the kernel keeps even when the file was deleted.
fn file_of(pid: u64, name: &Path, link: &Path) -> PathBuf {
    let paths = [name.to_owned(), seen_by(pid, name)];
    paths.into_iter().find(|path| is_same_file(path, link)).unwrap_or(link.to_owned())
}

/// A path that shows a library as the process sees it. One that was opened by a relative path is
/// looked for where the process is now.
fn library_of(pid: u64, name: &Path) -> PathBuf {
    if name.is_relative() {
        return Path::new(&format!("/proc/{pid}/cwd")).join(name);
    }
    let inside = seen_by(pid, name);
    if is_same_file(name, &inside) || !inside.exists() { name.to_owned() } else { inside }
}

/// A path of the process's mount namespace.
fn seen_by(pid: u64, name: &Path) -> PathBuf {
    Path::new(&format!("/proc/{pid}/root")).join(name.strip_prefix("/").unwrap_or(name))
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// A process as it was read: what tells whether it changed since.
struct ProcessState {
    threads: Vec<Thread>,
    registers: Vec<Registers>,
    biases: Vec<u64>,
    seen: Vec<ReadRange>,
}

fn biases(modules: &[Module]) -> Vec<u64> {
    modules.iter().map(|module| module.load_bias).collect()
}

impl LiveTarget {
    /// Opens and stops a process.
    ///
    /// # Errors
    /// Those of [`LiveProcess::open`] and [`LiveProcess::stop`].
    pub fn attach(pid: u64, options: &LiveOptions) -> Result<Self, TargetError> {
        LiveProcess::open(pid, options)?.stop()
    }

    /// Lets the process go on, and returns for how long it stood still; `None` when it did not.
    ///
    /// What was read stays; what is read from now on is of another moment.
    pub fn release(&mut self) -> Option<Duration> {
        self.stop.take().map(Stop::release)
    }

    /// Copies what the buffer is for, and reads nothing else from now on.
    fn copy_memory(&mut self, buffer: CopyBuffer) {
        if let LiveReader::Process(memory) = self.snapshot.memory.reader().reader() {
            let copy = LiveReader::Copy(MemoryCopy::new(memory, buffer));
            // To read the copy again costs next to nothing.
            self.snapshot.memory =
                PageCache::with_capacity(RecordingReader::new(copy), PAGES_OF_COPY);
        }
    }

    /// The ranges that were asked for so far.
    fn asked_for(&self) -> Vec<Range<u64>> {
        self.snapshot.memory.reader().ranges()
    }

    /// Whether the process is as it was when an earlier state was taken: the same threads, in the
    /// same place, and the same in all the memory that was read then.
    fn is_as_seen_by(&self, earlier: &ProcessState) -> bool {
        let now = &self.snapshot;
        now.threads == earlier.threads
            && now.registers == earlier.registers
            && biases(&now.modules) == earlier.biases
            && now.memory.reader().reader().has_still(&earlier.seen)
    }

    /// The state of the process, to be compared with a later one; `None` when it changed meanwhile.
    fn state(&self) -> Option<ProcessState> {
        Some(ProcessState {
            threads: self.snapshot.threads.clone(),
            registers: self.snapshot.registers.clone(),
            biases: biases(&self.snapshot.modules),
            seen: self.snapshot.memory.reader().seen()?,
        })
    }

    /// Whether all that was asked for had been copied.
    fn had_all(&self) -> bool {
        self.snapshot.memory.reader().reader().had_all()
    }

    /// What could not be found out about the process, in sentences without a full stop.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Bytes that were read from the process so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        match self.snapshot.memory.reader().reader() {
            LiveReader::Process(_) => self.snapshot.memory.reader().bytes(),
            LiveReader::Copy(copy) => copy.length(),
        }
    }
}

impl Deref for LiveTarget {
    type Target = dyn Target;

    fn deref(&self) -> &Self::Target {
        &self.snapshot
    }
}
