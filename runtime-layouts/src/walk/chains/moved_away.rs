//! Futures in variables that may have been moved away. Old bytes lead to the same futures as the
//! variable where they are now, or to where others lie since.

use rustc_hash::FxHashSet;

use crate::report::{Chain, FrameRef, Resource, SiteId, Task, TaskIndex, TaskKind, TaskState};

/// Shows the doubtful futures that were found to have what somebody waits for, and forgets the others.
pub(crate) fn take_in(tasks: &mut [Task], resources: &[Resource]) {
    let holders = resources.iter().flat_map(|resource| &resource.holders);
    let unpolled = holders.filter(|holder| holder.may_be_moved && holder.holding_frame.is_some());
    let known: FxHashSet<(TaskIndex, FrameRef)> =
        unpolled.filter_map(|holder| Some((holder.task?, holder.frame))).collect();
    for task in tasks {
        take_in_chain(task.index, &mut task.chain, &known);
    }
}

fn take_in_chain(task: TaskIndex, chain: &mut Chain, known: &FxHashSet<(TaskIndex, FrameRef)>) {
    // The innermost first: what is further in becomes a branch beside it.
    for (keeper, branch) in std::mem::take(&mut chain.doubtful).into_iter().rev() {
        if futures_in(&branch).into_iter().any(|frame| known.contains(&(task, frame))) {
            add_beside(chain, keeper, branch);
        }
    }
    chain.branches.iter_mut().for_each(|branch| take_in_chain(task, branch, known));
}

/// Adds a branch that a frame of a chain has beside what it awaits.
fn add_beside(chain: &mut Chain, keeper: usize, branch: Chain) {
    if keeper + 1 < chain.frames.len() {
        let frames = chain.frames.split_off(keeper + 1);
        let branches = std::mem::take(&mut chain.branches);
        chain.branches.push(Chain { frames, branches, ..Chain::default() });
    }
    chain.branches.push(branch);
}

/// Leaves out the branches of variables that may have been moved away where somebody else has the
/// same futures, or may have them: a task that runs shows less than it has, as does one that was not
/// polled yet, whose first frame `is_new`.
pub(crate) fn leave_out(tasks: &mut [Task], is_new: &dyn Fn(SiteId) -> bool) {
    let mut wanted = FxHashSet::default();
    for task in &*tasks {
        doubtful(&task.chain, &mut |branch| wanted.extend(futures_in(branch)));
    }
    // Hardly any program has such a branch, and there may be a million tasks.
    if wanted.is_empty() && !tasks.iter().any(|task| has_doubtful(&task.chain)) {
        return;
    }
    let may_have_taken = |task: &Task| {
        let first = task.chain.frames.first();
        let runs = task.state == TaskState::Running && task.kind != TaskKind::Blocking;
        runs || task.state == TaskState::Scheduled && first.is_some_and(|it| is_new(it.site))
    };
    if tasks.iter().any(may_have_taken) {
        tasks.iter_mut().for_each(|task| forget(&mut task.chain));
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

/// Whether a chain has futures of which nothing else tells that they are there.
fn has_doubtful(chain: &Chain) -> bool {
    !chain.doubtful.is_empty() || chain.branches.iter().any(has_doubtful)
}

/// Leaves out all that may have been moved away.
fn forget(chain: &mut Chain) {
    chain.doubtful.clear();
    chain.branches.retain(|branch| !branch.may_be_moved);
    chain.branches.iter_mut().for_each(forget);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeReport;
    use crate::report::{Frame, Report};

    /// Two tasks, each with a set in a variable; both sets lead to the same future.
    fn story(first_is_certain: bool) -> Report {
        let mut story = FakeReport::new();
        let (first, second) = (story.task(), story.task());
        let (set, old) = match first_is_certain {
            true => (story.branch(first), story.perhaps_unpolled(second)),
            false => (story.perhaps_unpolled(first), story.perhaps_unpolled(second)),
        };
        let (future, _) = (story.branch(set), story.branch(old));
        let mut report = story.report();
        let same = Frame { site: future.frame.site, address: future.frame.address, problem: None };
        let old_set = &mut report.tasks[1].chain.branches[0];
        old_set.branches[0].frames = vec![same];
        report
    }

    fn counts(mut report: Report) -> [usize; 2] {
        leave_out(&mut report.tasks, &|_| false);
        [0, 1].map(|task| report.tasks[task].chain.branches.len())
    }

    #[test]
    fn old_bytes_of_what_another_task_polls_are_left_out() {
        assert_eq!(counts(story(true)), [1, 0]);
    }

    #[test]
    fn of_two_that_may_be_old_the_first_counts() {
        assert_eq!(counts(story(false)), [1, 0]);
    }

    #[test]
    fn what_nobody_else_has_stays() {
        let mut story = FakeReport::new();
        let task = story.task();
        let set = story.perhaps_unpolled(task);
        story.branch(set);
        let mut report = story.report();
        leave_out(&mut report.tasks, &|_| false);
        assert_eq!(report.tasks[0].chain.branches.len(), 1);
    }

    #[test]
    fn while_another_task_runs_or_is_new_that_one_may_have_it() {
        for (state, is_new, left) in [
            (TaskState::Running, false, 0),
            (TaskState::Scheduled, true, 0),
            (TaskState::Scheduled, false, 1),
        ] {
            let mut story = FakeReport::new();
            let (task, other) = (story.task(), story.task());
            let set = story.perhaps_unpolled(task);
            story.branch(set);
            story.task_mut(other).state = state;
            let mut report = story.report();
            leave_out(&mut report.tasks, &|_| is_new);
            assert_eq!(report.tasks[0].chain.branches.len(), left, "{state:?}");
        }
    }
}
