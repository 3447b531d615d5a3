//! What is waited for was given to a future that nothing polls.

use super::super::waiting::enumerated;
use super::parts::{Told, line_of};
use runtime_layouts::report::{Cause, Wait};

pub(super) fn sentence(told: &Told<'_>) -> String {
    let report = told.report;
    let text = unpolled(told).map(|wait| {
        let verb = if wait.is_granted { "was granted" } else { "is next in line for" };
        let name = &report.resource(wait.resource).name;
        let task = enumerated(report, &[wait.task]);
        format!("{task} holds, but does not poll, a future that {verb} {name}")
    });
    text.unwrap_or_default()
}

pub(super) fn help(told: &Told<'_>) -> Option<String> {
    let line = line_of(told.report, unpolled(told)?.holding_frame?)?;
    Some(format!("drop that future before {line}, or poll it there as well"))
}

/// The wait that nothing polls.
fn unpolled<'r>(told: &Told<'r>) -> Option<&'r Wait> {
    told.finding.links.iter().find_map(|link| match link.cause {
        Cause::Unpolled(wait) => Some(told.report.wait(wait)),
        _ => None,
    })
}
