//! The task list.

use std::io::{self, Write};

use super::Look;
use crate::report::{Report, TaskState};

/// Which tasks to show, and how.
#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    /// Only tasks in one of these states; empty for all.
    pub states: Vec<TaskState>,
    /// Only tasks one of whose frames has this text in its function or file.
    pub with: Vec<String>,
    /// Only tasks none of whose frames has this text in its function or file.
    pub without: Vec<String>,
    /// Group by await stack (`Some(true)`), never (`Some(false)`), or when there are many tasks.
    pub group: Option<bool>,
    /// Show at most so many lines; `None` for the default, 0 for all of them (`--all`).
    pub limit: Option<usize>,
}

/// Writes the header line, a line a task (or a group), and how complete the list is.
///
/// # Errors
/// What `out` returns; the listing then ends at once.
pub fn write(
    report: &Report,
    filter: &TaskFilter,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let _ = (report, filter, look);
    out.flush()
}
