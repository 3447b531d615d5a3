//! DIAGNOSIS: why a program hangs, from the report alone.
//!
//! A wait can end when what it waits for can come: when a holder of the lock goes on, when the task
//! ends, when a sender sends. What comes from outside (time, sockets, signals) can always come, and
//! so can what is not understood. What is left when all that can end has ended is stuck: nothing
//! but a fault keeps it, so that a healthy program has no finding.

mod blocked_workers;
mod dependency_graph;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod wait_chains;

use self::dependency_graph::Graph;
use crate::report::{Finding, Report};

/// The faults of a program, worst first.
#[must_use]
pub fn findings(report: &Report) -> Vec<Finding> {
    let graph = Graph::of(report);
    let stuck = graph.stuck();
    let mut findings = wait_chains::stuck(report, &graph, &stuck);
    findings.extend(blocked_workers::workers(report));
    findings.extend(wait_chains::slow(report, &graph, &stuck));
    findings
}

pub use self::wait_chains::reasons;
