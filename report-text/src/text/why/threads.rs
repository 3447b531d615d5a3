//! Threads that wait for each other without any task, and those that keep a runtime's tasks waiting.

use super::super::counts::tasks_text;
use super::parts::what_blocks;
use runtime_layouts::report::{Report, Runtime, Task, TaskKind, TaskState, ThreadRef};

/// Circles of threads that are told of, at most.
const MAX_CIRCLES: usize = 4;

/// `Threads 2 and 3, which run no task, wait for locks of each other: thread 2 waits for Mutex<i32>, perhaps
/// held by thread 3, at main.rs:7; thread 3 …`, of each such circle.
pub(super) fn in_circles(report: &Report) -> Vec<String> {
    let circles = report.threads_in_circles().into_iter().take(MAX_CIRCLES);
    circles
        .map(|circle| {
            let what = |thread: &ThreadRef| {
                let blocks = what_blocks(report, *thread).unwrap_or_default();
                format!("thread {} {blocks}", thread.number)
            };
            let all: Vec<String> = circle.iter().map(what).collect();
            let numbers: Vec<String> = circle.iter().map(|it| it.number.to_string()).collect();
            match numbers.as_slice() {
                [one] => {
                    format!("Thread {one}, which runs no task, waits for its own lock: {}.", all[0])
                }
                [first @ .., last] => format!(
                    "Threads {} and {last}, which run no task, wait for locks of each other: {}.",
                    first.join(", "),
                    all.join("; ")
                ),
                [] => String::new(),
            }
        })
        .collect()
}

/// `Task main runs on the only worker of runtime 0, and 2 tasks that were woken wait for it to pause.`, of
/// each runtime that has one worker.
pub(super) fn only_workers(report: &Report) -> Vec<String> {
    let of_runtime = |runtime: &Runtime| {
        let [worker] = runtime.workers.as_slice() else { return None };
        let thread = worker.thread.filter(|_| worker.state.is_busy())?;
        let runs = |task: &&Task| task.thread == Some(thread) && task.state == TaskState::Running;
        let running = report.tasks.iter().find(runs)?;
        let is_woken = |task: &&Task| {
            task.runtime == running.runtime
                && task.state == TaskState::Scheduled
                && task.kind != TaskKind::Blocking
        };
        let woken = report.tasks.iter().filter(is_woken).count();
        (woken > 0).then(|| {
            let tasks = tasks_text(woken);
            let (were, wait) = if woken == 1 { ("was", "waits") } else { ("were", "wait") };
            format!(
                "Task {} runs on the only worker of runtime {}, and {tasks} that {were} woken {wait} for it to \
                 pause.",
                running.id.0, runtime.id
            )
        })
    };
    report.runtimes.iter().filter_map(of_runtime).collect()
}
