//! Runtimes of which no thread waits for timers and sockets.
//!
//! Of a runtime's sleeping workers one waits for timers and sockets on behalf of all, and takes what
//! comes to the others. When it polls tasks meanwhile, the next one that has nothing to do waits for
//! them; those that sleep already do not. So a worker that had the driver last and is blocked leaves
//! nobody.

use std::time::Duration;

use rustc_hash::FxHashSet;

use super::blocked_workers::LATE;
use crate::report::{
    Cause, Driver, Finding, FindingKind, Link, Pollers, Report, ResourceKind, Runtime, Task,
    TaskIndex, TaskKind, Wait, WaitId, WorkerState,
};

/// A finding for each runtime that nobody drives while something waits for it. `known` are the
/// other findings: a thread that may go on in a moment is blocked in none of them.
pub(super) fn undriven(report: &Report, known: &[Finding]) -> Vec<Finding> {
    let is_undriven =
        |runtime: &&Runtime| runtime.driver == Driver::Nobody && runtime.shutdown.is_none();
    let undriven = report.runtimes.iter().filter(is_undriven);
    undriven
        .filter_map(|runtime| match runtime.flavor.pollers {
            Pollers::Several => beside_blocked(report, runtime, known),
            Pollers::One => left_alone(report, runtime),
            Pollers::Unknown => None,
        })
        .collect()
}

/// Some workers sleep, not in the driver, and all others are blocked.
fn beside_blocked(report: &Report, runtime: &Runtime, known: &[Finding]) -> Option<Finding> {
    let has_ended = |state| matches!(state, WorkerState::Parked | WorkerState::Ended);
    let mut others = runtime.workers.iter().filter(|worker| !has_ended(worker.state)).peekable();
    others.peek()?;
    let blocked: Vec<&str> = others
        .map(|worker| match (worker.state, &worker.task) {
            (WorkerState::Blocked, Some(task)) => Some(task.0.as_str()),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let waiting = waiting_for_driver(report, runtime.id);
    let (first, overdue) =
        waiting.iter().copied().max_by_key(|(id, overdue)| (*overdue, std::cmp::Reverse(*id)))?;
    let stays = |id: &&str| {
        known
            .iter()
            .any(|finding| finding.tasks(report).iter().any(|task| report.task(*task).id.0 == **id))
    };
    let is_late = overdue.is_some_and(|overdue| overdue >= LATE);
    if !is_late && !blocked.iter().all(stays) {
        return None;
    }
    let waiting = waiting.into_iter().map(|(id, _)| id);
    Some(finding(report, runtime, first, waiting, is_late))
}

/// Nobody is inside of a runtime with one thread, and a thread waits for something of it:
/// `Handle::block_on` does not drive it.
fn left_alone(report: &Report, runtime: &Runtime) -> Option<Finding> {
    let is_of = |task: &TaskIndex| report.task(*task).runtime == Some(runtime.id);
    let waits_for_it = |wait: &Wait| {
        let resource = report.resource(wait.resource);
        match resource.kind {
            ResourceKind::Join | ResourceKind::JoinSet => {
                let is_closure = |task: &TaskIndex| report.task(*task).kind == TaskKind::Blocking;
                !resource.tasks.is_empty()
                    && resource.tasks.iter().all(|task| is_of(task) && !is_closure(task))
            }
            kind => comes_from_driver(kind),
        }
    };
    let from_outside = |wait: &Wait| {
        let task = report.task(wait.task);
        task.kind == TaskKind::BlockOn && task.runtime == Some(runtime.id)
    };
    let mut waiting = report
        .waits
        .numbered()
        .filter(|(_, wait)| wait.is_polled && !wait.is_granted)
        .filter(|(_, wait)| from_outside(wait) && waits_for_it(wait))
        .map(|(id, _)| id)
        .peekable();
    let first = *waiting.peek()?;
    Some(finding(report, runtime, first, waiting, false))
}

fn finding(
    report: &Report,
    runtime: &Runtime,
    first: WaitId,
    waiting: impl Iterator<Item = WaitId>,
    is_sure: bool,
) -> Finding {
    let task_of = |id: WaitId| report.wait(id).task;
    let mut seen = FxHashSet::from_iter([task_of(first)]);
    Finding {
        kind: FindingKind::Undriven,
        is_sure,
        links: vec![Link { wait: first, cause: Cause::NotDriven(runtime.id) }],
        runtime: Some(runtime.id),
        behind: waiting.map(task_of).filter(|task| seen.insert(*task)).collect(),
    }
}

/// The waits of a runtime's tasks for what its driver brings, each with how long it is overdue.
fn waiting_for_driver(report: &Report, runtime: usize) -> Vec<(WaitId, Option<Duration>)> {
    let is_of = |task: &Task| task.runtime == Some(runtime);
    report
        .waits
        .numbered()
        .filter(|(_, wait)| wait.is_polled && !wait.is_granted && is_of(report.task(wait.task)))
        .filter_map(|(id, wait)| {
            let resource = report.resource(wait.resource);
            let has_fired = resource.timer.is_some_and(|timer| timer.has_fired == Some(true));
            let waits = comes_from_driver(resource.kind) && !has_fired;
            waits.then(|| (id, resource.timer.and_then(|timer| timer.overdue())))
        })
        .collect()
}

fn comes_from_driver(kind: ResourceKind) -> bool {
    matches!(
        kind,
        ResourceKind::Sleep | ResourceKind::Io | ResourceKind::Signal | ResourceKind::Child
    )
}
