//! Everything, for a bug report: what `async dump` and `unhang dump` print.

use std::io::{self, Write};

use super::{Beside, Look, backtrace, tasks, why, workers};
use crate::diagnosis::findings;
use crate::report::Report;

/// Writes the list of tasks, the runtimes with their workers, why they do not go on, and the
/// backtrace of every task.
///
/// # Errors
/// What `out` returns; the text then ends at once.
pub fn write(report: &Report, look: &Look, beside: &Beside, out: &mut dyn Write) -> io::Result<()> {
    // What the user has selected is of no use to who reads it.
    let look = &Look { current: None, ..look.clone() };
    tasks::write_with_hint(report, &tasks::TaskFilter::default(), look, "", out)?;
    if !report.runtimes.is_empty() {
        writeln!(out)?;
        workers::write_runtimes(report, look, out)?;
    }
    let findings = findings(report);
    if !findings.is_empty() {
        writeln!(out)?;
        why::write_findings(report, &findings, look, out)?;
    }
    for task in &report.tasks {
        writeln!(out)?;
        backtrace::write(report, task, look, beside, out)?;
    }
    Ok(())
}
