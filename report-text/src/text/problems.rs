//! What could not be read of a report as a whole.

use std::io;

use super::style::{Out, Style};
use runtime_layouts::report::Report;

/// What could not be read or may be wrong, beyond a single task.
pub(super) fn write_problems(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    report.problems.iter().try_for_each(|problem| out.styled_line(Style::Warning, problem))
}
