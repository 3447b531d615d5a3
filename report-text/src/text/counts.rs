//! Numbers of things, as words.

use runtime_layouts::report::{Report, TaskKind};

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
