//! Numbers of things, and tasks by their ids, as words.

use runtime_layouts::report::{Report, TaskIndex, TaskKind};

/// Tasks that a line names, at most.
const MOST_NAMED: usize = 5;
/// Tasks that a sentence names, at most; of more the first few.
const MOST_ENUMERATED: usize = 8;

/// `3 tasks and 1 block_on future`.
pub(super) fn tasks_of(report: &Report) -> String {
    let blocked = report.tasks.iter().filter(|task| task.kind == TaskKind::BlockOn).count();
    match (report.tasks.len() - blocked, blocked) {
        (tasks, 0) => tasks_text(tasks),
        (0, 1) if report.runtimes.is_empty() => "1 block_on future".to_string(),
        (0, futures) if report.runtimes.is_empty() => format!("{futures} block_on futures"),
        (tasks, 1) => format!("{} and 1 block_on future", tasks_text(tasks)),
        (tasks, futures) => format!("{} and {futures} block_on futures", tasks_text(tasks)),
    }
}

/// `1 task`, `2 tasks`.
pub(super) fn tasks_text(count: usize) -> String {
    if count == 1 { "1 task".to_string() } else { format!("{count} tasks") }
}

/// `1 thread`, `2 threads`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The tasks by their ids, some of them.
pub(super) fn ids(report: &Report, tasks: impl ExactSizeIterator<Item = TaskIndex>) -> String {
    let count = tasks.len();
    let mut named: Vec<String> =
        tasks.take(MOST_NAMED).map(|task| report.task(task).id.0.clone()).collect();
    if count > MOST_NAMED {
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
        [first @ .., last] if tasks.len() <= MOST_ENUMERATED => {
            let first: Vec<String> = first.iter().map(id).collect();
            format!("tasks {} and {}", first.join(", "), id(last))
        }
        _ => {
            let first: Vec<String> = tasks[..MOST_NAMED].iter().map(id).collect();
            format!("tasks {} and {} more", first.join(", "), tasks.len() - MOST_NAMED)
        }
    }
}
