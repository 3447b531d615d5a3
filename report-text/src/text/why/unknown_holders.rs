//! Locks that are taken and waited for, by whom is not known.

use std::io;

use super::super::style::{Out, Style};
use super::super::waiting::{enumerated, is_lock};
use runtime_layouts::report::{Leads, Report, ResourceId, TaskIndex};

/// Writes a line for each that no lead is about.
pub(super) fn write(report: &Report, leads: &Leads, out: &mut Out<'_>) -> io::Result<()> {
    let is_told = |id: ResourceId| {
        let mut leads = leads.first.iter().filter_map(|lead| lead.wait);
        leads.any(|wait| report.wait(wait).resource == id)
    };
    for (id, resource) in (0..).map(ResourceId).zip(&report.resources) {
        let is_unknown = is_lock(resource.kind)
            && resource.is_taken == Some(true)
            && resource.holders.is_empty()
            && resource.given.is_none();
        if is_unknown && !resource.queue.is_empty() && !is_told(id) {
            let tasks: Vec<TaskIndex> =
                resource.queue.iter().map(|id| report.wait(*id).task).collect();
            let text = format!(
                "Holder not found: {} {:#x} is taken and {} for it, but no suspended task holds \
                 it: either running native code holds it, or its guard was leaked or forgotten.",
                resource.name,
                resource.address,
                match tasks.len() {
                    1 => format!("{} waits", enumerated(report, &tasks)),
                    _ => format!("{} wait", enumerated(report, &tasks)),
                },
            );
            out.paragraph("", "  ", Style::Warning, &text)?;
        }
    }
    Ok(())
}
