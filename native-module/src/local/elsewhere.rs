//! Stubs for systems other than Linux, where only the debugger can look at a process. The types with an
//! `Infallible` in them can never be made.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use runtime_layouts::memory::{MemoryReader, ReadError};
use runtime_layouts::target::NativeFrame;
use runtime_layouts::target::host::{BlockedProcess, Descriptor, FileLock, Host, Ran};
use runtime_layouts::target::processors::Processor;

/// The memory of a process.
pub(crate) struct LiveMemory(Infallible);

impl LiveMemory {
    /// There is none.
    pub(crate) fn open(_pid: u64) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl MemoryReader for LiveMemory {
    fn read(&self, _address: u64, _buffer: &mut [u8]) -> Result<(), ReadError> {
        match self.0 {}
    }
}

/// What the system says of a process: nothing.
pub(crate) struct LocalHost;

impl LocalHost {
    pub(crate) fn of(_pid: u64) -> Self {
        Self
    }

    pub(crate) fn at_its_first_stop(self) -> Self {
        self
    }
}

impl Host for LocalHost {
    fn monotonic_now(&self) -> Option<Duration> {
        None
    }

    fn stopped_at(&self) -> Option<Duration> {
        None
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
        Vec::new()
    }
}

/// The registers of a thread.
pub(crate) struct ThreadRegisters {
    pub(crate) general: Vec<(u16, u64)>,
    pub(crate) thread_pointer: Option<u64>,
}

/// A process whose threads the debugger traces from here.
pub(crate) struct TracedProcess(Infallible);

impl TracedProcess {
    /// There is none.
    pub(crate) fn new(_pid: u64, _processor: &'static Processor) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn registers(&self, _tid: u64) -> Option<ThreadRegisters> {
        match self.0 {}
    }

    pub(crate) fn frames(
        &self,
        _registers: &[(u16, u64)],
        _memory: &dyn MemoryReader,
        _limit: usize,
    ) -> Vec<NativeFrame> {
        match self.0 {}
    }
}

/// Does nothing: there the debugger keeps its own threads from signals itself.
pub(crate) fn keep_from_own_threads() {}
