//! A world built by hand, for tests and fuzzing: layouts, memory, threads, and a miniature tokio.
//!
//! It stands in for files and processes where a test is about one odd byte; whether the real thing
//! is read rightly, only real programs tell.

mod layouts;
mod memory;
pub mod processor;
mod report;
pub mod service;
mod target;
pub mod tokio;
pub mod toy;

pub use layouts::FakeLayouts;
pub use memory::FakeMemory;
pub use report::{FakeFrame, FakeReport, finding_lines, link_line};
pub use target::FakeTarget;
