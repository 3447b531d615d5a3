//! What a program's async types and runtimes look like in memory, and how to read them.
//!
//! No DWARF, no Python, no terminal: layouts come through [`layout::source::LayoutSource`], the
//! process through [`target::Target`]. [`walk::inspect`] turns both into a [`report::Report`],
//! and the crate `report-text` turns that into text and JSON.

pub mod diagnosis;
pub mod fake;
pub mod knowledge;
pub mod layout;
pub mod libraries;
pub mod memory;
pub mod parallel;
pub mod report;
pub mod target;
pub mod value;
pub mod variables;
pub mod walk;
