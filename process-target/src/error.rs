//! Errors: why a process or core file cannot be inspected, each in one sentence that says what to
//! do.

use std::path::PathBuf;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// No process has that id, or `/proc` hides it.
    #[error("there is no process {pid}")]
    NoSuchProcess {
        /// What was asked for.
        pid: u64,
    },
    /// It ended and waits for its parent.
    #[error("process {pid} ({name}) has ended; it is a zombie until its parent reaps it")]
    Zombie {
        /// The process.
        pid: u64,
        /// Its name.
        name: String,
    },
    /// It is a part of the kernel.
    #[error("process {pid} ({name}) is a kernel thread: it has no program to inspect")]
    KernelThread {
        /// The process.
        pid: u64,
        /// Its name.
        name: String,
    },
    /// A debugger holds it: there can be one only.
    #[error(
        "process {pid} is being debugged by process {tracer} ({name}): use that debugger, detach \
         it, or inspect the process without stopping it (`--no-stop`)"
    )]
    Traced {
        /// The process.
        pid: u64,
        /// Who traces it.
        tracer: u64,
        /// The tracer's name.
        name: String,
    },
    /// The system does not allow it.
    #[error("not permitted to inspect process {pid}: {advice}")]
    NotPermitted {
        /// The process.
        pid: u64,
        /// The most likely reason, and what to do.
        advice: String,
    },
    /// A thread of the process could not be stopped for another reason.
    #[error("cannot stop process {pid}: {reason}")]
    CannotStop {
        /// The process.
        pid: u64,
        /// What the system said.
        reason: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is no core file that can be read.
    #[error("{} is not a readable core file: {what}", path.display())]
    NotACore {
        /// The file.
        path: PathBuf,
        /// What it is, or what is wrong with it.
        what: String,
    },
    /// The core file does not say where the executable is, or it is not there.
    #[error("{what}: give its executable with `--exe`")]
    NoExecutable {
        /// What is missing.
        what: String,
    },
    /// The executable's layouts cannot be had.
    #[error(transparent)]
    Layouts(#[from] layout_extractor::OpenError),
    /// What was given as the program's twin is none.
    #[error(transparent)]
    Twin(#[from] layout_extractor::TwinError),
    /// The file is another build than what runs.
    #[error(
        "{} is not the program that {subject}: {reason}. It was probably rebuilt; {remedy}",
        path.display()
    )]
    NotTheProgram {
        /// The file.
        path: PathBuf,
        /// `runs` or `dumped this core`.
        subject: &'static str,
        /// What tells the two apart.
        reason: runtime_layouts::target::program::NotTheProgram,
        /// What to do.
        remedy: &'static str,
    },
    /// The file is a program for another processor than the one that the core file is of.
    #[error(
        "{} is a program for {file}, but the core file is of one for {core}: give the right one \
         with `--exe`",
        path.display()
    )]
    OtherProcessor {
        /// The file.
        path: PathBuf,
        /// Its processor.
        file: &'static str,
        /// The processor that the core file is of.
        core: &'static str,
    },
    /// The processor is not known.
    #[error("unhang does not support this processor (ELF machine {machine}) yet")]
    Processor {
        /// ELF `e_machine`.
        machine: u16,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}
