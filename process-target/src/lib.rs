//! A process or a core file, inspected without a debugger.
//!
//! [`LiveProcess`] and [`CoreTarget`] give what
//! [`runtime_layouts::walk::inspect`] asks for: memory, threads with their registers, and native
//! stacks.
//!
//! ```
//! use std::process::{Command, Stdio};
//!
//! use process_target::{LiveOptions, LiveProcess};
//! use runtime_layouts::target::Target;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut child = Command::new("cat").stdin(Stdio::piped()).spawn()?;
//!
//! // All that takes long is done while the process still runs.
//! let process = LiveProcess::open(child.id().into(), &LiveOptions::default())?;
//! let mut stopped = process.stop()?;
//! assert_eq!(stopped.threads().len(), 1);
//! assert_eq!(stopped.threads()[0].tid, u64::from(child.id()));
//! let frames = stopped.native_frames(&stopped.threads()[0], 100);
//! assert!(frames.len() > 1, "somebody called what waits for input");
//! assert!(stopped.release().is_some(), "it goes on");
//!
//! // A program without an async runtime has no tasks.
//! assert!(process.inspect()?.report.tasks.is_empty());
//! # child.kill()?;
//! # child.wait()?;
//! # Ok(())
//! # }
//! ```
//!
//! | question | where it is answered |
//! |---|---|
//! | how a process is stopped and let go | `live::stop` |
//! | how the stop is kept short | `live::short_stop`, `live::memory_copy` |
//! | how one is looked at that a debugger has stopped | `live::traced_by_debugger` |
//! | why it may not be | `live::refusal` |
//! | what `/proc` says of it | `live::proc` |
//! | what else the system knows of it | `host` |
//! | which child processes wait for it | `host::blocked_processes` |
//! | how its memory is read | `live::memory` |
//! | how its registers are read | `live::registers` |
//! | what a core file says | `core::notes` |
//! | where a core's bytes are, in it or in other files | `core::memory` |
//! | what is mapped where | `mappings` |
//! | who called whom | `unwind` |
//! | layouts for the executable | `executable` |

pub mod core;
mod error;
mod executable;
#[doc(hidden)]
pub mod fuzzed;
pub mod host;
mod live;
mod mappings;
mod read_log;
mod signals;
mod snapshot;
mod unwind;

pub use self::core::{CoreOptions, CoreTarget};
pub use error::TargetError;
pub use executable::Layouts;

pub use host::LocalHost;
pub use live::{
    Inspection, LiveError, LiveMemory, LiveOptions, LiveProcess, LiveTarget, ThreadRegisters,
    TracedProcess,
};
pub use signals::keep_from_own_threads;
