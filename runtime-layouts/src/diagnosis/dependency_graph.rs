//! The dependency graph of waits: which waits can end, and which are stuck.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::dense::{Lists, WaitSet};
use super::dependencies::{Dependencies, DependencyId};
use super::needs::Needs;
use super::pollers::{Pollers, blocks_thread};
use super::substitutes::Substitutes;
use crate::report::{
    Cause, Chain, Frame, FrameRef, Report, ResourceKind, TaskIndex, TaskState, Wait, WaitId,
};

/// Branches beside a timer, at most, that it ends when it is due: a set of futures has more.
const MAX_LIMITED: usize = 16;

/// A leaf that is polled, with the frames above it that something depends on.
struct Leaf {
    waits: Vec<WaitId>,
    /// What blocks every thread that could poll it; `None` when one is free.
    pollers: Option<Rc<[WaitId]>>,
    /// What goes on when the leaf does: the frames above it that something depends on, and its task.
    dependencies: Vec<DependencyId>,
}

/// The waits of a program and what each needs.
pub(super) struct Graph {
    /// Of the tasks that something depends on.
    leaves: Vec<Leaf>,
    needs: Needs,
    dependencies: Dependencies,
    /// The members of each group.
    groups: Vec<Vec<(DependencyId, Cause)>>,
    /// The polled waits below each task and frame that something depends on, in the order of the
    /// backtrace.
    below: Lists<WaitId>,
    /// What blocks every thread that could poll the leaves of each task that something depends on.
    pollers: FxHashMap<TaskIndex, Rc<[WaitId]>>,
    /// What can go on, once all that can end has ended.
    goes_on: Vec<bool>,
    /// The waits that are left then.
    stuck: WaitSet,
}

/// What keeps a wait from ending.
pub(super) struct Blocker<'g> {
    pub(super) cause: Cause,
    /// The waits that keep it, in the order of the backtrace.
    pub(super) waits: &'g [WaitId],
    /// What blocks every thread that could poll it; empty when one is free.
    pub(super) pollers: &'g [WaitId],
    /// Whether it can go on: then it keeps nothing for ever.
    pub(super) goes_on: bool,
}

impl Graph {
    /// The graph of a report.
    pub(super) fn of(report: &Report) -> Self {
        let mut needs = Needs::of(report);
        let substitutes = Substitutes::of(report);
        needs.groups.iter_mut().for_each(|group| substitutes.put_into(group));
        let dependencies = Dependencies::of(&needs.groups, report.tasks.len());
        let groups = needs.groups.iter().map(|group| dependencies.numbered(group)).collect();
        let (leaves, pollers) = Leaves::of(report, &dependencies);
        let below = Lists::of(dependencies.len(), || {
            leaves.iter().flat_map(|leaf| {
                let of = move |id: &DependencyId| {
                    let number = id.0;
                    leaf.waits.iter().map(move |wait| (number, *wait))
                };
                leaf.dependencies.iter().flat_map(of)
            })
        });
        let mut graph = Self {
            leaves,
            needs,
            goes_on: vec![false; dependencies.len()],
            dependencies,
            groups,
            below,
            pollers,
            stuck: WaitSet::none_of(report.waits.len()),
        };
        graph.let_end();
        graph
    }

    /// The waits that nothing can end: those that are left when all that can end has ended.
    pub(super) fn stuck(&self) -> &WaitSet {
        &self.stuck
    }

    /// Lets all waits end that can: those that are left are stuck.
    fn let_end(&mut self) {
        self.needs.waits().for_each(|id| self.stuck.insert(id));
        let mut groups = OpenGroups::of(&self.needs, &self.groups, self.dependencies.len());
        let leaves_of = self.leaves_of_waits();
        // Of several things that a leaf waits for the first that comes is enough.
        let can_go_on = |leaf: &Leaf, stuck: &WaitSet| {
            let ends = |ids: &[WaitId]| ids.is_empty() || ids.iter().any(|id| !stuck.contains(*id));
            ends(&leaf.waits) && leaf.pollers.as_deref().is_none_or(ends)
        };
        let mut going: Vec<u32> = (0..)
            .zip(&self.leaves)
            .filter(|(_, leaf)| can_go_on(leaf, &self.stuck))
            .map(|(index, _)| index)
            .collect();
        while let Some(index) = going.pop() {
            let leaf = &self.leaves[index as usize];
            if !can_go_on(leaf, &self.stuck) {
                continue;
            }
            for dependency in &leaf.dependencies {
                if std::mem::replace(&mut self.goes_on[dependency.0 as usize], true) {
                    continue;
                }
                groups.come(*dependency, |id| {
                    self.stuck.remove(id);
                    going.extend(leaves_of.get(id.0));
                });
            }
        }
    }

    /// The leaves of each wait, by number.
    fn leaves_of_waits(&self) -> Lists<u32> {
        Lists::of(self.needs.counts().len(), || {
            (0..).zip(&self.leaves).flat_map(|(index, leaf)| {
                let pollers = leaf.pollers.iter().flat_map(|ids| ids.iter());
                leaf.waits.iter().chain(pollers).map(move |id| (id.0, index))
            })
        })
    }

    /// What keeps a wait from ending and is itself kept.
    pub(super) fn blockers(&self, wait: WaitId) -> impl Iterator<Item = Blocker<'_>> + '_ {
        let groups = self.needs.of_wait(wait).iter();
        let members = groups.flat_map(|group| &self.groups[*group as usize]);
        let blocker = |(dependency, cause): &(DependencyId, Cause)| {
            let task = self.dependencies.get(*dependency).task();
            Blocker {
                cause: *cause,
                waits: self.below.get(dependency.0),
                pollers: self.pollers.get(&task).map(|ids| &**ids).unwrap_or_default(),
                goes_on: self.goes_on[dependency.0 as usize],
            }
        };
        let blockers = members.map(blocker);
        let is_own = move |blocker: &Blocker<'_>| blocker.waits.contains(&wait);
        // Of several who have it, the others tell more than the one who waits. The first few are
        // mostly all that is asked for: where thousands wait for what thousands hold, a list of all
        // of them for each would take minutes.
        let others = blockers.clone().filter(move |blocker| !is_own(blocker));
        others.chain(blockers.filter(is_own))
    }
}

/// The leaves of the tasks that something depends on, while they are collected. Nothing depends on
/// most tasks of a large program, whatever they do themselves.
struct Leaves<'r> {
    report: &'r Report,
    dependencies: &'r Dependencies,
    leaves: Vec<Leaf>,
    /// What blocks every thread that could poll each of them.
    pollers: FxHashMap<TaskIndex, Rc<[WaitId]>>,
}

impl<'r> Leaves<'r> {
    fn of(
        report: &'r Report,
        dependencies: &'r Dependencies,
    ) -> (Vec<Leaf>, FxHashMap<TaskIndex, Rc<[WaitId]>>) {
        let all = Pollers::of(report);
        let mut leaves =
            Self { report, dependencies, leaves: Vec::new(), pollers: FxHashMap::default() };
        for index in dependencies.tasks() {
            let task = report.task(index);
            if task.state == TaskState::Running {
                leaves.add_running(index);
                continue;
            }
            if let Some(blocked) = all.of_task(report, task) {
                leaves.pollers.insert(index, blocked);
            }
            leaves.add(index, &task.chain, &mut Vec::new());
        }
        (leaves.leaves, leaves.pollers)
    }

    /// Adds the one leaf of a task that a thread polls: the call that blocks the thread, if any. All
    /// that the task keeps goes on with it.
    fn add_running(&mut self, task: TaskIndex) {
        let blocks = |wait: &Wait| blocks_thread(self.report, wait);
        let waits = self.report.waits.of(task).filter(|(_, wait)| blocks(wait));
        let waits = waits.map(|(id, _)| id).collect();
        let dependencies = self.dependencies.task(task).into_iter().collect();
        self.leaves.push(Leaf { waits, pollers: None, dependencies });
    }

    fn add(&mut self, task: TaskIndex, chain: &Chain, above: &mut Vec<DependencyId>) {
        let outer = above.len();
        let frames = chain.frames.iter().map(FrameRef::of);
        above.extend(frames.filter_map(|frame| self.dependencies.frame(task, frame)));
        let mut branches = chain.polled_branches().peekable();
        let leaf = chain.frames.last().filter(|_| branches.peek().is_none());
        if branches.peek().is_none() {
            self.add_leaf(task, chain, above);
        }
        self.add_beside(task, chain, leaf.map(FrameRef::of), above);
        let are_few = chain.branches.len() <= MAX_LIMITED;
        for (number, branch) in branches.enumerate() {
            self.add(task, branch, above);
            if are_few && self.is_timer(task, branch) {
                self.add_limit(task, chain, (number, branch), above);
            }
        }
        above.truncate(outer);
    }

    /// Whether a branch is a timer and no code of the user's, as the limit of a `timeout` and an arm of
    /// `select!`.
    fn is_timer(&self, task: TaskIndex, branch: &Chain) -> bool {
        let report = self.report;
        let Some(leaf) = branch.frames.last().map(FrameRef::of) else { return false };
        let is_users = |frame: &Frame| report.site(frame.site).user;
        let is_of_time = |wait: &Wait| {
            wait.leaf == leaf && report.resource(wait.resource).kind == ResourceKind::Sleep
        };
        branch.branches.is_empty()
            && !branch.frames.iter().any(is_users)
            && report.waits_of(task).iter().any(is_of_time)
    }

    /// Adds what a timer lets go when it is due: the branches beside it are dropped then, with all that
    /// they have.
    fn add_limit(
        &mut self,
        task: TaskIndex,
        chain: &Chain,
        (number, timer): (usize, &Chain),
        above: &[DependencyId],
    ) {
        let report = self.report;
        if report.task(task).state != TaskState::Idle {
            return;
        }
        let leaf = timer.frames.last().map(FrameRef::of);
        let waits = report.waits.of(task).filter(|(_, wait)| Some(wait.leaf) == leaf);
        let waits: Vec<WaitId> = waits.map(|(id, _)| id).collect();
        let mut dependencies: Vec<DependencyId> = above.to_vec();
        let others = chain.polled_branches().enumerate().filter(|(other, _)| *other != number);
        for (_, other) in others {
            other.visit_frames(&mut |frame| {
                dependencies.extend(self.dependencies.frame(task, FrameRef::of(frame)));
            });
        }
        if dependencies.len() == above.len() {
            return;
        }
        let pollers = self.pollers.get(&task).cloned();
        self.leaves.push(Leaf { waits, pollers, dependencies });
    }

    /// Adds what frames wait for beside what they poll: they go on with it, and all that they have.
    fn add_beside(
        &mut self,
        task: TaskIndex,
        chain: &Chain,
        leaf: Option<FrameRef>,
        above: &[DependencyId],
    ) {
        let report = self.report;
        if report.task(task).state != TaskState::Idle {
            return;
        }
        let is_beside = |wait: &Wait| {
            wait.is_polled
                && Some(wait.leaf) != leaf
                && chain.frames.iter().any(|frame| FrameRef::of(frame) == wait.leaf)
        };
        let waits = report.waits.of(task).filter(|(_, wait)| is_beside(wait));
        for (id, _) in waits {
            let mut dependencies: Vec<DependencyId> = above.to_vec();
            chain.branches.iter().for_each(|branch| {
                branch.visit_frames(&mut |frame| {
                    dependencies.extend(self.dependencies.frame(task, FrameRef::of(frame)));
                });
            });
            dependencies.extend(self.dependencies.task(task));
            let pollers = self.pollers.get(&task).cloned();
            self.leaves.push(Leaf { waits: vec![id], pollers, dependencies });
        }
    }

    fn add_leaf(&mut self, task: TaskIndex, chain: &Chain, above: &[DependencyId]) {
        let report = self.report;
        let leaf = chain.frames.last().map(FrameRef::of);
        // A task that was woken, or runs, goes on, whatever it waited for.
        let is_idle = report.task(task).state == TaskState::Idle;
        let waits: Vec<WaitId> = report
            .waits
            .of(task)
            .filter(|(_, wait)| is_idle && wait.is_polled && Some(wait.leaf) == leaf)
            .map(|(id, _)| id)
            .collect();
        // What only ends another wait, and that in vain, is no way to go on.
        if waits.first().is_some_and(|id| report.wait(*id).is_limit) {
            return;
        }
        let pollers = self.pollers.get(&task).cloned();
        let dependencies = above.iter().copied().chain(self.dependencies.task(task)).collect();
        self.leaves.push(Leaf { waits, pollers, dependencies });
    }
}

/// The groups of which nothing has come so far.
struct OpenGroups {
    /// The groups that each dependency is in.
    of: Lists<u32>,
    /// The waits that need each group.
    waits: Lists<WaitId>,
    has_come: Vec<bool>,
    /// How many groups each wait still needs.
    missing: Vec<u32>,
}

impl OpenGroups {
    fn of(needs: &Needs, groups: &[Vec<(DependencyId, Cause)>], dependencies: usize) -> Self {
        let of = Lists::of(dependencies, || {
            let numbered = (0..).zip(groups);
            numbered.flat_map(|(number, group)| group.iter().map(move |(id, _)| (id.0, number)))
        });
        let waits = Lists::of(groups.len(), || {
            let of = |id: WaitId| needs.of_wait(id).iter().map(move |group| (*group, id));
            needs.waits().flat_map(of)
        });
        let missing = needs.counts();
        Self { of, waits, has_come: vec![false; groups.len()], missing }
    }

    /// Takes in that something goes on; `end` is given the waits that can end since.
    fn come(&mut self, dependency: DependencyId, mut end: impl FnMut(WaitId)) {
        for group in self.of.get(dependency.0) {
            if std::mem::replace(&mut self.has_come[*group as usize], true) {
                continue;
            }
            for id in self.waits.get(*group) {
                let missing = &mut self.missing[id.0 as usize];
                *missing -= 1;
                if *missing == 0 {
                    end(*id);
                }
            }
        }
    }
}
