//! A lock that its holder keeps while it waits for something else.

use super::super::waiting::{end_text, enumerated, thing};
use super::parts::{Told, drop_it};
use runtime_layouts::report::{Cause, Wait};

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
            None => format!("while {keeper} holds {name} and"),
        },
    };
    format!("{} waits {kept}", enumerated(report, &[told.wait.task]))
}

/// What the task that keeps the first thing waits for itself.
fn next<'r>(told: &Told<'r>) -> Option<&'r Wait> {
    told.finding.links.get(1).map(|link| told.report.wait(link.wait))
}
