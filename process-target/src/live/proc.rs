//! What `/proc` says of a process.
//!
//! Source: `proc(5)`, `proc_pid_status(5)`, `proc_pid_stat(5)`, `proc_pid_auxv(5)`.

use std::collections::HashMap;
use std::fs;
use std::io;

use runtime_layouts::target::auxiliary::AuxiliaryVector;

/// `PF_KTHREAD`, `include/linux/sched.h`: the same bit since Linux 2.6.27.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// `/proc/PID/status`, as far as it matters here.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Status {
    pub(super) name: String,
    /// `R`, `S`, `D`, `T`, `t`, `Z`, `X`.
    pub(super) state: char,
    /// The process that a thread belongs to.
    pub(super) process: u64,
    /// Who traces it; 0 for nobody.
    pub(super) tracer: u64,
    /// Its effective user.
    pub(super) user: u64,
    /// The effective capabilities, as bits.
    pub(super) capabilities: u64,
}

impl Status {
    /// Of a process, or of one of its threads.
    pub(super) fn of(id: u64) -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string(format!("/proc/{id}/status"))?))
    }

    /// Of this process.
    pub(super) fn own() -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string("/proc/self/status")?))
    }

    fn parse(text: &str) -> Self {
        let mut status = Self::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once(":\t")) {
            let number = || value.trim().parse().unwrap_or(0);
            match key {
                "Name" => status.name = value.to_owned(),
                "State" => status.state = value.chars().next().unwrap_or('?'),
                "Tgid" => status.process = number(),
                "TracerPid" => status.tracer = number(),
                "Uid" => {
                    let effective = value.split_ascii_whitespace().nth(1);
                    status.user = effective.and_then(|id| id.parse().ok()).unwrap_or(0);
                }
                "CapEff" => {
                    status.capabilities = u64::from_str_radix(value.trim(), 16).unwrap_or(0);
                }
                _ => {}
            }
        }
        status
    }
}

/// Whether it is a part of the kernel.
pub(super) fn is_kernel_thread(pid: u64) -> bool {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // The name, which may hold anything, ends at the last parenthesis; the flags are the seventh
    // field after it.
    let flags = text.rsplit_once(')').and_then(|(_, rest)| rest.split_ascii_whitespace().nth(6));
    flags.and_then(|flags| flags.parse::<u64>().ok()).is_some_and(|f| f & KERNEL_THREAD != 0)
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

/// What the kernel told the program at its start; empty when it does not say.
pub(super) fn auxiliary_vector(pid: u64) -> AuxiliaryVector {
    let bytes = fs::read(format!("/proc/{pid}/auxv")).unwrap_or_default();
    AuxiliaryVector::new(auxiliary_entries(&bytes))
}

/// The pairs of an auxiliary vector of a 64-bit process of this machine's byte order.
pub(crate) fn auxiliary_entries(bytes: &[u8]) -> HashMap<u64, u64> {
    let words: Vec<u64> = bytes
        .chunks_exact(8)
        .map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()))
        .collect();
    words
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        // `AT_NULL` ends it.
        .take_while(|(key, _)| *key != 0)
        .collect()
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

    /// `NUMBER ARGUMENT… SP PC`, or `-1 SP PC` outside a call, or `running`.
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
        let text = "Name:\tan app\nState:\tt (tracing stop)\nTgid:\t41\nPid:\t42\nTracerPid:\t7\n\
                    Uid:\t1\t1000\t2\t3\nCapEff:\t00000000a80425fb\n";
        let expected = Status {
            name: "an app".into(),
            state: 't',
            process: 41,
            tracer: 7,
            user: 1000,
            capabilities: 0xa804_25fb,
        };
        assert_eq!(Status::parse(text), expected);
        let own = Status::own().expect("there is one");
        assert_eq!(own.process, u64::from(std::process::id()));
        assert!(!is_kernel_thread(own.process));
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
    fn an_auxiliary_vector_ends_with_null() {
        let bytes: Vec<u8> =
            [9u64, 0x1000, 0, 0, 3, 4].iter().flat_map(|w| w.to_ne_bytes()).collect();
        assert_eq!(auxiliary_entries(&bytes), HashMap::from([(9, 0x1000)]));
        let own = auxiliary_vector(std::process::id().into());
        assert!(own.entry().is_some());
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
