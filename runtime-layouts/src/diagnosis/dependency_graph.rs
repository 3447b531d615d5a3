//! The dependency graph of waits: which waits can end, and which are stuck.

use rustc_hash::{FxHashMap, FxHashSet};

use std::rc::Rc;

use super::pollers::{Pollers, blocks_thread};
use super::stand_ins::StandIns;
use crate::report::{
    Cause, Chain, FrameRef, Holder, Report, Resource, ResourceKind, TaskIndex, TaskState, Wait,
    WaitId,
};

/// Something that goes on or does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Dependency {
    /// A whole task: it goes on when one of its leaves does.
    Task(TaskIndex),
    /// A frame of a task: it goes on when one of the leaves below it does.
    Frame(TaskIndex, FrameRef),
}

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

/// What a wait needs one of, each with the reason for which the wait does not end before.
pub(super) type Group = Vec<(Dependency, Cause)>;

/// The waits of a program and what each needs.
pub(super) struct Graph {
    /// Of the tasks that something depends on.
    leaves: Vec<Leaf>,
    /// Of each wait that can be stuck: what must go on. One of each group is enough, but of every
    /// group there must be one.
    needs: FxHashMap<WaitId, Vec<Group>>,
    /// The polled waits below each task and frame that something depends on, in the order of the
    /// backtrace.
    below: FxHashMap<Dependency, Vec<WaitId>>,
    /// What blocks every thread that could poll the leaves of each task that something depends on.
    pollers: FxHashMap<TaskIndex, Rc<[WaitId]>>,
}

/// What keeps a wait from ending.
pub(super) struct Blocker<'g> {
    pub(super) cause: Cause,
    /// The waits that keep it, in the order of the backtrace.
    pub(super) waits: &'g [WaitId],
    /// What blocks every thread that could poll it; empty when one is free.
    pub(super) pollers: &'g [WaitId],
}

impl Graph {
    /// The graph of a report.
    pub(super) fn of(report: &Report) -> Self {
        let mut graph = Self {
            leaves: Vec::new(),
            needs: FxHashMap::default(),
            below: FxHashMap::default(),
            pollers: FxHashMap::default(),
        };
        let pollers = Pollers::of(report);
        let stand_ins = StandIns::of(report);
        for (id, wait) in waits(report) {
            if let Some(mut needs) = needs_of(report, id, wait) {
                needs.iter_mut().for_each(|group| stand_ins.put_into(group));
                graph.needs.insert(id, needs);
            }
        }
        // Nothing depends on most tasks of a large program, whatever they do themselves.
        let needed = graph.needs.values().flatten().flatten();
        let needed: FxHashSet<Dependency> = needed.map(|(dependency, _)| *dependency).collect();
        let mut tasks: Vec<TaskIndex> = needed.iter().map(|it| it.task()).collect();
        tasks.sort_unstable();
        tasks.dedup();
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
        graph
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
            self.leaves.push(Leaf { task, waits, pollers, frames_above: above.clone() });
        }
        for branch in branches {
            self.add_leaves(report, task, branch, needed, above);
        }
        above.truncate(outer);
    }

    /// The waits that nothing can end: those that are left when all that can end has ended.
    pub(super) fn stuck(&self) -> FxHashSet<WaitId> {
        let mut stuck: FxHashSet<WaitId> = self.needs.keys().copied().collect();
        let mut goes_on: FxHashSet<Dependency> = FxHashSet::default();
        let (dependents, leaves_of) = (self.dependents(), self.leaves_of_waits());
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
                for id in dependents.get(&dependency).into_iter().flatten() {
                    let is_met = |group: &Group| group.iter().any(|(one, _)| goes_on.contains(one));
                    if self.needs[id].iter().all(is_met) && stuck.remove(id) {
                        going.extend(leaves_of.get(id).into_iter().flatten());
                    }
                }
            }
        }
        stuck
    }

    /// The waits that need each dependency, or another one instead of it.
    fn dependents(&self) -> FxHashMap<Dependency, Vec<WaitId>> {
        let mut dependents: FxHashMap<Dependency, Vec<WaitId>> = FxHashMap::default();
        for (id, groups) in &self.needs {
            for (dependency, _) in groups.iter().flatten() {
                dependents.entry(*dependency).or_default().push(*id);
            }
        }
        dependents
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
        let groups = self.needs.get(&wait).into_iter().flatten().flatten();
        let blocker = |(dependency, cause): &(Dependency, Cause)| Blocker {
            cause: *cause,
            waits: self.below.get(dependency).map(Vec::as_slice).unwrap_or_default(),
            pollers: self.pollers.get(&dependency.task()).map(|ids| &**ids).unwrap_or_default(),
        };
        let mut blockers: Vec<Blocker<'_>> = groups.map(blocker).collect();
        // Of several who have it, the others tell more than the one who waits.
        blockers.sort_by_key(|blocker| blocker.waits.contains(&wait));
        blockers.into_iter()
    }
}

impl Dependency {
    /// Its task.
    fn task(self) -> TaskIndex {
        match self {
            Self::Task(task) | Self::Frame(task, _) => task,
        }
    }
}

/// What a wait needs; `None` when it can end whatever the program's tasks do.
fn needs_of(report: &Report, id: WaitId, wait: &Wait) -> Option<Vec<Group>> {
    if wait.is_granted {
        return None;
    }
    let resource = report.resource(wait.resource);
    let mut groups = Vec::new();
    match resource.kind {
        ResourceKind::Never => groups.push(Vec::new()),
        ResourceKind::Join | ResourceKind::JoinSet if are_all_known(resource) => {
            let task = |task: &TaskIndex| (Dependency::Task(*task), Cause::NotEnded(*task));
            match resource.needs_all {
                true => groups.extend(resource.tasks.iter().map(|of| vec![task(of)])),
                false => groups.push(resource.tasks.iter().map(task).collect()),
            }
        }
        ResourceKind::Mutex | ResourceKind::RwLock | ResourceKind::Semaphore => {
            groups = needs_of_lock(report, resource, id);
        }
        ResourceKind::ThreadLock => groups.extend(needs_of_thread_lock(report, wait)),
        // The future that the call polls.
        ResourceKind::Blocking if !resource.tasks.is_empty() => {
            let task = |task: &TaskIndex| (Dependency::Task(*task), Cause::NotEnded(*task));
            groups.push(resource.tasks.iter().map(task).collect());
        }
        ResourceKind::Mpsc
        | ResourceKind::Oneshot
        | ResourceKind::Watch
        | ResourceKind::Broadcast
        | ResourceKind::Notify => {
            let holders = holders(report, resource);
            // Ends of the channel that were not found may be anywhere.
            let is_shared = resource.holders.iter().any(|holder| holder.is_shared);
            let is_complete = resource.parties == Some(holders.len() as u64)
                && !(is_shared || resource.is_reachable);
            if is_complete && !holders.is_empty() {
                groups.push(holders);
            }
        }
        _ => {}
    }
    (!groups.is_empty()).then_some(groups)
}

/// What a wait for a lock needs: who was given it or holds it, and who comes first in the queue.
fn needs_of_lock(report: &Report, lock: &Resource, id: WaitId) -> Vec<Group> {
    let unpolled =
        |given| ahead(report, lock, id, given).filter_map(|id| holding_frame(report, id));
    let mut groups: Vec<Group> = unpolled(true).map(|given| vec![given]).collect();
    if groups.is_empty() {
        groups.extend(Some(holders(report, lock)).filter(|holders| !holders.is_empty()));
    }
    // What waits in front and is not polled will be given it, and keep it.
    groups.extend(unpolled(false).map(|queued| vec![queued]));
    groups
}

/// Whether the tasks of a resource are all that there are: one that has ended is in no list.
fn are_all_known(resource: &Resource) -> bool {
    let count = resource.tasks.len() as u64;
    count > 0 && resource.parties.is_none_or(|parties| parties == count)
}

/// The frame that keeps a future without polling it, by a wait of that future.
fn holding_frame(report: &Report, id: WaitId) -> Option<(Dependency, Cause)> {
    let wait = report.wait(id);
    Some((Dependency::Frame(wait.task, wait.holding_frame?), Cause::Unpolled(id)))
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

fn holders(report: &Report, resource: &Resource) -> Group {
    let of_tasks = resource.holders.iter().zip(0..).filter(|(holder, _)| holder.thread.is_none());
    of_tasks
        .filter_map(|(holder, number)| Some((held(report, holder)?, Cause::Held(number))))
        .collect()
}

/// What must go on so that a holder lets go; `None` for a thread that runs no task.
fn held(report: &Report, holder: &Holder) -> Option<Dependency> {
    let task = holder.task?;
    Some(match report.task(task).state {
        TaskState::Running => Dependency::Task(task),
        _ => Dependency::Frame(task, holder.frame),
    })
}

/// What the wait for a lock that blocks threads needs: one of those who hold it, as far as they are
/// known; `None` when there may be others.
///
/// A guard on a stack may be one that was dropped or moved, so while any other thread runs, that may
/// be who has the lock. Where no guard was found, and no thread but those that wait for it may have
/// one, it is one of them.
fn needs_of_thread_lock(report: &Report, wait: &Wait) -> Option<Group> {
    let lock = report.resource(wait.resource);
    let may_be_elsewhere = report.may_be_held_unseen(wait.resource);
    if lock.holders.is_empty() {
        let waiting = lock.queue.iter().map(|id| report.wait(*id));
        let is_known = lock.address != 0 && !may_be_elsewhere;
        let all: Group = waiting
            .filter(|wait| blocks_thread(report, wait))
            .map(|wait| (Dependency::Task(wait.task), Cause::HeldByWaiter))
            .collect();
        return Some(all).filter(|all| is_known && !all.is_empty());
    }
    if may_be_elsewhere && lock.holders.iter().any(|holder| holder.thread.is_some()) {
        return None;
    }
    let held = lock.holders.iter().zip(0..);
    held.map(|(holder, number)| Some((self::held(report, holder)?, Cause::Held(number)))).collect()
}

/// The waits for a resource that are not polled: those that were given it, or those that come
/// before a wait in its queue.
fn ahead<'r>(
    report: &'r Report,
    resource: &'r Resource,
    wait: WaitId,
    given: bool,
) -> impl Iterator<Item = WaitId> + 'r {
    resource
        .queue
        .iter()
        .copied()
        .take_while(move |id| given || *id != wait)
        .filter(move |id| *id != wait)
        .filter(move |id| !report.wait(*id).is_polled && report.wait(*id).is_granted == given)
}
