//! The variables of one frame.

use std::io::{self, Write};

use super::Look;
use super::frames::{Line, lines};
use super::style::{Out, Style};
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
    let out = &mut Out::new(out, look);
    match locals.of(report, frame) {
        Err(sentence) => out.line(sentence),
        Ok(variables) if variables.is_empty() => out.line("This frame has no variables."),
        Ok(variables) => variables.iter().try_for_each(|local| line("", local, out)),
    }
}

/// Behind a margin, `stock: MutexGuard<Inventory> = MutexGuard { … }`.
pub(super) fn line(margin: &str, local: &Local, out: &mut Out<'_>) -> io::Result<()> {
    let doubt = if local.may_be_moved { " (unless it was moved)" } else { "" };
    out.put(Style::Plain, margin)?;
    out.put(Style::Function, &local.name)?;
    out.put(Style::Plain, ": ")?;
    out.put(Style::Dim, &local.type_text)?;
    out.line(format_args!(" = {}{doubt}", local.text))
}
