//! Runtimes that are being dropped while a thread waits for their end.

use crate::report::{Finding, FindingKind, Report, Runtime};

/// A finding for each runtime whose end a thread waits for, with what is left of it: closures of
/// the blocking pool and tasks that block a worker are not interrupted.
pub(super) fn of(report: &Report) -> impl Iterator<Item = Finding> + '_ {
    let is_waited_for =
        |runtime: &&Runtime| runtime.shutdown.is_some_and(|shutdown| shutdown.waiting.is_some());
    report.runtimes.iter().filter(is_waited_for).map(|runtime| Finding {
        kind: FindingKind::Shutdown,
        is_sure: true,
        links: Vec::new(),
        runtime: Some(runtime.id),
        behind: Vec::new(),
    })
}
