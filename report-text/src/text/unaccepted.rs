//! Connections that wait to be accepted while who listens does something else.

use super::counts::counted;
use runtime_layouts::report::{Report, TaskIndex, Unaccepted};

/// ``has not accepted 2 connections to 127.0.0.1:8080 (fd 9, `listener`)``, of a frame.
pub(super) fn of_frame(listener: &Unaccepted) -> String {
    format!("has not accepted {}", what(listener))
}

/// ``2 connections to 127.0.0.1:8080 (fd 9, `listener`) wait for task 3 to accept them``: what else is
/// true of some tasks; `None` where they have accepted all.
pub(super) fn by(report: &Report, tasks: &[TaskIndex]) -> Option<String> {
    let listener = tasks.iter().find_map(|task| report.unaccepted_by(*task).first())?;
    let (wait, them) = if listener.connections == 1 { ("waits", "it") } else { ("wait", "them") };
    let task = &report.task(listener.task).id.0;
    Some(format!("{} {wait} for task {task} to accept {them}", what(listener)))
}

fn what(listener: &Unaccepted) -> String {
    let variable = listener.variable.as_ref().map(|name| format!(", `{name}`")).unwrap_or_default();
    let doubt = if listener.may_be_moved { ", unless it was moved" } else { "" };
    format!(
        "{} to {} (fd {}{variable}{doubt})",
        counted(listener.connections, "connection"),
        listener.local,
        listener.descriptor
    )
}
