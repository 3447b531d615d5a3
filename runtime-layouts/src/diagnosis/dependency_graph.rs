//! The dependency graph of waits: which waits can end, and which are stuck.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::report::{
    Cause, Chain, FrameRef, Report, Resource, ResourceKind, TaskIndex, TaskState, Wait, WaitId,
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
type Group = Vec<(Dependency, Cause)>;

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
}

impl Graph {
    /// The graph of a report.
    pub(super) fn of(report: &Report) -> Self {
        let mut graph =
            Self { leaves: Vec::new(), needs: FxHashMap::default(), below: FxHashMap::default() };
        for (id, wait) in waits(report) {
            if let Some(needs) = needs_of(report, id, wait) {
                graph.needs.insert(id, needs);
            }
        }
        // Nothing depends on most tasks of a large program, whatever they do themselves.
        let needed = graph.needs.values().flatten().flatten();
        let needed: FxHashSet<Dependency> = needed.map(|(dependency, _)| *dependency).collect();
        let of = |dependency: &Dependency| match dependency {
            Dependency::Task(task) | Dependency::Frame(task, _) => *task,
        };
        let mut tasks: Vec<TaskIndex> = needed.iter().map(of).collect();
        tasks.sort_unstable();
        tasks.dedup();
        for task in tasks {
            let chain = &report.task(task).chain;
            graph.add_leaves(report, task, chain, &needed, &mut Vec::new());
        }
        for leaf in &graph.leaves {
            for dependency in leaf.dependencies() {
                graph.below.entry(dependency).or_default().extend(&leaf.waits);
            }
        }
        graph
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
            self.leaves.push(Leaf { task, waits, frames_above: above.clone() });
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
        let can_go_on =
            |leaf: &Leaf| leaf.waits.is_empty() || leaf.waits.iter().any(|id| !stuck.contains(id));
        let mut going: Vec<usize> =
            (0..self.leaves.len()).filter(|index| can_go_on(&self.leaves[*index])).collect();
        while let Some(index) = going.pop() {
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
            for id in &leaf.waits {
                leaves.entry(*id).or_default().push(index);
            }
        }
        leaves
    }

    /// What keeps a wait from ending and is itself kept, with the waits that keep it.
    pub(super) fn blockers(&self, wait: WaitId) -> impl Iterator<Item = (Cause, &[WaitId])> + '_ {
        let groups = self.needs.get(&wait).into_iter().flatten().flatten();
        let below = |dependency| self.below.get(dependency).map(Vec::as_slice).unwrap_or_default();
        let mut blockers: Vec<(Cause, &[WaitId])> =
            groups.map(|(dependency, cause)| (*cause, below(dependency))).collect();
        // Of several who have it, the others tell more than the one who waits.
        blockers.sort_by_key(|(_, waits)| waits.contains(&wait));
        blockers.into_iter()
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
        ResourceKind::Mutex
        | ResourceKind::RwLock
        | ResourceKind::Semaphore
        | ResourceKind::ThreadLock => groups = needs_of_lock(report, resource, id),
        ResourceKind::Mpsc
        | ResourceKind::Oneshot
        | ResourceKind::Watch
        | ResourceKind::Broadcast
        | ResourceKind::Notify => {
            let holders = holders(resource);
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
        groups.extend(Some(holders(lock)).filter(|holders| !holders.is_empty()));
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

fn holders(resource: &Resource) -> Group {
    (0..)
        .zip(&resource.holders)
        .filter(|(_, holder)| holder.thread.is_none())
        .filter_map(|(number, holder)| {
            Some((Dependency::Frame(holder.task?, holder.frame), Cause::Held(number)))
        })
        .collect()
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
