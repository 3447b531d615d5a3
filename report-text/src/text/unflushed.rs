//! Bytes that were written and not flushed by who waits for the answer to them.

use super::counts::counted;
use runtime_layouts::report::{Report, Unflushed, Wait};

/// ``has 6 bytes in `w` (BufWriter<OwnedWriteHalf>) that were not flushed``, of a frame.
pub(super) fn of_frame(buffer: &Unflushed) -> String {
    let were = if buffer.bytes == 1 { "was" } else { "were" };
    let bytes = counted(buffer.bytes, "byte");
    format!("has {bytes} {} that {were} not flushed{}", place(buffer), doubt(buffer))
}

/// ``6 bytes that task 3 wrote are still in `w` (BufWriter<OwnedWriteHalf>), not flushed``: why what a
/// task waits for does not come; `None` where it flushed all.
pub(super) fn before(report: &Report, wait: &Wait) -> Option<String> {
    let buffer = report.unflushed_before(wait)?;
    let are = if buffer.bytes == 1 { "is" } else { "are" };
    Some(format!(
        "{} that task {} wrote {are} still {}, not flushed{}",
        counted(buffer.bytes, "byte"),
        report.task(buffer.task).id.0,
        place(buffer),
        doubt(buffer)
    ))
}

fn place(buffer: &Unflushed) -> String {
    match &buffer.variable {
        Some(variable) => format!("in `{variable}` ({})", buffer.name),
        None => format!("in a {}", buffer.name),
    }
}

fn doubt(buffer: &Unflushed) -> &'static str {
    if buffer.may_be_moved { " (unless it was moved)" } else { "" }
}
