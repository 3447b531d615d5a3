//! Processes made by hand, for tests and fuzzing: layouts, memory, threads, and a miniature tokio.
//!
//! A fake process suits a test about one odd byte. Only real programs show whether unhang reads the
//! real thing correctly.

mod host;
mod layouts;
mod lines;
mod memory;
pub mod processor;
mod report;
pub mod service;
mod target;
pub mod tokio;
pub mod toy;

pub use layouts::FakeLayouts;
pub use lines::{finding_lines, link_line};
pub use memory::FakeMemory;
pub use report::{FakeFrame, FakeReport};
pub use target::FakeTarget;
