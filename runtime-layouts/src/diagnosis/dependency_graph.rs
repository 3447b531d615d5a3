//! The dependency graph of waits: which waits can end, and which are stuck.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::needs::{Dependency, Needs};
use super::pollers::{Pollers, blocks_thread};
use super::stand_ins::StandIns;
use crate::report::{Cause, Chain, FrameRef, Report, TaskIndex, TaskState, Wait, WaitId};

/// A leaf that is polled, with the frames above it that something depends on.
struct Leaf {
    task: TaskIndex,
    waits: Vec<WaitId>,
    /// What blocks every thread that could poll it; `None` when one is free.
    pollers: Option<Rc<[WaitId]>>,
    frames_above: Vec<FrameRef>,
}

impl Leaf {
    /// What goes on when the leaf does: the frames above it that something depends on, and its task.
    fn dependencies(&self) -> impl Iterator<Item = Dependency> {
        let frames = self.frames_above.iter().map(|frame| Dependency::Frame(self.task, *frame));
        frames.chain([Dependency::Task(self.task)])
    }
}

/// The waits of a program and what each needs.
pub(super) struct Graph {
    /// Of the tasks that something depends on.
    leaves: Vec<Leaf>,
    needs: Needs,
    /// The polled waits below each task and frame that something depends on, in the order of the
    /// backtrace.
    below: FxHashMap<Dependency, Vec<WaitId>>,
    /// What blocks every thread that could poll the leaves of each task that something depends on.
    pollers: FxHashMap<TaskIndex, Rc<[WaitId]>>,
    /// What can go on, once all that can end has ended.
    goes_on: FxHashSet<Dependency>,
    /// The waits that are left then.
    stuck: FxHashSet<WaitId>,
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
        let pollers = Pollers::of(report);
        let stand_ins = StandIns::of(report);
        needs.groups.iter_mut().for_each(|group| stand_ins.put_into(group));
        // Nothing depends on most tasks of a large program, whatever they do themselves.
        let needed = needs.groups.iter().flatten();
        let needed: FxHashSet<Dependency> = needed.map(|(dependency, _)| *dependency).collect();
        let mut tasks: Vec<TaskIndex> = needed.iter().map(|it| it.task()).collect();
        tasks.sort_unstable();
        tasks.dedup();
        let mut graph = Self {
            leaves: Vec::new(),
            needs,
            below: FxHashMap::default(),
            pollers: FxHashMap::default(),
            goes_on: FxHashSet::default(),
            stuck: FxHashSet::default(),
        };
        for index in tasks {
            let task = report.task(index);
            if task.state == TaskState::Running {
                graph.add_running(report, index);
                continue;
            }
            if let Some(blocked) = pollers.of_task(report, task) {
                graph.pollers.insert(index, blocked);
            }
            graph.add_leaves(report, index, &task.chain, &needed, &mut Vec::new());
        }
        for leaf in &graph.leaves {
            for dependency in leaf.dependencies() {
                graph.below.entry(dependency).or_default().extend(&leaf.waits);
            }
        }
        (graph.stuck, graph.goes_on) = graph.ends();
        graph
    }

    /// The waits that nothing can end: those that are left when all that can end has ended.
    pub(super) fn stuck(&self) -> FxHashSet<WaitId> {
        self.stuck.clone()
    }

    /// Adds the one leaf of a task that a thread polls: the call that blocks the thread, if any. All
    /// that the task keeps goes on with it.
    fn add_running(&mut self, report: &Report, task: TaskIndex) {
        let waits = waits_of(report, task).filter(|(_, wait)| blocks_thread(report, wait));
        let waits = waits.map(|(id, _)| id).collect();
        self.leaves.push(Leaf { task, waits, pollers: None, frames_above: Vec::new() });
    }

    fn add_leaves(
        &mut self,
        report: &Report,
        task: TaskIndex,
        chain: &Chain,
        needed: &FxHashSet<Dependency>,
        above: &mut Vec<FrameRef>,
    ) {
        let outer = above.len();
        let frames = chain.frames.iter().map(FrameRef::of);
        above.extend(frames.filter(|frame| needed.contains(&Dependency::Frame(task, *frame))));
        let mut branches = chain.polled_branches().peekable();
        if branches.peek().is_none() {
            let leaf = chain.frames.last().map(FrameRef::of);
            // A task that was woken, or runs, goes on, whatever it waited for.
            let is_idle = report.task(task).state == TaskState::Idle;
            let waits = waits_of(report, task)
                .filter(|(_, wait)| is_idle && wait.is_polled && Some(wait.leaf) == leaf)
                .map(|(id, _)| id)
                .collect();
            let pollers = self.pollers.get(&task).cloned();
            // What only ends another wait, and that in vain, is no way to go on.
            let is_limit =
                |waits: &Vec<WaitId>| waits.first().is_some_and(|id| report.wait(*id).is_limit);
            if !is_limit(&waits) {
                self.leaves.push(Leaf { task, waits, pollers, frames_above: above.clone() });
            }
        }
        for branch in branches {
            self.add_leaves(report, task, branch, needed, above);
        }
        above.truncate(outer);
    }

    /// Lets all waits end that can; those that are left, and what goes on.
    fn ends(&self) -> (FxHashSet<WaitId>, FxHashSet<Dependency>) {
        let mut stuck: FxHashSet<WaitId> = self.needs.of.keys().copied().collect();
        let mut goes_on: FxHashSet<Dependency> = FxHashSet::default();
        let mut groups = OpenGroups::of(&self.needs);
        let leaves_of = self.leaves_of_waits();
        // Of several things that a leaf waits for the first that comes is enough.
        let can_go_on = |leaf: &Leaf, stuck: &FxHashSet<WaitId>| {
            let ends = |ids: &[WaitId]| ids.is_empty() || ids.iter().any(|id| !stuck.contains(id));
            ends(&leaf.waits) && leaf.pollers.as_deref().is_none_or(ends)
        };
        let mut going: Vec<usize> = (0..self.leaves.len())
            .filter(|index| can_go_on(&self.leaves[*index], &stuck))
            .collect();
        while let Some(index) = going.pop() {
            if !can_go_on(&self.leaves[index], &stuck) {
                continue;
            }
            for dependency in self.leaves[index].dependencies() {
                if !goes_on.insert(dependency) {
                    continue;
                }
                for id in groups.come(dependency) {
                    stuck.remove(&id);
                    going.extend(leaves_of.get(&id).into_iter().flatten());
                }
            }
        }
        (stuck, goes_on)
    }

    /// The leaves of each wait, by number.
    fn leaves_of_waits(&self) -> FxHashMap<WaitId, Vec<usize>> {
        let mut leaves: FxHashMap<WaitId, Vec<usize>> = FxHashMap::default();
        for (index, leaf) in self.leaves.iter().enumerate() {
            for id in leaf.waits.iter().chain(leaf.pollers.iter().flat_map(|ids| ids.iter())) {
                leaves.entry(*id).or_default().push(index);
            }
        }
        leaves
    }

    /// What keeps a wait from ending and is itself kept.
    pub(super) fn blockers(&self, wait: WaitId) -> impl Iterator<Item = Blocker<'_>> + '_ {
        let groups = self.needs.of.get(&wait).into_iter().flatten();
        let dependencies = groups.flat_map(|group| &self.needs.groups[*group]);
        let blocker = |(dependency, cause): &(Dependency, Cause)| Blocker {
            cause: *cause,
            waits: self.below.get(dependency).map(Vec::as_slice).unwrap_or_default(),
            pollers: self.pollers.get(&dependency.task()).map(|ids| &**ids).unwrap_or_default(),
            goes_on: self.goes_on.contains(dependency),
        };
        let blockers = dependencies.map(blocker);
        let is_own = move |blocker: &Blocker<'_>| blocker.waits.contains(&wait);
        // Of several who have it, the others tell more than the one who waits. The first few are
        // mostly all that is asked for: where thousands wait for what thousands hold, a list of all
        // of them for each would take minutes.
        let others = blockers.clone().filter(move |blocker| !is_own(blocker));
        others.chain(blockers.filter(is_own))
    }
}

/// The groups of which nothing has come so far.
struct OpenGroups {
    /// The groups that each dependency is in.
    of: FxHashMap<Dependency, Vec<usize>>,
    /// The waits that need each group; empty once it came.
    waits: Vec<Vec<WaitId>>,
    /// How many groups each wait still needs.
    missing: FxHashMap<WaitId, usize>,
}

impl OpenGroups {
    fn of(needs: &Needs) -> Self {
        let mut of: FxHashMap<Dependency, Vec<usize>> = FxHashMap::default();
        for (number, group) in needs.groups.iter().enumerate() {
            for (dependency, _) in group {
                of.entry(*dependency).or_default().push(number);
            }
        }
        let mut waits = vec![Vec::new(); needs.groups.len()];
        let mut missing = FxHashMap::default();
        for (id, groups) in &needs.of {
            missing.insert(*id, groups.len());
            groups.iter().for_each(|group| waits[*group].push(*id));
        }
        Self { of, waits, missing }
    }

    /// Takes in that something goes on; the waits that can end since.
    fn come(&mut self, dependency: Dependency) -> Vec<WaitId> {
        let mut ended = Vec::new();
        for group in self.of.remove(&dependency).unwrap_or_default() {
            for id in std::mem::take(&mut self.waits[group]) {
                if let Some(missing) = self.missing.get_mut(&id) {
                    *missing -= 1;
                    ended.extend((*missing == 0).then_some(id));
                }
            }
        }
        ended
    }
}

/// The waits of a report with their numbers.
pub(super) fn waits(report: &Report) -> impl Iterator<Item = (WaitId, &Wait)> {
    (0..).map(WaitId).zip(&report.waits)
}

/// The waits of a task with their numbers.
pub(super) fn waits_of(report: &Report, task: TaskIndex) -> impl Iterator<Item = (WaitId, &Wait)> {
    let start = report.waits.partition_point(|wait| wait.task < task);
    let first = u32::try_from(start).unwrap_or(u32::MAX);
    (first..).map(WaitId).zip(report.waits_of(task))
}
