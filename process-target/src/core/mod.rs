//! A core file.

mod files;
mod memory;
pub(crate) mod notes;

use std::fs::{self, File};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use object::read::ReadCache;
use runtime_layouts::layout::source::KnowledgeText;
use runtime_layouts::memory::cache::PageCache;
use runtime_layouts::target::control_blocks::ControlBlocks;
use runtime_layouts::target::processors::{self, Processor, ThreadPointer};
use runtime_layouts::target::{Identity, Target, TargetKind, Thread};

use self::files::{Places, below};
use self::memory::{CoreMemory, Truncation};
use self::notes::{CoreThread, Notes};
use crate::TargetError;
use crate::executable::{Layouts, Of, executable, with_found};
use crate::read_log::RecordingReader;
use crate::snapshot::Snapshot;
use crate::unwind::{Registers, Unwinder};

/// How a core file is to be looked at.
#[derive(Clone, Default)]
pub struct CoreOptions {
    /// The executable, where it is not at the path that the core names.
    pub executable: Option<PathBuf>,
    /// The folder below which the paths that the core names are to be found.
    pub sysroot: Option<PathBuf>,
    /// Layouts to use instead of the executable's own debug information.
    pub layouts: Layouts,
    /// Texts that declare what the program's types are, beside those that are found.
    pub knowledge: Vec<KnowledgeText>,
    /// Becomes true when the user wants to stop (Ctrl-C).
    pub interrupted: Arc<AtomicBool>,
}

/// A process as a core file has it.
pub struct CoreTarget {
    snapshot: Snapshot<CoreMemory>,
    problems: Vec<String>,
}

impl CoreTarget {
    /// Opens a core file and the program that dumped it.
    ///
    /// What the core left out (the kernel does not dump the pages of files, by default) is read
    /// from the executable and its libraries, if they are the ones that the process had.
    ///
    /// # Errors
    /// When it is no core file, when its executable cannot be found, or when the executable is
    /// another build.
    pub fn open(path: &Path, options: &CoreOptions) -> Result<Self, TargetError> {
        let unreadable = |error| TargetError::Unreadable { path: path.to_owned(), error };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            let what = "it is not a regular file".to_owned();
            return Err(TargetError::NotACore { path: path.to_owned(), what });
        }
        let file = Arc::new(File::open(path).map_err(unreadable)?);
        let notes = Notes::read(path, &ReadCache::new(&*file), processors::find)?;
        let (own, truncation) = CoreMemory::of_core(&file, metadata.len(), &notes.segments);

        let named =
            notes.auxiliary.entry().and_then(|entry| notes.files.at(entry)).map(|m| &*m.path);
        let found = executable_path(path, named, options)?;
        let layouts = options.layouts.of(&found)?;
        if let Some(of_file) = processors::of(layouts.facts())
            && of_file.name != notes.processor.name
        {
            let (file, core) = (of_file.name, notes.processor.name);
            return Err(TargetError::OtherProcessor { path: found, file, core });
        }
        let program = executable(&found, layouts, Of::Core, notes.auxiliary.clone(), &own)?;

        let executable = named.map(|named| (named, found.as_path()));
        let places = Places { executable, sysroot: options.sysroot.as_deref() };
        let mut memory = own.clone();
        let mut problems: Vec<String> = truncation.map(truncated).into_iter().collect();
        let interrupted = || options.interrupted.load(Ordering::Relaxed);
        problems.extend(files::add(&mut memory, &own, &notes, &places, &interrupted));

        let (modules, lost) = program.modules(&memory, &interrupted, &mut |library| {
            // What was mapped has its whole path, whatever it was opened by.
            let mapped = notes.files.at(library.load_bias).map(|mapping| &*mapping.path);
            options.layouts.of_library(&places.path(mapped.unwrap_or(&library.path)))
        });
        problems.extend(lost);
        let vdso = notes.auxiliary.kernel_object();
        let processor = notes.processor;
        let data = notes.segments.iter().filter(|segment| segment.is_writable);
        let data = data.map(|segment| segment.start..segment.end).collect();
        let blocks = ControlBlocks::new(processor, data, &own, &interrupted);
        let (threads, registers) = threads(notes.threads, processor, &blocks);
        problems.extend(lost_storage(&threads, processor, &own, truncation.is_some()));
        Ok(Self {
            snapshot: Snapshot {
                memory: PageCache::new(RecordingReader::new(memory)),
                identity: Identity {
                    kind: TargetKind::Core,
                    pid: notes.pid,
                    executable: named
                        .map_or_else(|| found.to_string_lossy().into_owned(), str::to_owned),
                },
                modules,
                knowledge: with_found(&options.knowledge, &found),
                threads,
                registers,
                unwinder: Unwinder::new(processor, notes.files, vdso),
                host: None,
                interrupted: options.interrupted.clone(),
            },
            problems,
        })
    }

    /// What the core file lacks, in sentences without a full stop.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Bytes that were read from the core file and the files that belong to it so far.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.snapshot.memory.reader().bytes()
    }
}

/// Where the executable is.
fn executable_path(
    core: &Path,
    named: Option<&str>,
    options: &CoreOptions,
) -> Result<PathBuf, TargetError> {
    if let Some(given) = &options.executable {
        return Ok(given.clone());
    }
    let Some(named) = named else {
        let what = format!("{} does not say which program dumped it", core.display());
        return Err(TargetError::NoExecutable { what });
    };
    let path = match &options.sysroot {
        Some(sysroot) => below(sysroot, named),
        None => PathBuf::from(named),
    };
    // With a layout file the program itself is not needed.
    if matches!(options.layouts, Layouts::Given(_))
        || fs::metadata(&path).is_ok_and(|metadata| metadata.is_file())
    {
        return Ok(path);
    }
    let what = format!(
        "{} was dumped by {named}, and {} does not exist here",
        core.display(),
        if options.sysroot.is_some() { path.display().to_string() } else { "that".to_owned() }
    );
    Err(TargetError::NoExecutable { what })
}

/// The threads in the order of the core, which is the order in which debuggers number them. Where the
/// core has no thread pointer, the control block may be found.
fn threads(
    threads: Vec<CoreThread>,
    processor: &Processor,
    blocks: &ControlBlocks<'_>,
) -> (Vec<Thread>, Vec<Registers>) {
    let threads = threads.into_iter().zip(1..).map(|(thread, number)| {
        let CoreThread { tid, registers } = thread;
        let told = registers.thread_pointer;
        let registers: Registers = registers.general.into_iter().collect();
        let found = || blocks.thread_pointer(tid, registers.get(processor.stack_pointer)?);
        let thread_pointer = told.or_else(found);
        let selected = number == 1;
        (Thread { number, tid, name: None, thread_pointer, selected }, registers)
    });
    threads.unzip()
}

fn truncated(Truncation { length, expected }: Truncation) -> String {
    format!(
        "the core file is truncated: it has {length} of {expected} bytes, so part of the memory is \
         missing (check `ulimit -c` and the free disk space)"
    )
}

/// Whether the core lost its thread-local storage, where everything begins: a word of a thread's
/// control block is never zero.
fn lost_storage(
    threads: &[Thread],
    processor: &Processor,
    own: &CoreMemory,
    is_truncated: bool,
) -> Option<String> {
    let mut zeroed = 0;
    let mut missing = 0;
    let mut untold = 0;
    let is_apart = matches!(processor.kernel.thread_pointer, ThreadPointer::Set { .. });
    for thread in threads {
        match thread.thread_pointer {
            None if is_apart => untold += 1,
            None | Some(0) => zeroed += 1,
            Some(pointer) => {
                let word = pointer.wrapping_add_signed(processor.storage.never_zero);
                match processor.words.read_pointer(own, word) {
                    Ok(0) => zeroed += 1,
                    Ok(_) => {}
                    Err(_) => missing += 1,
                }
            }
        }
    }
    let of = |count: usize| {
        if count == threads.len() {
            "all its threads".to_owned()
        } else {
            format!("{count} of its {} threads", threads.len())
        }
    };
    if untold > 0 {
        return Some(format!(
            "the core file does not say where the thread-local storage of {} is, so unhang cannot \
             find the runtimes that they know of: gcore (gdb 13.1) and qemu leave that out for {}; \
             use a core file that the kernel wrote",
            of(untold),
            processor.name
        ));
    }
    if zeroed > 0 {
        return Some(format!(
            "the core file has zeros for the thread-local storage of {}, so unhang cannot find the \
             runtimes that they know of: gcore before gdb 18 writes such files for programs with \
             glibc 2.42 or later; use gdb 18, or a core file that the kernel wrote",
            of(zeroed)
        ));
    }
    (missing > 0 && !is_truncated).then(|| {
        format!(
            "the core file does not hold the thread-local storage of {}, so unhang cannot find the \
             runtimes that they know of (see `/proc/PID/coredump_filter`)",
            of(missing)
        )
    })
}

impl Deref for CoreTarget {
    type Target = dyn Target;

    fn deref(&self) -> &Self::Target {
        &self.snapshot
    }
}
