//! Facts about a process that the host system knows and its memory does not show: the time, open
//! files, child processes.

use std::time::Duration;

/// The system that a process runs on, as far as it concerns that process.
pub trait Host: Send + Sync {
    /// The time of the monotonic clock when the process was looked at; `None` when the system does
    /// not tell.
    ///
    /// It is the clock of `std::time::Instant` (`library/std/src/sys/time/unix.rs`, Rust 1.95).
    fn monotonic_now(&self) -> Option<Duration>;

    /// The same, where the process ran until then and stopped at that moment; `None` when it may
    /// have stood still before, as in a debugger after its first stop.
    fn stopped_at(&self) -> Option<Duration>;

    /// An open file of the process; `None` for one that has no place with a name, or when the
    /// system does not tell.
    fn descriptor(&self, fd: u64) -> Option<Descriptor>;

    /// Whether a path of the process, from its own folder if it begins in none, leads to a named pipe;
    /// `None` where it leads nowhere, or the system does not tell.
    fn is_named_pipe(&self, path: &str) -> Option<bool>;

    /// Who has a lock of what an open file of the process is; `None` when nobody has, or when the system
    /// does not tell.
    fn file_lock(&self, fd: u64) -> Option<FileLock>;

    /// For how long a thread of the process was on a processor; `None` when the system does not tell.
    fn ran(&self, tid: u64) -> Option<Ran>;

    /// The name of a child of the process, and whether it has ended and nobody asked how; `None`
    /// when there is no such child.
    fn child(&self, pid: u64) -> Option<(String, bool)>;

    /// The processes that the process began, and theirs, that sleep in a call on a pipe of which the
    /// process has the other end; none when the system does not tell.
    fn blocked_processes(&self) -> Vec<BlockedProcess>;
}

/// A process that sleeps in a call until the one that began it sends, or takes, or closes a pipe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockedProcess {
    /// Its id.
    pub pid: u64,
    /// The id of the child that it is, or that began it.
    pub child: u64,
    /// Its name, as the system has it.
    pub name: String,
    /// Whether it reads; else it writes.
    pub reads: bool,
    /// The file of the process that began it which is the other end of that pipe.
    pub fd: u64,
    /// The files of that process which are the other ends of its other pipes.
    pub others: Vec<u64>,
}

/// For how long a thread was on a processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ran {
    /// Since it began.
    pub total: Duration,
    /// What was seen of it before the process stopped; `None` when it was not watched.
    pub watched: Option<Watched>,
}

/// What was seen of a thread before its process stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watched {
    /// For how long it was watched.
    pub time: Duration,
    /// For how much of that it was on a processor.
    pub ran: Duration,
    /// Whether it slept in the kernel all the time.
    pub slept: bool,
}

impl Ran {
    /// Whether the thread may have done one and the same for so long: it computed, or it slept in a
    /// call. One that was stopped meanwhile, or that the system had no processor for, did neither.
    ///
    /// A machine that has much to do leaves a thread a part of the time.
    #[must_use]
    pub fn may_be_busy_for(&self, time: Duration) -> bool {
        match self.watched {
            Some(watched) if watched.time >= WATCHED => {
                watched.slept || watched.ran >= COMPUTED.min(watched.time / PART)
            }
            _ => self.total >= time / PART,
        }
    }
}

/// So long a look tells whether a thread computes.
const WATCHED: Duration = Duration::from_millis(20);
/// A thread that was on a processor for so long, and did not come to its end, computes.
const COMPUTED: Duration = Duration::from_millis(10);
/// What part of the time a thread that computes is on a processor, at least.
const PART: u32 = 4;

/// An open file of a process.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Descriptor {
    /// What it is: `pipe`, `Unix socket`, `pidfd of process 4711`; `None` for what has a place, and
    /// where the system does not tell.
    pub kind: Option<String>,
    /// Where it leads: `on 127.0.0.1:8080`, `to 127.0.0.1:40123`, `to /run/app.sock`; `None` for what
    /// leads nowhere that has a name.
    pub place: Option<String>,
    /// The state of its connection and the near end of that: `established, from 127.0.0.1:8080`;
    /// `None` for what is not connected.
    pub state: Option<String>,
    /// The near and the far end of a socket that is connected: `127.0.0.1:8080`, `Unix socket 4711`,
    /// `/run/app.sock (socket 4712)`; `None` for what is not connected. No two sockets have both alike.
    pub ends: Option<(String, String)>,
    /// Whether calls on it wait for it, and not fail at once; `None` where the system does not tell.
    pub blocks: Option<bool>,
    /// Of a socket that listens: what its clients connect to, `127.0.0.1:8080`, and how many connections
    /// are established and wait to be accepted; `None` for any other file.
    pub listens: Option<(String, u64)>,
    /// Of a socket that is connected with one that this system has not given to any process: the address
    /// of the socket that listens there, as [`Descriptor::listens`] has it; `None` for any other file.
    pub unaccepted_by: Option<String>,
}

/// A lock of a file, as `flock` and its like make it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileLock {
    /// The path of the file.
    pub path: String,
    /// The open files of the process that have it.
    pub own: Vec<u64>,
    /// The other processes that have it, with their names.
    pub others: Vec<(u64, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn what_had_no_processor_was_not_busy() {
        let total = |total| Ran { total, watched: None }.may_be_busy_for(SECOND);
        assert!(total(SECOND) && total(SECOND / 4));
        assert!(!total(milliseconds(249)));
    }

    #[test]
    fn what_was_seen_of_a_thread_tells_more_than_all_its_life() {
        let seen = |time, ran, slept| {
            let watched = Watched { time: milliseconds(time), ran: milliseconds(ran), slept };
            Ran { total: 60 * SECOND, watched: Some(watched) }.may_be_busy_for(SECOND)
        };
        assert!(seen(200, 200, false), "it computes");
        assert!(seen(200, 0, true), "it sleeps in a call");
        assert!(!seen(200, 2, false), "it was stopped, or the system had no processor for it");
        assert!(seen(30, 8, false) && !seen(30, 7, false));
        assert!(seen(3, 0, false), "too short a look");
    }
}
