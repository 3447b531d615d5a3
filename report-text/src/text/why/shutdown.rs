//! Runtimes whose end a thread waits for.

use super::super::Look;
use super::super::counts::enumerated;
use super::super::waiting::thing_without_address;
use super::parts::{party, runs, stands};
use runtime_layouts::report::{Finding, Report, ResourceKind, Runtime, Shutdown, WorkerState};

fn parts<'r>(report: &'r Report, finding: &Finding) -> Option<(&'r Runtime, Shutdown)> {
    let runtime = report.runtimes.get(finding.runtime?)?;
    Some((runtime, runtime.shutdown?))
}

/// `runtime 0 is being dropped, and thread 1 waits for the end of closure 3`.
pub(super) fn sentence(report: &Report, finding: &Finding) -> String {
    let Some((runtime, shutdown)) = parts(report, finding) else { return String::new() };
    let waiting = shutdown
        .waiting
        .map_or("a thread".to_string(), |thread| format!("thread {}", thread.number));
    let tasks = finding.tasks(report);
    let what = match tasks.as_slice() {
        [] => "its threads".to_string(),
        [one] => format!("{}, which nothing interrupts", party(report, *one)),
        tasks => format!("{}, which nothing interrupts", enumerated(report, tasks)),
    };
    let no_longer = if shutdown.has_timeout { " no longer than it was told" } else { "" };
    let id = runtime.id;
    format!("runtime {id} is being dropped, and {waiting} waits{no_longer} for the end of {what}")
}

/// Where the thread waits, and what it waits for.
pub(super) fn evidence(report: &Report, finding: &Finding, look: &Look) -> Vec<String> {
    let Some((runtime, shutdown)) = parts(report, finding) else { return Vec::new() };
    let mut lines = Vec::new();
    if let (Some(thread), Some(at)) = (shutdown.waiting, shutdown.at) {
        let at = stands(report, at, look);
        lines.push(format!("thread {} drops runtime {}{at}", thread.number, runtime.id));
    }
    for task in finding.tasks(report) {
        let at = runs(report, report.task(task), look);
        let thread = report.task(task).thread.map(|thread| thread.number);
        let blocked = report.waits_of(task).iter().find(|wait| wait.blocks_thread);
        let on = match (thread, blocked) {
            (None, _) => String::new(),
            (Some(thread), None) => format!(" runs on thread {thread}"),
            (Some(thread), Some(wait)) => {
                let is_call = report.resource(wait.resource).kind == ResourceKind::Blocking;
                let word = if is_call { "in" } else { "for" };
                let what = thing_without_address(report, wait);
                format!(" blocks thread {thread} {word} {what}")
            }
        };
        lines.push(format!("{}{on}{at}", party(report, task)));
    }
    let left = runtime.workers.iter().filter(|worker| worker.state != WorkerState::Ended).count();
    if left > 0 && finding.tasks(report).is_empty() {
        lines.push(format!("{left} of {} workers have not ended", runtime.workers.len()));
    }
    lines
}
