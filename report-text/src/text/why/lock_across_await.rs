//! A lock that its holder keeps while it waits for something else.

use super::super::counts::enumerated;
use super::super::holders::end_text;
use super::super::waiting::thing;
use super::parts::{Told, drop_it};
use runtime_layouts::report::{Cause, ResourceKind, TaskIndex, Wait};

pub(super) fn sentence(told: &Told<'_>) -> String {
    let what = next(told).map(|wait| thing(told.report, wait)).unwrap_or_default();
    format!("{} waits for {what}", kept(told))
}

/// It may be meant so, as in a rate limiter.
pub(super) fn help(told: &Told<'_>) -> Option<String> {
    let remedy = drop_it(told.report, told.holder?)?;
    Some(format!("if others are not to wait for that, {remedy}"))
}

/// `task 6 waits while task 5 holds Mutex<Stock> and`: a verb of task 5's is to follow.
pub(super) fn kept(told: &Told<'_>) -> String {
    let report = told.report;
    let keeper = next(told).map(|wait| enumerated(report, &[wait.task])).unwrap_or_default();
    let name = &told.resource.name;
    let kept = match told.first.cause {
        Cause::NotEnded(_) => format!("for the end of {keeper}, which"),
        _ => match told.holder.and_then(|holder| end_text(holder.access)) {
            Some(end) => format!("while {keeper} holds the {end} of {name} and"),
            None if told.resource.kind == ResourceKind::Pool => of_pool(told, &keeper),
            None => format!("while {keeper} holds {name} and"),
        },
    };
    format!("{} waits {kept}", enumerated(report, &[told.wait.task]))
}

/// `while tasks 3 and 4 have all 2 objects of Pool<Postgres>, and task 3`.
fn of_pool(told: &Told<'_>, keeper: &str) -> String {
    let holders = &told.resource.holders;
    let mut tasks: Vec<TaskIndex> = holders.iter().filter_map(|holder| holder.task).collect();
    tasks.sort_unstable();
    tasks.dedup();
    let (who, name) = (enumerated(told.report, &tasks), &told.resource.name);
    match (tasks.len(), holders.len()) {
        (_, 1) => format!("while {who} has the only object of {name} and"),
        (1, all) => format!("while {who} has all {all} objects of {name} and"),
        (_, all) => format!("while {who} have all {all} objects of {name}, and {keeper}"),
    }
}

/// What the task that keeps the first thing waits for itself.
fn next<'r>(told: &Told<'r>) -> Option<&'r Wait> {
    told.finding.links.get(1).map(|link| told.report.wait(link.wait))
}
