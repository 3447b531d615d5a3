//! Locks that are taken and waited for, by whom is not known.

use std::io;

use super::super::style::{Out, Style};
use super::super::waiting::{enumerated, is_lock};
use runtime_layouts::report::{Report, TaskIndex};

pub(super) fn write(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    for resource in &report.resources {
        let is_unknown = is_lock(resource.kind)
            && resource.is_taken == Some(true)
            && resource.holders.is_empty()
            && resource.given.is_none();
        if is_unknown && !resource.queue.is_empty() {
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
            out.styled_line(Style::Warning, text)?;
        }
    }
    Ok(())
}
