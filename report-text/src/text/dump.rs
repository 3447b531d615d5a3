//! Everything, for a bug report: what `async dump` and `unhang dump` print.

use std::io::{self, Write};

use super::groups::groups;
use super::style::Out;
use super::{Beside, Look, backtrace, connections, tasks, why, workers};
use runtime_layouts::diagnosis;
use runtime_layouts::parallel;
use runtime_layouts::report::Report;

/// Of more tasks than this those that stand in the same place have one backtrace, unless the user
/// says otherwise: as the list has one line for them.
const GROUP_ABOVE: usize = tasks::GROUP_ABOVE;

/// Writes the list of tasks, the runtimes with their workers, why they do not go on, and the
/// backtrace of every task; of very many, where `every_task` does not ask for each, one of all that
/// stand in the same place.
///
/// # Errors
/// What `out` returns; the text then ends at once.
pub fn write(
    report: &Report,
    look: &Look,
    beside: &Beside,
    every_task: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    // What the user has selected is of no use to who reads it.
    let look = &Look { current: None, ..look.clone() };
    let out = &mut Out::new(out, look);
    let count = report.tasks.len();
    let (findings, groups) =
        parallel::both(count, || diagnosis::findings(report), || groups(&report.tasks));
    let findings = findings.unwrap_or_else(|| diagnosis::findings(report));
    tasks::write_all(report, &groups, look, out)?;
    if !report.runtimes.is_empty() {
        out.end()?;
        workers::write_runtimes(report, look, out)?;
    }
    out.end()?;
    if beside.connections {
        connections::write_list(report, every_task, look, out)?;
        out.end()?;
    }
    why::write_all(report, &findings, look, out)?;
    if every_task || count <= GROUP_ABOVE {
        for task in &report.tasks {
            out.end()?;
            backtrace::write_first(report, task, &[], look, beside, out)?;
        }
        return Ok(());
    }
    for group in groups {
        let [first, others @ ..] = group.as_slice() else { continue };
        out.end()?;
        backtrace::write_first(report, first, others, look, beside, out)?;
    }
    Ok(())
}
