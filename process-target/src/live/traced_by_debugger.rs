//! A process that a debugger traces: registers and native stacks, without the debugger's help.
//!
//! A debugger that walks a stack looks up what it passes, and reads symbols for that: in a large
//! program this takes longer than everything else. Call frame information is all that a walk needs.

use std::io;

use nix::unistd::Pid;
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::target::NativeFrame;
use runtime_layouts::target::processors::Processor;

use super::proc;
use super::registers::{self, ThreadRegisters};
use crate::unwind::Unwinder;

/// A process of this system that stands still under a debugger.
pub struct TracedProcess {
    unwinder: Unwinder,
    processor: &'static Processor,
}

impl TracedProcess {
    /// The process as it stands now.
    ///
    /// # Errors
    /// When the system does not say what is mapped where.
    pub fn new(pid: u64, processor: &'static Processor) -> io::Result<Self> {
        Ok(Self { unwinder: Unwinder::new(processor, proc::mappings(pid)?, None), processor })
    }

    /// The registers of a thread; `None` when it does not stand still, and when the calling thread
    /// does not trace it. gdb's main thread, on which its Python runs, traces what it debugs; lldb
    /// leaves that to another process.
    #[must_use]
    pub fn registers(&self, tid: u64) -> Option<ThreadRegisters> {
        let tid = Pid::from_raw(i32::try_from(tid).ok()?);
        registers::of(tid, self.processor).ok()
    }

    /// The frames of a thread, innermost first, at most `limit`, from the registers of its
    /// innermost frame by DWARF number.
    pub fn frames(
        &self,
        registers: &[(u16, u64)],
        memory: &dyn MemoryReader,
        limit: usize,
    ) -> Vec<NativeFrame> {
        self.unwinder.frames(&registers.iter().copied().collect(), memory, limit)
    }
}
