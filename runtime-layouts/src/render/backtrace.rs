//! The async backtrace.

use std::io::{self, Write};

use super::Look;
use crate::report::{Report, Task};

/// Writes one task's backtrace, innermost frame first.
///
/// # Errors
/// What `out` returns; the listing then ends at once.
pub fn write(report: &Report, task: &Task, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let _ = (report, task, look);
    out.flush()
}

/// Writes one frame as the backtrace shows it, with its number: what `async frame N` prints.
///
/// # Errors
/// What `out` returns.
pub fn write_frame(
    report: &Report,
    task: &Task,
    number: usize,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let _ = (report, task, number, look);
    out.flush()
}

/// How many frames the backtrace of the task has: their numbers are `0..count`.
#[must_use]
pub fn frame_count(task: &Task) -> usize {
    let _ = task;
    0
}
