//! Sets of futures that moved: old bytes of one lead to the same futures as the set where it is now.

use rustc_hash::FxHashSet;

use crate::report::{Chain, FrameRef, Task};

/// Leaves out the branches of variables that may have been moved away where somebody else has the
/// same futures.
pub(crate) fn leave_out(tasks: &mut [Task]) {
    let mut wanted = FxHashSet::default();
    for task in &*tasks {
        doubtful(&task.chain, &mut |branch| wanted.extend(futures_in(branch)));
    }
    // Hardly any program has such a branch, and there may be a million tasks.
    if wanted.is_empty() {
        return;
    }
    let mut known = FxHashSet::default();
    for task in &*tasks {
        certain(&task.chain, &mut |future| {
            if wanted.contains(&future) {
                known.insert(future);
            }
        });
    }
    for task in tasks {
        retain(&mut task.chain, &mut known);
    }
}

/// The futures in a branch, itself included.
fn futures_in(branch: &Chain) -> Vec<FrameRef> {
    let mut found = Vec::new();
    branch.visit_frames(&mut |frame| found.push(FrameRef::of(frame)));
    found
}

fn doubtful<'c>(chain: &'c Chain, found: &mut impl FnMut(&'c Chain)) {
    for branch in &chain.branches {
        if branch.may_be_moved {
            found(branch);
        }
        doubtful(branch, found);
    }
}

/// Calls `found` with each future that is not in such a branch.
fn certain(chain: &Chain, found: &mut impl FnMut(FrameRef)) {
    chain.frames.iter().for_each(|frame| found(FrameRef::of(frame)));
    let branches = chain.branches.iter().filter(|branch| !branch.may_be_moved);
    branches.for_each(|branch| certain(branch, found));
}

/// Keeps of those branches the first that leads to each future.
fn retain(chain: &mut Chain, known: &mut FxHashSet<FrameRef>) {
    chain.branches.retain(|branch| {
        if !branch.may_be_moved {
            return true;
        }
        let futures = futures_in(branch);
        let is_first = !futures.iter().any(|future| known.contains(future));
        known.extend(futures);
        is_first
    });
    chain.branches.iter_mut().for_each(|branch| retain(branch, known));
}
