//! The diagnosis of a hanging program, from its report alone.
//!
//! A wait can end if the awaited event is possible: the holder of the lock goes on, the task ends, a
//! sender sends. Events from outside (time, sockets, signals) are always possible, and so are those
//! that the report does not understand. The diagnosis removes every wait that can end; the rest is
//! stuck. Only a fault leaves a wait stuck, so a healthy program has no finding.

mod blocked_workers;
mod dense;
mod dependencies;
mod dependency_graph;
mod drivers;
mod leads;
mod needs;
mod pollers;
mod shutdowns;
mod substitutes;
#[cfg(test)]
mod tests;
mod unwakeable;
mod wait_chains;

use self::dependency_graph::Graph;
use crate::report::{Finding, FindingKind, Report};

/// The faults of a program, worst first; empty for a healthy one.
///
/// ```
/// use runtime_layouts::diagnosis::findings;
/// use runtime_layouts::fake::FakeReport;
/// use runtime_layouts::report::{Cause, FindingKind, ResourceKind};
///
/// let mut story = FakeReport::new();
/// let (holder, waiting) = (story.task(), story.task());
/// let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
/// let socket = story.resource(ResourceKind::Io, "TcpStream");
/// story.holds(holder, lock);
/// story.waits(waiting, lock);
/// story.waits(holder, socket).is_granted = true;
/// // The holder's data has come: the wait for its lock can end.
/// assert_eq!(findings(&story.report()), []);
///
/// let mut story = FakeReport::new();
/// let (holder, waiting) = (story.task(), story.task());
/// let lock = story.resource(ResourceKind::Mutex, "Mutex<Stock>");
/// let never = story.resource(ResourceKind::Never, "Pending");
/// story.holds(holder, lock);
/// story.waits(waiting, lock);
/// story.waits(holder, never);
/// // The holder awaits a future that never completes: nobody gets the lock any more.
/// let report = story.report();
/// let [finding] = &*findings(&report) else { panic!("one fault") };
/// assert_eq!((finding.kind, finding.is_sure), (FindingKind::NeverWoken, true));
/// let causes: Vec<Cause> = finding.links.iter().map(|link| link.cause).collect();
/// assert_eq!(causes, [Cause::Held(0), Cause::Never]);
/// assert_eq!(finding.tasks(&report), [waiting.task, holder.task]);
/// ```
#[must_use]
pub fn findings(report: &Report) -> Vec<Finding> {
    let graph = Graph::of(report);
    let stuck = graph.stuck();
    let mut findings = wait_chains::stuck(report, &graph, stuck);
    blocked_workers::add_starving(report, &mut findings);
    findings.extend(blocked_workers::workers(report, &findings));
    findings.extend(drivers::undriven(report, &findings));
    findings.extend(shutdowns::of(report));
    findings.extend(wait_chains::slow(report, &graph, stuck));
    findings
}

/// Whether a finding is a fault. A lock that is kept while its holder waits for a timer or a socket
/// may be meant so: a rate limiter does nothing else.
#[must_use]
pub fn is_fault(finding: &Finding) -> bool {
    finding.kind != FindingKind::LockAcrossAwait
}

pub use self::leads::leads;
pub use self::wait_chains::reasons;
