//! Numbers of things, and tasks by their ids, as words.

use runtime_layouts::report::{Report, TaskIndex, TaskKind};

/// Tasks that a line names, at most.
const MAX_NAMED: usize = 5;
/// Tasks that a sentence names, at most; of more the first few.
const MAX_ENUMERATED: usize = 8;

/// `3 tasks and 1 block_on future`.
pub(super) fn tasks_of(report: &Report) -> String {
    let futures = report.tasks.iter().filter(|task| task.kind == TaskKind::BlockOn).count();
    let futures_text = counted(futures as u64, "block_on future");
    match (report.tasks.len() - futures, futures) {
        (tasks, 0) => tasks_text(tasks),
        (0, _) if report.runtimes.is_empty() => futures_text,
        (tasks, _) => format!("{} and {futures_text}", tasks_text(tasks)),
    }
}

/// `1 task`, `2 tasks`.
pub(super) fn tasks_text(count: usize) -> String {
    counted(count as u64, "task")
}

/// `1 thread`, `2 threads`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The tasks by their ids, some of them.
pub(super) fn ids(report: &Report, tasks: impl ExactSizeIterator<Item = TaskIndex>) -> String {
    let count = tasks.len();
    let mut named: Vec<String> =
        tasks.take(MAX_NAMED).map(|task| report.task(task).id.0.clone()).collect();
    if count > MAX_NAMED {
        named.push(format!("… ({count} in all)"));
    }
    named.join(", ")
}

/// The tasks as the subject of a sentence: `task 6`, `tasks 6, 7 and 8`.
pub(super) fn enumerated(report: &Report, tasks: &[TaskIndex]) -> String {
    let id = |task: &TaskIndex| report.task(*task).id.0.clone();
    match tasks {
        [] => "no task".to_string(),
        [one] => format!("task {}", id(one)),
        [first @ .., last] if tasks.len() <= MAX_ENUMERATED => {
            let first: Vec<String> = first.iter().map(id).collect();
            format!("tasks {} and {}", first.join(", "), id(last))
        }
        _ => {
            let first: Vec<String> = tasks[..MAX_NAMED].iter().map(id).collect();
            format!("tasks {} and {} more", first.join(", "), tasks.len() - MAX_NAMED)
        }
    }
}
