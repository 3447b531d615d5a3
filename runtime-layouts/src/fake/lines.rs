//! Findings in few words, for tests to compare.

use crate::report::{Cause, Finding, Link, Report, TaskIndex};

/// Findings in a sentence each: what keeps each link's wait from ending, and who waits behind.
#[must_use]
pub fn finding_lines(report: &Report, findings: &[Finding]) -> Vec<String> {
    let id = |task: &TaskIndex| report.task(*task).id.0.clone();
    let one = |finding: &Finding| {
        let perhaps = if finding.is_sure { "" } else { ", perhaps" };
        let links: Vec<String> = finding.links.iter().map(|link| link_line(report, link)).collect();
        let mut text = format!("{:?}{perhaps}: {}", finding.kind, links.join("; "));
        if !finding.behind.is_empty() {
            let behind: Vec<String> = finding.behind.iter().map(id).collect();
            text.push_str(&format!("; behind: {}", behind.join(", ")));
        }
        text
    };
    findings.iter().map(one).collect()
}

/// A link in a few words: `1 waits for stock, held by 2`.
#[must_use]
pub fn link_line(report: &Report, link: &Link) -> String {
    let id = |task: TaskIndex| &*report.task(task).id.0;
    let wait = report.wait(link.wait);
    let (_, resource, holder) = link.resource(report);
    let why = match link.cause {
        Cause::HeldByWaiter => ", held by one who waits".to_string(),
        Cause::Held(_) | Cause::HeldUnpolled(_) => match holder {
            Some(holder) => {
                let name = report.holder_name(holder);
                let unpolled = match link.cause {
                    Cause::HeldUnpolled(_) => ", which nobody can poll",
                    _ => "",
                };
                format!(", held by {}{unpolled}", name.strip_prefix("task ").unwrap_or(&name))
            }
            None => ", held by nobody".to_string(),
        },
        Cause::Unpolled(other) => {
            format!(", promised to a future that {} does not poll", id(report.wait(other).task))
        }
        Cause::NotEnded(task) => format!(", since {} has not ended", id(task)),
        Cause::Busy(task) => format!(", since {} is busy", id(task)),
        Cause::SetNotPolled(task) => format!(", since nobody polls the set of {}", id(task)),
        Cause::NoThread(task) => format!(", since {} has no thread", id(task)),
        Cause::NotDriven(_) => ", which no thread waits for".to_string(),
        Cause::Never => String::new(),
        Cause::NoWaker => ", and nothing can wake it".to_string(),
    };
    format!("{} waits for {}{why}", id(wait.task), resource.name)
}
