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

    /// The name of a child of the process, and whether it has ended and nobody asked how; `None`
    /// when there is no such child.
    fn child(&self, pid: u64) -> Option<(String, bool)>;
}

/// An open file of a process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// Where it leads: `on 127.0.0.1:8080`, `to 127.0.0.1:40123`, `on /run/app.sock`.
    pub place: String,
    /// The state of its connection and the near end of that: `established, from 127.0.0.1:8080`;
    /// `None` for what is not connected.
    pub state: Option<String>,
    /// The near and the far end of a socket that is connected: `127.0.0.1:8080`; `None` for
    /// what is not connected.
    pub ends: Option<(String, String)>,
}
