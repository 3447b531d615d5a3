//! A system that knows what a test tells it.

use std::time::Duration;

use crate::target::host::{BlockedProcess, Descriptor, FileLock, Host, Ran};

/// A host that knows the time, and which processes wait for this one.
#[derive(Default)]
pub(super) struct FakeHost {
    pub(super) stopped_at: Option<Duration>,
    pub(super) blocked: Vec<BlockedProcess>,
}

impl Host for FakeHost {
    fn monotonic_now(&self) -> Option<Duration> {
        self.stopped_at
    }

    fn stopped_at(&self) -> Option<Duration> {
        self.stopped_at
    }

    fn descriptor(&self, _fd: u64) -> Option<Descriptor> {
        None
    }

    fn is_named_pipe(&self, _path: &str) -> Option<bool> {
        None
    }

    fn file_lock(&self, _fd: u64) -> Option<FileLock> {
        None
    }

    fn ran(&self, _tid: u64) -> Option<Ran> {
        None
    }

    fn child(&self, _pid: u64) -> Option<(String, bool)> {
        None
    }

    fn blocked_processes(&self) -> Vec<BlockedProcess> {
        self.blocked.clone()
    }
}
