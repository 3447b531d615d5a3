//! The registers of a stopped thread that this process traces.
//!
//! They are in the kernel's format for core files, so one table of the processor serves both and
//! this file names no processor. `nix` has the call only for the processor that it was compiled
//! for, and only for the general registers.
//!
//! This is the one file of the crate with `unsafe`: the system call, which fills a buffer.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc::{self, c_void, iovec};
use nix::unistd::Pid;
use object::elf::NT_PRSTATUS;
use runtime_layouts::target::processors::{Processor, ThreadPointer};

/// No set that is asked for has more bytes: general registers of at most 128 words.
const LONGEST_SET: usize = 1024;

/// What is known of a thread that stands still.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ThreadRegisters {
    /// Its general registers, by DWARF number.
    pub general: Vec<(u16, u64)>,
    /// Its thread pointer; `None` when the system does not give it.
    pub thread_pointer: Option<u64>,
}

/// The registers of a thread.
///
/// # Errors
/// When it does not stand still, and when the calling thread does not trace it.
pub(super) fn of(tid: Pid, processor: &Processor) -> nix::Result<ThreadRegisters> {
    let set = register_set(tid, NT_PRSTATUS.0)?;
    let thread_pointer = match processor.kernel.thread_pointer {
        ThreadPointer::Word(_) => processor.kernel_thread_pointer(&set),
        ThreadPointer::Set { kind, .. } => {
            register_set(tid, kind).ok().and_then(|set| processor.thread_pointer_in_set(&set))
        }
    };
    Ok(ThreadRegisters { general: processor.kernel_registers(&set), thread_pointer })
}

/// A set of registers of that type of note: `PTRACE_GETREGSET`, `ptrace(2)`.
fn register_set(tid: Pid, kind: u32) -> nix::Result<Vec<u8>> {
    let mut bytes = [0_u8; LONGEST_SET];
    let mut buffer = iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: the call reads registers of another thread. It writes into the buffer no more than
    // the length that it is told, and puts into `iov_len` how much that was.
    let result = unsafe {
        let kind = kind as usize as *mut c_void;
        libc::ptrace(libc::PTRACE_GETREGSET, tid.as_raw(), kind, &raw mut buffer)
    };
    Errno::result(result)?;
    Ok(bytes[..buffer.iov_len.min(LONGEST_SET)].to_vec())
}
