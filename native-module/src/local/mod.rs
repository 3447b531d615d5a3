//! A process of this machine, as the system shows it without the debugger: faster, and more than a
//! debugger tells. On Linux alone; elsewhere there is no such process.

// Tests compile it too, so that a change of what it stands for is noticed on Linux.
#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "Linux has the real ones"))]
mod elsewhere;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{
    LiveMemory, LocalHost, ThreadRegisters, TracedProcess, keep_from_own_threads,
};
#[cfg(target_os = "linux")]
pub(crate) use process_target::{
    LiveMemory, LocalHost, ThreadRegisters, TracedProcess, keep_from_own_threads,
};
