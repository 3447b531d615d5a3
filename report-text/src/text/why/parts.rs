//! Parts that several sentences share.

use super::super::Look;
use super::super::frames::{name, place};
use super::super::waiting::enumerated;
use runtime_layouts::report::{Finding, FrameRef, Holder, Link, Report, Resource, TaskIndex, Wait};

/// A finding with what its sentence is made of.
pub(super) struct Told<'r> {
    pub(super) report: &'r Report,
    pub(super) finding: &'r Finding,
    /// The tasks of its links, each once.
    pub(super) tasks: Vec<TaskIndex>,
    /// The first link, which there always is.
    pub(super) first: &'r Link,
    /// Its wait.
    pub(super) wait: &'r Wait,
    /// What that waits for.
    pub(super) resource: &'r Resource,
    /// Who keeps it, where that is the cause.
    pub(super) holder: Option<&'r Holder>,
}

impl<'r> Told<'r> {
    pub(super) fn of(report: &'r Report, finding: &'r Finding) -> Self {
        let first = &finding.links[0];
        let (_, resource, holder) = first.resource(report);
        Self {
            report,
            finding,
            tasks: finding.tasks(report),
            first,
            wait: report.wait(first.wait),
            resource,
            holder,
        }
    }

    /// The tasks of its links, as a subject.
    pub(super) fn subject(&self) -> String {
        enumerated(self.report, &self.tasks)
    }
}

/// `, inventory::stock::restock, src/stock.rs:59`.
pub(super) fn stands(report: &Report, frame: FrameRef, look: &Look) -> String {
    let site = report.site(frame.site);
    let place = place(site);
    let name = name(site, look.full_names);
    if place.is_empty() { format!(", {name}") } else { format!(", {name}, {place}") }
}

/// The text with its first letter in upper case.
pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

/// `task 3 blocks thread 2 (worker 0 of runtime 0)`.
pub(super) fn blocks(report: &Report, wait: &Wait) -> String {
    let task = report.task(wait.task);
    let thread = task.thread.map(|thread| thread.number).unwrap_or_default();
    let worker = report.runtimes.iter().find_map(|runtime| {
        let worker = runtime.workers.iter().find(|worker| worker.thread == task.thread)?;
        Some(format!(" (worker {} of runtime {})", worker.index, runtime.id))
    });
    let who = enumerated(report, &[task.index]);
    format!("{who} blocks thread {thread}{}", worker.unwrap_or_default())
}
