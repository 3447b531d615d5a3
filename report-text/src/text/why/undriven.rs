//! Runtimes of which no thread waits for timers and sockets.

use super::super::waiting::thing;
use super::parts::{Told, party};
use runtime_layouts::report::{Pollers, Report, Runtime, Worker, WorkerState, short};

pub(super) fn sentence(told: &Told<'_>) -> String {
    let report = told.report;
    let Some(runtime) = told.finding.runtime.and_then(|at| report.runtimes.get(at)) else {
        return String::new();
    };
    match runtime.flavor.pollers {
        Pollers::One => left_alone(told, runtime),
        Pollers::Several | Pollers::Unknown => beside_blocked(told, runtime),
    }
}

/// `task b2 waits for a timer of runtime 0, which goes on only while a thread blocks on it, and none
/// does`.
fn left_alone(told: &Told<'_>, runtime: &Runtime) -> String {
    let task = party(told.report, told.wait.task);
    format!(
        "{task} waits for {}, but the timers, sockets and tasks of runtime {} go on only while a \
         thread runs it, and none does now (`Handle::block_on` does not; unless one comes back to it)",
        thing(told.report, told.wait),
        runtime.id
    )
}

/// `no thread of runtime 0 waits for timers and sockets: task 3 blocks worker 1, and worker 0 sleeps
/// beside it; 1 timer is overdue by 2.4 s`.
fn beside_blocked(told: &Told<'_>, runtime: &Runtime) -> String {
    let workers = workers(told.report, runtime).join(", ");
    let overdue = told.resource.timer.and_then(|timer| timer.overdue());
    let late = overdue.map(|overdue| format!("; a timer is overdue by {}", short(overdue)));
    let unless = match told.finding.is_sure {
        true => "",
        false => " (unless what blocks it ends in a moment)",
    };
    format!(
        "no thread of runtime {} waits for timers and sockets: {workers}{}{unless}",
        runtime.id,
        late.unwrap_or_default()
    )
}

/// What each worker does instead.
fn workers(report: &Report, runtime: &Runtime) -> Vec<String> {
    let of_state = |state: WorkerState| runtime.workers.iter().filter(move |it| it.state == state);
    let mut texts: Vec<String> =
        of_state(WorkerState::Blocked).map(|worker| blocked(report, worker)).collect();
    let parked: Vec<String> =
        of_state(WorkerState::Parked).map(|worker| worker.index.to_string()).collect();
    match parked.as_slice() {
        [] => {}
        [one] => texts.push(format!("worker {one} sleeps without them")),
        many => texts.push(format!("{} other workers sleep without them", many.len())),
    }
    texts
}

fn blocked(report: &Report, worker: &Worker) -> String {
    let task = worker.task.as_ref().and_then(|id| report.tasks.iter().find(|it| it.id == *id));
    match task {
        Some(task) => {
            format!("{} blocks worker {}", party(report, task.index), worker.index)
        }
        None => format!("worker {} is blocked", worker.index),
    }
}
