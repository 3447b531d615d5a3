//! Threads that should run tasks, and do not.

use super::super::waiting::thing_without_address;
use super::parts::{Told, blocks, call, capitalized, drop_it, line_of, party};
use runtime_layouts::report::{Cause, Flavor, QueuePlace, Report, ResourceKind, TaskIndex, short};

pub(super) fn sentence(told: &Told<'_>) -> String {
    match told.first.cause {
        Cause::Busy(_) => busy(told),
        _ => blocked(told),
    }
}

pub(super) fn help(told: &Told<'_>) -> Option<String> {
    if matches!(told.first.cause, Cause::Busy(_)) {
        return Some(match offload(told) {
            Some(function) => format!("let it yield now and then, or run it by `{function}`"),
            None => "let it yield now and then, or run it on another thread".to_string(),
        });
    }
    match (told.resource.kind, told.holder) {
        (kind, _) if kind != ResourceKind::ThreadLock => {
            let line = line_of(told.report, told.wait.user?)?;
            let other = match offload(told) {
                Some(function) => format!("move it to `{function}`"),
                None => "make it on another thread".to_string(),
            };
            Some(format!("await the async form of the call at {line}, or {other}"))
        }
        (ResourceKind::ThreadLock, Some(holder)) => {
            let remedy = drop_it(told.report, holder)?;
            // Its guard lives across an await.
            Some(format!("{remedy}, or use an async lock"))
        }
        _ => None,
    }
}

/// What runs work that blocks on other threads.
fn offload(told: &Told<'_>) -> Option<&'static str> {
    let runtime = told.report.task(told.wait.task).runtime;
    let runtime = runtime.and_then(|runtime| told.report.runtimes.get(runtime));
    runtime.map_or(Flavor::UNKNOWN.offload, |runtime| runtime.flavor.offload)
}

/// `task 3 keeps the only worker of runtime 0 busy, and no timer has fired for 4.2 s`.
fn busy(told: &Told<'_>) -> String {
    let report = told.report;
    let runtime =
        told.tasks.first().and_then(|task| report.runtimes.get(report.task(*task).runtime?));
    let workers = match runtime.map_or(0, |runtime| runtime.workers.len()) {
        1 => "the only worker",
        _ => "the workers",
    };
    let verb = if told.tasks.len() == 1 { "keeps" } else { "keep" };
    format!(
        "{} {verb} {workers} of runtime {} busy, and no timer has fired for {}",
        told.subject(),
        runtime.map(|runtime| runtime.id).unwrap_or_default(),
        told.resource.timer.and_then(|timer| timer.overdue()).map(short).unwrap_or_default()
    )
}

/// `task 3 blocks thread 2 (worker 0 of runtime 0) in std::thread::sleep`.
fn blocked(told: &Told<'_>) -> String {
    let task = told.report.task(told.wait.task);
    let name = &told.resource.name;
    let is_own = told.holder.is_some_and(|holder| {
        holder.thread.is_some_and(|holding| Some(holding.thread) == task.thread)
    });
    let what = match told.resource.kind {
        ResourceKind::Blocking => format!("in {name}"),
        ResourceKind::ThreadLock if is_own => {
            format!("while it waits for {name}, which it holds itself")
        }
        ResourceKind::ThreadLock => format!("while it waits for {name}"),
        // Several calls of the standard library are one function in an optimized build of it.
        ResourceKind::Io => {
            format!("while it waits for {}", thing_without_address(told.report, told.wait))
        }
        _ => {
            let thing = thing_without_address(told.report, told.wait);
            let call = call(told.report, told.wait.leaf);
            // `park` waits for what has no name of its own.
            if call == thing { format!("in {call}") } else { format!("in {call}, for {thing}") }
        }
    };
    format!("{} {what}", blocks(told.report, told.wait))
}

/// The worker in whose LIFO slot a task is.
fn slot_of(report: &Report, task: TaskIndex) -> Option<usize> {
    let mut queues = report.runtimes.iter().flat_map(|runtime| &runtime.queues);
    queues.find_map(|queue| match queue.place {
        QueuePlace::Lifo(worker) if queue.tasks.contains(&task) => Some(worker),
        _ => None,
    })
}

/// `Task 5 is ready to run, in the LIFO slot of worker 1, which no other worker takes from.` `None`
/// for tasks elsewhere.
pub(super) fn in_slot(report: &Report, woken: &[TaskIndex]) -> Option<String> {
    let [task] = woken else { return None };
    let (worker, task) = (slot_of(report, *task)?, capitalized(&party(report, *task)));
    Some(format!(
        "{task} is ready to run, in the LIFO slot of worker {worker}, which no other worker takes \
         from."
    ))
}
