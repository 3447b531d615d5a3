//! What is waited for is with a future that nothing polls: it has it, or was given it.

use super::super::counts::enumerated;
use super::parts::{Told, line_of};
use runtime_layouts::report::{
    Access, Cause, Chain, FrameRef, Link, Report, ResourceKind, TaskIndex, Wait,
};

pub(super) fn sentence(told: &Told<'_>) -> String {
    let report = told.report;
    let Some((link, unpolled)) = unpolled(told) else { return String::new() };
    let resource = link.resource(report).1;
    let part = match resource.kind {
        ResourceKind::Semaphore => "a permit of ",
        ResourceKind::Pool => "an object of ",
        _ => "",
    };
    format!(
        "{} does not poll {}, which {} {part}{}",
        enumerated(report, &[unpolled.task]),
        unpolled.name(report),
        unpolled.has,
        resource.name
    )
}

/// A future that nothing polls, for which a wait does not end.
struct Unpolled<'r> {
    task: TaskIndex,
    /// What it has to do with what is waited for, as a verb.
    has: &'static str,
    /// The frame in it that has to do with it.
    frame: FrameRef,
    /// All of it.
    chain: Option<&'r Chain>,
    /// The frame that keeps it.
    keeper: Option<FrameRef>,
}

impl<'r> Unpolled<'r> {
    fn of(report: &'r Report, link: &Link) -> Option<Self> {
        if let Cause::Unpolled(wait) = link.cause {
            let wait: &Wait = report.wait(wait);
            let has = if wait.is_granted { "was granted" } else { "is next in line for" };
            let chain = branch(report, wait.task, wait.leaf);
            let frame = wait.user.filter(|user| chain.is_some_and(|chain| chain.has(*user)));
            let frame = frame.unwrap_or(wait.leaf);
            let keeper = wait.holding_frame;
            return Some(Self { task: wait.task, has, frame, chain, keeper });
        }
        let holder = link.resource(report).2.filter(|holder| holder.holding_frame.is_some())?;
        let task = holder.task?;
        let has = match holder.access {
            Access::Place => "has reserved a place in",
            access if access.is_end() => "has an end of",
            _ => "holds",
        };
        let chain = branch(report, task, holder.frame);
        Some(Self { task, has, frame: holder.frame, chain, keeper: holder.holding_frame })
    }

    /// ``the future in `first` ``, or its function where it is in no variable.
    fn name(&self, report: &Report) -> String {
        match self.chain.and_then(|chain| chain.variable.as_deref()) {
            Some(variable) => format!("the future in `{variable}`"),
            None => report.site(self.frame.site).name.short.clone(),
        }
    }
}

/// The branch that a frame is in and that nothing polls.
fn branch(report: &Report, task: TaskIndex, frame: FrameRef) -> Option<&Chain> {
    report.task(task).chain.unpolled_around(frame).map(|(_, branch)| branch)
}

/// The variable of a future that nothing polls, by a frame in it; `None` where it has none.
pub(super) fn variable(report: &Report, task: TaskIndex, frame: FrameRef) -> Option<&str> {
    branch(report, task, frame)?.variable.as_deref()
}

pub(super) fn help(told: &Told<'_>) -> Option<String> {
    let line = line_of(told.report, unpolled(told)?.1.keeper?)?;
    Some(format!("drop that future before {line}, or poll it there as well"))
}

/// The future that nothing polls, and the wait that does not end for it.
fn unpolled<'r>(told: &Told<'r>) -> Option<(&'r Link, Unpolled<'r>)> {
    told.finding.links.iter().find_map(|link| Some((link, Unpolled::of(told.report, link)?)))
}
