//! The text and the JSON of a report: what every front prints.
//!
//! Both are drawn from the [`Report`](runtime_layouts::report::Report) alone; lines of source files
//! and variables of the process are read [beside](text::Beside) it.

pub mod json;
pub mod text;
