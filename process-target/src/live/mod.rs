//! A process of this machine.

mod brief;
mod debugged;
mod frozen;
pub(crate) mod proc;
mod refusal;
mod registers;
mod stop;
mod unstopped;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::errno::Errno;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::memory::cache::PageCache;
use runtime_layouts::memory::live::{LiveError, LiveMemory};
use runtime_layouts::target::machine::Machine;
use runtime_layouts::target::{Identity, Module, NativeFrame, Target, TargetKind, Thread};
use runtime_layouts::variables::Limits;

pub use self::brief::Inspection;
pub use self::debugged::{Debugged, traced_registers};
use self::frozen::{Frozen, LiveReader, Room};
use self::proc::Waiting;
use self::refusal::{obstacle, refusal};
use self::stop::Stop;
use crate::TargetError;
use crate::executable::{Executable, Layouts, Of, executable};
use crate::mappings::Mappings;
use crate::snapshot::{Counted, Seen, Snapshot};
use crate::unwind::{Registers, Unwinder};

/// How a process is to be looked at.
#[derive(Clone, Default)]
pub struct LiveOptions {
    /// Layouts to use instead of the executable's own debug information.
    pub layouts: Layouts,
    /// Becomes true when the user wants to stop (Ctrl-C).
    pub interrupted: Arc<AtomicBool>,
    /// How much of each variable of each frame is wanted; `None` for none of them.
    pub locals: Option<Limits>,
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
    /// Those that were opened, by path; `None` for what is no object file.
    libraries: RefCell<HashMap<String, Option<Arc<dyn LayoutSource>>>>,
    memory: LiveMemory,
    /// By thread id; what was read before a stop.
    names: RefCell<HashMap<u64, Option<String>>>,
    interrupted: Arc<AtomicBool>,
    locals: Option<Limits>,
}

/// A process as it is, or was, at one moment.
///
/// The process stands still until [`release`](Self::release) or until this is dropped.
pub struct LiveTarget {
    snapshot: Snapshot<LiveReader>,
    stop: Option<Stop>,
    machine: Machine,
    problems: Vec<String>,
}

impl LiveProcess {
    /// Opens a process and the program that it runs. `pid` may also be a thread's.
    ///
    /// # Errors
    /// When there is no such process, when it may not be looked into, or when its program cannot
    /// be read.
    pub fn open(pid: u64, options: &LiveOptions) -> Result<Self, TargetError> {
        let pid = match proc::Status::of(pid) {
            Ok(status) if status.process != 0 => status.process,
            _ => return Err(TargetError::NoSuchProcess { pid }),
        };
        if let Some(obstacle) = obstacle(pid, false) {
            return Err(obstacle);
        }
        let memory = LiveMemory::open(pid).map_err(|error| match error {
            LiveError::NoSuchProcess { .. } => refusal(pid, Errno::ESRCH, false),
            LiveError::NotPermitted { .. } => refusal(pid, Errno::EPERM, false),
            LiveError::Other { pid, reason } => TargetError::CannotStop { pid, reason },
        })?;
        let link = PathBuf::from(format!("/proc/{pid}/exe"));
        let name = fs::read_link(&link).map_err(|error| {
            refusal(pid, Errno::from_raw(error.raw_os_error().unwrap_or(0)), false)
        })?;
        let layouts = options.layouts.of(&file_of(pid, &name, &link))?;
        let auxiliary = proc::auxiliary_vector(pid);
        let executable = executable(&name, layouts, Of::Process, &auxiliary, &memory)?;
        Ok(Self {
            pid,
            executable_path: name.to_string_lossy().into_owned(),
            executable,
            layouts: options.layouts.clone(),
            libraries: RefCell::default(),
            memory,
            names: RefCell::default(),
            interrupted: options.interrupted.clone(),
            locals: options.locals,
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
        let stood_still = proc::Status::of(self.pid).is_ok_and(|it| matches!(it.state, 'T' | 't'));
        let stop = Stop::of(self.pid, &self.interrupted)?;
        let machine = Machine::of(self.pid);
        let machine = if stood_still { machine } else { machine.at_its_stop() };
        let processor = self.executable.processor;
        let mut problems = lost;
        let mut threads = Vec::with_capacity(stop.threads.len());
        for thread in &stop.threads {
            let number = threads.len() as u32 + 1;
            if thread.words.is_none() {
                problems.push(format!(
                    "thread {number} (tid {}) does not stop, since it waits in the kernel: what \
                     it does is not known",
                    thread.tid
                ));
            }
            let words = thread.words.as_deref().unwrap_or_default();
            threads.push((
                self.thread(number, thread.tid, processor.kernel_thread_pointer(words)),
                processor.kernel_registers(words).into_iter().collect(),
            ));
        }
        if threads.iter().all(|(thread, _)| thread.thread_pointer.is_none()) {
            problems.push(
                "the thread pointers are not known: this system does not give them, so \
                 runtimes cannot be found"
                    .to_owned(),
            );
        }
        Ok(LiveTarget { machine, ..self.target(threads, modules, mappings, Some(stop), problems) })
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
            "the process was not stopped: what changed meanwhile may be shown wrong".to_owned(),
        ];
        problems.extend(lost);
        let mut threads = Vec::with_capacity(ids.len());
        let mut unknown = Vec::new();
        for tid in ids {
            let number = threads.len() as u32 + 1;
            let waiting = Waiting::of(self.pid, tid);
            let pointer = waiting.and_then(|waiting| {
                let stack = waiting.stack_pointer;
                unstopped::thread_pointer(tid, stack, &mappings, &self.memory)
            });
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
                "thread {one} was running: without a stop, neither what it does nor a runtime \
                 that it alone knows of can be seen"
            )),
            several => problems.push(format!(
                "threads {} were running: without a stop, neither what they do nor runtimes that \
                 they alone know of can be seen",
                several.join(", ")
            )),
        }
        Ok(self.target(threads, modules, mappings, None, problems))
    }

    /// What is better read before the process is stopped: what is mapped, the program and its
    /// libraries, and a sentence for each library that is not what was loaded.
    fn before(&self) -> Result<(Mappings, Vec<Module>, Vec<String>), TargetError> {
        let path = PathBuf::from(format!("/proc/{}/maps", self.pid));
        let maps = fs::read(&path).map_err(|error| TargetError::Unreadable { path, error })?;
        let mut names = self.names.borrow_mut();
        for tid in proc::threads(self.pid).unwrap_or_default() {
            names.insert(tid, proc::thread_name(self.pid, tid));
        }
        let (modules, lost) = self.executable.modules(&self.memory, &mut |library| {
            let mut known = self.libraries.borrow_mut();
            let opened = known.entry(library.path.clone()).or_insert_with(|| {
                self.layouts.of_library(&library_of(self.pid, Path::new(&library.path)))
            });
            opened.clone()
        });
        Ok((Mappings::of_proc(&String::from_utf8_lossy(&maps)), modules, lost))
    }

    fn thread(&self, number: u32, tid: u64, thread_pointer: Option<u64>) -> Thread {
        let mut names = self.names.borrow_mut();
        let name = names.entry(tid).or_insert_with(|| proc::thread_name(self.pid, tid)).clone();
        Thread { number, tid, name, thread_pointer, selected: number == 1 }
    }

    fn target(
        &self,
        threads: Vec<(Thread, Registers)>,
        modules: Vec<Module>,
        mappings: Mappings,
        stop: Option<Stop>,
        problems: Vec<String>,
    ) -> LiveTarget {
        let (threads, registers) = threads.into_iter().unzip();
        let snapshot = Snapshot {
            memory: memory_of(LiveReader::Process(self.memory.clone())),
            identity: Identity {
                kind: TargetKind::Live,
                pid: Some(self.pid),
                executable: self.executable_path.clone(),
            },
            modules,
            threads,
            registers,
            unwinder: Unwinder::new(self.executable.processor, mappings, None),
            interrupted: self.interrupted.clone(),
        };
        LiveTarget { snapshot, stop, machine: Machine::of(self.pid), problems }
    }
}

fn memory_of(reader: LiveReader) -> PageCache<Counted<LiveReader>> {
    PageCache::with_capacity(Counted::new(reader), PAGES_OF_PROCESS)
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

/// What was seen of a process.
struct Look {
    threads: Vec<Thread>,
    registers: Vec<Registers>,
    biases: Vec<u64>,
    seen: Vec<Seen>,
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

    /// Copies what there is room for, and reads nothing else from now on.
    fn freeze(&mut self, room: Room) {
        if let LiveReader::Process(memory) = self.snapshot.memory.reader().reader() {
            let frozen = LiveReader::Frozen(Frozen::new(memory, room));
            // To read the copy again costs next to nothing.
            self.snapshot.memory = PageCache::with_capacity(Counted::new(frozen), PAGES_OF_COPY);
        }
    }

    /// The ranges that were asked for so far.
    fn asked_for(&self) -> Vec<Range<u64>> {
        self.snapshot.memory.reader().ranges()
    }

    /// Whether an earlier look saw the same of the process as this one: the same threads, in the
    /// same place, and the same in all the memory that was read then.
    fn is_as_seen_by(&self, earlier: &Look) -> bool {
        let now = &self.snapshot;
        now.threads == earlier.threads
            && now.registers == earlier.registers
            && biases(&now.modules) == earlier.biases
            && now.memory.reader().reader().has_still(&earlier.seen)
    }

    /// What this look saw, to be compared with a later one; `None` when it changed meanwhile.
    fn look(&self) -> Option<Look> {
        Some(Look {
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
            LiveReader::Frozen(copy) => copy.length(),
        }
    }
}

impl Target for LiveTarget {
    fn memory(&self) -> &dyn MemoryReader {
        self.snapshot.memory()
    }

    fn may_be_read_by_threads(&self) -> bool {
        self.snapshot.may_be_read_by_threads()
    }

    fn identity(&self) -> &Identity {
        self.snapshot.identity()
    }

    fn modules(&self) -> &[Module] {
        self.snapshot.modules()
    }

    fn threads(&self) -> &[Thread] {
        self.snapshot.threads()
    }

    fn native_frames(&self, thread: &Thread, limit: usize) -> Vec<NativeFrame> {
        self.snapshot.native_frames(thread, limit)
    }

    fn interrupted(&self) -> bool {
        self.snapshot.interrupted()
    }

    fn machine(&self) -> Option<&Machine> {
        Some(&self.machine)
    }
}
