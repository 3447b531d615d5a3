//! What is waited for was given to a future that nothing polls.

use super::super::waiting::enumerated;
use super::parts::Told;
use runtime_layouts::report::Cause;

pub(super) fn sentence(told: &Told<'_>) -> String {
    let report = told.report;
    let unpolled = told.finding.links.iter().find_map(|link| match link.cause {
        Cause::Unpolled(wait) => Some(report.wait(wait)),
        _ => None,
    });
    let text = unpolled.map(|wait| {
        let verb = if wait.is_granted { "was granted" } else { "is next in line for" };
        let name = &report.resource(wait.resource).name;
        let task = enumerated(report, &[wait.task]);
        format!("{task} holds, but does not poll, a future that {verb} {name}")
    });
    text.unwrap_or_default()
}
