//! Worker threads that a task blocks, so that other tasks starve.

use std::time::Duration;

use rustc_hash::FxHashSet;

use crate::report::{
    Cause, Finding, FindingKind, Holder, Link, QueuePlace, Report, Resource, ResourceKind, Runtime,
    Task, TaskIndex, TaskKind, TaskState, Wait, WaitId,
};

/// A timer that is overdue by so much does not fire: a busy worker is late by milliseconds.
pub(super) const LATE: Duration = Duration::from_secs(1);

/// A finding for each task that blocks the thread that polls it, and memory shows that this does
/// not end in a moment: a lock that another thread just uses is none.
/// What `known` findings say already is not said again.
pub(super) fn workers(report: &Report, known: &[Finding]) -> Vec<Finding> {
    let blocked: Vec<(WaitId, &Wait)> =
        report.waits.numbered().filter(|it| blocks(report, it.1)).collect();
    let is_known = |id: WaitId, wait: &Wait| {
        let mut links = known.iter().flat_map(|finding| &finding.links);
        links.any(|link| link.wait == id)
            || known.iter().any(|finding| finding.behind.contains(&wait.task))
    };
    let new = blocked.iter().filter(|(id, wait)| !is_known(*id, wait));
    let of_waits = new.filter_map(|(id, wait)| of_wait(report, *id, wait, &blocked));
    let of_runtimes = report.runtimes.iter().filter_map(|it| busy(report, it, &blocked));
    of_waits.chain(of_runtimes).collect()
}

/// Adds the tasks that were woken to the findings about waits that leave no thread to poll them.
pub(super) fn add_starving(report: &Report, findings: &mut [Finding]) {
    let blocked: Vec<(WaitId, &Wait)> =
        report.waits.numbered().filter(|it| blocks(report, it.1)).collect();
    if blocked.is_empty() {
        return;
    }
    for finding in findings {
        let of = |id: WaitId| blocked.iter().find(|(known, _)| *known == id);
        let first = finding.links.iter().find_map(|link| of(link.wait));
        let task = first.map(|(_, wait)| report.task(wait.task));
        let Some(task) = task.filter(|task| are_all_blocked(report, task, &blocked)) else {
            continue;
        };
        let known = finding.tasks(report).into_iter().chain(finding.behind.iter().copied());
        let mut seen: FxHashSet<TaskIndex> = known.collect();
        let starving = starving(report, task.runtime).into_iter();
        finding.behind.extend(starving.filter(|woken| seen.insert(*woken)));
    }
}

/// The finding about one of the blocked threads; `None` when it may go on in a moment.
fn of_wait(
    report: &Report,
    id: WaitId,
    wait: &Wait,
    blocked: &[(WaitId, &Wait)],
) -> Option<Finding> {
    let (task, resource) = (report.task(wait.task), report.resource(wait.resource));
    if is_alone(report, task) {
        return None;
    }
    let (cause, is_sure) = match resource.kind {
        ResourceKind::Blocking => match *resource.tasks.as_slice() {
            // What it polls says more than the call.
            [future] => (Cause::NotEnded(future), true),
            _ => (Cause::Never, true),
        },
        kind => match holder_that_stays(report, task, resource) {
            // Whatever lets it go on, the thread is blocked, but a lock may be free in a moment.
            Some((number, holder)) => {
                (Cause::Held(number), !holder.may_be_moved || kind != ResourceKind::ThreadLock)
            }
            None if kind != ResourceKind::ThreadLock => (Cause::Never, true),
            None => return None,
        },
    };
    let nobody_is_left = are_all_blocked(report, task, blocked);
    let behind = match nobody_is_left {
        true => starving(report, task.runtime),
        false => in_lifo_slot(report, task),
    };
    let links = vec![Link { wait: id, cause }];
    Some(Finding { kind: FindingKind::BlockedWorker, is_sure, links, runtime: None, behind })
}

/// Whether nothing else could run on the one worker that a task blocks: a thread that has a runtime for
/// itself may wait as it likes.
fn is_alone(report: &Report, task: &Task) -> bool {
    let Some(runtime) = task.runtime.and_then(|runtime| report.runtimes.get(runtime)) else {
        return false;
    };
    let is_over = |state| matches!(state, TaskState::Complete | TaskState::Cancelled);
    let mut others = report.tasks.iter().filter(|other| {
        other.index != task.index
            && other.runtime == task.runtime
            && other.kind != TaskKind::Blocking
            && !is_over(other.state)
    });
    let has_siblings =
        task.siblings_of_stack.as_ref().is_some_and(|siblings| !siblings.chain.branches.is_empty());
    runtime.workers.len() == 1 && others.next().is_none() && !has_siblings
}

/// A runtime whose timers do not fire, since tasks keep all its workers busy: a worker looks at the
/// timers between two tasks. How long each of several tasks has been running is not known, and a
/// machine with too much to do is late as well.
fn busy(report: &Report, runtime: &Runtime, blocked: &[(WaitId, &Wait)]) -> Option<Finding> {
    let (mut busy, mut threads) = (Vec::new(), Vec::new());
    for worker in &runtime.workers {
        let thread = worker.thread.filter(|_| worker.state.is_busy())?;
        let runs = |task: &&Task| task.thread == Some(thread) && task.state == TaskState::Running;
        let task = report.tasks.iter().find(runs)?;
        if !blocked.iter().any(|(_, wait)| wait.task == task.index) {
            busy.push(Cause::Busy(task.index));
            threads.push(thread);
        }
    }
    if busy.is_empty() {
        return None;
    }
    let own = |task: &Task| task.runtime.and_then(|at| report.runtimes.get(at)) == Some(runtime);
    let (late, overdue) = report
        .waits
        .numbered()
        .filter(|(_, wait)| wait.is_polled && !wait.is_granted)
        .filter_map(|(id, wait)| Some((id, report.resource(wait.resource).timer?.overdue()?)))
        .filter(|(id, overdue)| *overdue >= LATE && own(report.task(report.wait(*id).task)))
        .max_by_key(|(_, overdue)| *overdue)?;
    // What a debugger stopped before, or what had no processor, is late as well.
    let mut of_threads = report.threads.iter().filter(|known| threads.contains(&known.thread));
    if of_threads.any(|known| known.ran.is_some_and(|ran| !ran.may_be_busy_for(overdue))) {
        return None;
    }
    let links = busy.into_iter().map(|cause| Link { wait: late, cause }).collect();
    let behind = starving(report, Some(runtime.id));
    Some(Finding { kind: FindingKind::BlockedWorker, is_sure: false, links, runtime: None, behind })
}

/// Whether a wait is one of a thread that should poll other tasks too. The threads for blocking
/// work may block, and so may a task in `block_in_place`: another thread is the worker then.
pub(super) fn blocks(report: &Report, wait: &Wait) -> bool {
    let thread = report.task(wait.task).thread;
    let mut workers = report.runtimes.iter().flat_map(|runtime| &runtime.workers);
    wait.blocks_thread && workers.any(|worker| worker.thread.is_some() && worker.thread == thread)
}

/// A holder of a lock that keeps it, with its number: one that is suspended, the waiting thread
/// itself, or a thread that is blocked too.
fn holder_that_stays<'r>(
    report: &Report,
    task: &Task,
    lock: &'r Resource,
) -> Option<(u32, &'r Holder)> {
    let stays = |holder: &Holder| match holder.thread {
        Some(holding) => {
            holding.is_blocked || task.thread.is_some_and(|own| own.tid == holding.thread.tid)
        }
        None => holder.task.is_some_and(|holder| report.task(holder).state == TaskState::Idle),
    };
    (0..).zip(&lock.holders).find(|(_, holder)| stays(holder))
}

/// Whether no thread is left that polls the tasks of that task's runtime.
fn are_all_blocked(report: &Report, task: &Task, blocked: &[(WaitId, &Wait)]) -> bool {
    let Some(runtime) = task.runtime.and_then(|runtime| report.runtimes.get(runtime)) else {
        return false;
    };
    let is_blocked = |tid: u64| {
        let mut threads = blocked.iter().filter_map(|(_, wait)| report.task(wait.task).thread);
        threads.any(|thread| thread.tid == tid)
    };
    let mut workers = runtime.workers.iter();
    workers.all(|worker| {
        worker.state.is_busy() && worker.thread.is_some_and(|thread| is_blocked(thread.tid))
    })
}

/// The tasks that only the worker which a task blocks could take.
fn in_lifo_slot(report: &Report, task: &Task) -> Vec<TaskIndex> {
    let Some(runtime) = task.runtime.and_then(|runtime| report.runtimes.get(runtime)) else {
        return Vec::new();
    };
    let worker = runtime.workers.iter().find(|worker| worker.thread == task.thread);
    let Some(worker) = worker.filter(|worker| worker.thread.is_some()) else { return Vec::new() };
    let slot = QueuePlace::Lifo(worker.index);
    let queues = runtime.queues.iter().filter(|queue| queue.place == slot);
    queues.flat_map(|queue| queue.tasks.iter().copied()).collect()
}

/// The tasks of a runtime that were woken and that nothing polls.
fn starving(report: &Report, runtime: Option<usize>) -> Vec<TaskIndex> {
    let waiting = report.tasks.iter().filter(|task| {
        task.runtime == runtime
            && task.state == TaskState::Scheduled
            && task.kind != TaskKind::Blocking
    });
    waiting.map(|task| task.index).collect()
}
