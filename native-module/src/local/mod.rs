//! A process of this machine, as the system shows it without the debugger: faster, and more than a
//! debugger tells. On Linux alone; elsewhere there is no such process.

#[cfg(not(target_os = "linux"))]
mod elsewhere;

#[cfg(not(target_os = "linux"))]
pub(crate) use elsewhere::{
    LiveMemory, LocalHost, ThreadRegisters, TracedProcess, keep_from_own_threads,
};
#[cfg(target_os = "linux")]
pub(crate) use process_target::{
    LiveMemory, LocalHost, ThreadRegisters, TracedProcess, keep_from_own_threads,
};
