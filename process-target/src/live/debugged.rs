//! A process that a debugger has stopped: registers and native stacks, without the debugger.
//!
//! A debugger that walks a stack looks up what it passes, and reads symbols for that: in a large
//! program this takes longer than everything else. Call frame information is all that a walk needs.

use std::fs;
use std::io;

use nix::unistd::Pid;
use runtime_layouts::memory::MemoryReader;
use runtime_layouts::target::NativeFrame;
use runtime_layouts::target::processor::Processor;

use super::registers;
use crate::mappings::Mappings;
use crate::unwind::Unwinder;

/// A process of this machine that stands still.
pub struct Debugged {
    unwinder: Unwinder,
}

impl Debugged {
    /// The process as it stands now.
    ///
    /// # Errors
    /// When the system does not say what is mapped where.
    pub fn new(pid: u64, processor: &'static Processor) -> io::Result<Self> {
        let maps = fs::read(format!("/proc/{pid}/maps"))?;
        let mappings = Mappings::of_proc(&String::from_utf8_lossy(&maps));
        Ok(Self { unwinder: Unwinder::new(processor, mappings, None) })
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

/// The registers of a thread as `NT_PRSTATUS` has them; `None` when it does not stand still, and
/// when the calling thread does not trace it. gdb's main thread, on which its Python runs, traces
/// what it debugs; lldb leaves that to another process.
#[must_use]
pub fn traced_registers(tid: u64) -> Option<Vec<u64>> {
    registers::words(Pid::from_raw(i32::try_from(tid).ok()?)).ok()
}
