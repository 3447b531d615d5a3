//! What `/proc` says of a process.
//!
//! The crate procfs reads it, except where a process stands still meanwhile or where its words may be
//! anything: procfs opens the folder of each thread for their list, gives up all mappings for the
//! sake of one odd path, and takes a thread outside of a call for an error.
//!
//! Source: `proc(5)`, `proc_pid_status(5)`, `proc_pid_stat(5)`, `proc_pid_auxv(5)`.

use std::fs;
use std::io;

use procfs::process::{Process, StatFlags, Status};
use procfs::{Current, Meminfo, ProcError, ProcResult};
use runtime_layouts::memory::word_format::WordFormat;
use runtime_layouts::target::auxiliary_vector::AuxiliaryVector;

use crate::mappings::Mappings;

/// A process, or one of its threads.
fn process(id: u64) -> ProcResult<Process> {
    Process::new(i32::try_from(id).map_err(|_| ProcError::NotFound(None))?)
}

/// `/proc/PID/status` of a process, or of one of its threads.
pub(super) fn status(id: u64) -> ProcResult<Status> {
    process(id)?.status()
}

/// The same of this process.
pub(super) fn own_status() -> ProcResult<Status> {
    Process::myself()?.status()
}

/// `R`, `S`, `D`, `T`, `t`, `Z`, `X`; `?` when the system does not tell.
pub(super) fn state(status: &Status) -> char {
    status.state.chars().next().unwrap_or('?')
}

/// The name of a process, which may hold anything.
pub(super) fn name(pid: u64) -> Option<String> {
    Some(process(pid).ok()?.stat().ok()?.comm)
}

/// Whether it is a part of the kernel.
pub(super) fn is_kernel_thread(pid: u64) -> bool {
    let stat = process(pid).and_then(|process| process.stat());
    let flags = stat.and_then(|stat| stat.flags());
    flags.is_ok_and(|flags| flags.contains(StatFlags::PF_KTHREAD))
}

/// Bytes of memory that this system has left; `None` when it does not tell.
pub(super) fn available_memory() -> Option<u64> {
    Meminfo::current().ok()?.mem_available
}

/// What a process has mapped.
pub(super) fn mappings(pid: u64) -> io::Result<Mappings> {
    let maps = fs::read(format!("/proc/{pid}/maps"))?;
    Ok(Mappings::of_proc(&String::from_utf8_lossy(&maps)))
}

/// The threads of a process: the first one first, then by id.
pub(super) fn threads(pid: u64) -> io::Result<Vec<u64>> {
    let mut threads: Vec<u64> = fs::read_dir(format!("/proc/{pid}/task"))?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    threads.sort_unstable_by_key(|tid| (*tid != pid, *tid));
    Ok(threads)
}

/// The name of a thread.
pub(super) fn thread_name(pid: u64, tid: u64) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/task/{tid}/comm")).ok()?;
    let name = String::from_utf8_lossy(&name);
    Some(name.trim_end_matches('\n').to_owned()).filter(|name| !name.is_empty())
}

/// What the kernel told the program at its start, in its pointers; empty when it does not say.
pub(super) fn auxiliary_vector(pid: u64, words: WordFormat) -> AuxiliaryVector {
    let bytes = fs::read(format!("/proc/{pid}/auxv")).unwrap_or_default();
    AuxiliaryVector::parse(&bytes, words)
}

/// Where a thread waits: `/proc/PID/task/TID/syscall`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Waiting {
    pub(super) stack_pointer: u64,
    pub(super) program_counter: u64,
}

impl Waiting {
    /// Of a thread that is in a system call, or was put aside by the scheduler; `None` when it
    /// runs at this moment.
    pub(super) fn of(pid: u64, tid: u64) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?)
    }

    /// `NUMBER ARGUMENT… SP PC`, or `-1 SP PC` outside a call, which procfs does not take, or
    /// `running`.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace().rev();
        let mut hexadecimal = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
        let program_counter = hexadecimal()?;
        let stack_pointer = hexadecimal()?;
        Some(Self { stack_pointer, program_counter }).filter(|waiting| waiting.stack_pointer != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_status() {
        let own = own_status().expect("there is one");
        let pid = std::process::id();
        assert_eq!(u32::try_from(own.tgid), Ok(pid));
        assert!(matches!(state(&own), 'R' | 'S'));
        assert!(name(pid.into()).is_some());
        assert!(!is_kernel_thread(pid.into()));
        assert!(status(0x7fff_fffe).is_err() && status(u64::MAX).is_err());
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn reads_where_a_thread_waits() {
        let waiting = Waiting::parse("202 0x7f 0x0 0x1 0x0 0x0 0x0 0x7ffe10 0x7f33\n");
        let expected = Waiting { stack_pointer: 0x7f_fe10, program_counter: 0x7f33 };
        assert_eq!(waiting, Some(expected));
        assert_eq!(Waiting::parse("-1 0x7ffe10 0x7f33\n"), Some(expected));
        assert_eq!(Waiting::parse("running\n"), None);
        assert_eq!(Waiting::parse("0 0x0 0x0"), None, "a kernel thread");
    }

    #[test]
    fn the_kernel_says_where_a_program_begins() {
        let pointer_size = size_of::<usize>() as u8;
        let words = WordFormat { pointer_size, big_endian: cfg!(target_endian = "big") };
        let own = auxiliary_vector(std::process::id().into(), words);
        assert!(own.entry().is_some() && own.kernel_object().is_some());
    }

    #[test]
    fn the_first_thread_comes_first() {
        let pid = u64::from(std::process::id());
        let threads = threads(pid).expect("there are some");
        assert_eq!(threads.first(), Some(&pid));
        assert!(threads[1..].is_sorted());
        assert!(thread_name(pid, pid).is_some());
    }
}
