//! What a program's async types and runtimes look like in memory, and how to read them.
//!
//! No DWARF, no Python, no terminal: layouts come through [`layout::source::LayoutSource`], the
//! process through [`target::Target`]. [`walk::inspect`] turns both into a [`report::Report`],
//! and [`render`] turns that into text and JSON.

pub mod async_channel;
pub mod async_lock;
pub mod diagnosis;
pub mod expected;
pub mod fake;
pub mod flume;
pub mod futures;
pub mod layout;
pub mod memory;
pub mod own_threads;
pub mod render;
pub mod report;
pub mod show;
pub mod standard;
pub mod target;
pub mod tokio;
pub mod tokio_util;
pub mod value;
pub mod walk;
