//! A process or a core file, inspected without a debugger.
//!
//! [`LiveProcess`] and [`CoreTarget`] give what
//! [`runtime_layouts::walk::inspect`] asks for: memory, threads with their registers, and native
//! stacks.
//!
//! | question | where it is answered |
//! |---|---|
//! | how a process is stopped and let go | `live::stop` |
//! | how the stop is kept short | `live::brief`, `live::frozen` |
//! | how one is looked at that a debugger has stopped | `live::debugged` |
//! | why it may not be | `live::refusal` |
//! | what `/proc` says of it | `live::proc` |
//! | where thread pointers are when nothing is stopped | `live::unstopped` |
//! | what a core file says | `core::notes` |
//! | where a core's bytes are, in it or in other files | `core::memory` |
//! | what is mapped where | `mappings`, `image` |
//! | who called whom | `unwind` |
//! | layouts for the executable | `executable` |

pub mod core;
mod error;
mod executable;
#[doc(hidden)]
pub mod fuzzed;
mod image;
pub mod live;
mod mappings;
mod snapshot;
mod unwind;

pub use self::core::{CoreOptions, CoreTarget};
pub use error::TargetError;
pub use executable::Layouts;

pub use live::{Debugged, Inspection, LiveOptions, LiveProcess, LiveTarget, traced_registers};
