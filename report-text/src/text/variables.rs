//! The variables of one frame.

use std::io::{self, Write};

use super::Look;
use super::frames::{Line, lines};
use super::style::{Style, styled};
use runtime_layouts::report::{Frame, Report, Task};
use runtime_layouts::variables::locals::{Local, Locals};

/// The frame of that number in a task's backtrace.
#[must_use]
pub fn frame(task: &Task, number: usize) -> Option<&Frame> {
    lines(task).into_iter().find_map(|line| match line {
        Line::Frame { number: this, frame, .. } if this == number => Some(frame),
        _ => None,
    })
}

/// Writes the variables of a frame, a line each.
///
/// # Errors
/// What `out` returns.
pub fn write(
    report: &Report,
    frame: &Frame,
    locals: &Locals<'_>,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    match locals.of(report, frame) {
        Err(sentence) => writeln!(out, "{sentence}"),
        Ok(variables) if variables.is_empty() => writeln!(out, "This frame has no variables."),
        Ok(variables) => {
            for local in &variables {
                writeln!(out, "{}", line(local, look))?;
            }
            Ok(())
        }
    }
}

/// `stock: MutexGuard<Inventory> = MutexGuard { … }`.
pub(super) fn line(local: &Local, look: &Look) -> String {
    let ty = styled(&local.type_text, Style::Dim, look.styled).to_string();
    let name = styled(&local.name, Style::Function, look.styled).to_string();
    let text = &local.text;
    let doubt = if local.may_be_moved { " (unless moved away)" } else { "" };
    format!("{name}: {ty} = {text}{doubt}")
}
