//! Tasks that nothing can wake: idle ones of which no waker exists.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use crate::report::{
    Cause, Finding, FindingKind, FrameRef, Link, Report, ResourceKind, SiteId, Task, TaskState,
    Wait, WaitId,
};

/// Whether it is certain that nothing polls a task any more, unless somebody aborts it.
pub(super) fn is_unwakeable(task: &Task) -> bool {
    task.state == TaskState::Idle && task.wakers.nothing_can_wake()
}

/// The findings about tasks that nothing can wake: one for all that stand at the same place. The
/// waits of each are returned with the number of its finding.
///
/// A task that waits for nothing else than what never completes was made to do so.
pub(super) fn findings(report: &Report) -> (Vec<Finding>, Vec<(WaitId, usize)>) {
    let mut findings: Vec<Finding> = Vec::new();
    let mut waits = Vec::new();
    let mut places: FxHashMap<(SiteId, Option<SiteId>), usize> = FxHashMap::default();
    for task in report.tasks.iter().filter(|task| is_unwakeable(task)) {
        let polled = || report.waits.of(task.index).filter(|(_, wait)| wait.is_polled);
        let kind = |wait: &Wait| report.resource(wait.resource).kind;
        // A part of which nothing is known may have ended.
        let says_nothing = |wait: &Wait| kind(wait) == ResourceKind::Other && !wait.keeps_waker();
        let never = |wait: &Wait| kind(wait) == ResourceKind::Never;
        let is_meant = polled().any(|(_, wait)| never(wait))
            && polled().all(|(_, wait)| never(wait) || says_nothing(wait));
        // What keeps the task's own waker tells most.
        let first = polled().min_by_key(|(_, wait)| !wait.keeps_waker());
        let Some((first, wait)) = first.filter(|_| !is_meant) else { continue };
        let site = |frame: FrameRef| frame.site;
        let link = Link { wait: first, cause: Cause::NoWaker };
        let number = match places.entry((site(wait.leaf), wait.user.map(site))) {
            Entry::Occupied(known) => {
                findings[*known.get()].links.push(link);
                *known.get()
            }
            Entry::Vacant(new) => {
                findings.push(Finding {
                    kind: FindingKind::NeverWoken,
                    is_sure: true,
                    links: vec![link],
                    behind: Vec::new(),
                    runtime: None,
                });
                *new.insert(findings.len() - 1)
            }
        };
        waits.extend(polled().map(|(id, _)| (id, number)));
    }
    (findings, waits)
}
