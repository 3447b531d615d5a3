//! What can go on, and what cannot.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::report::{
    Because, Chain, FrameRef, Report, Resource, ResourceKind, TaskIndex, TaskState, Wait, WaitId,
};

/// Something that goes on or does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Party {
    /// A whole task: it goes on when one of its leaves does.
    Task(TaskIndex),
    /// A frame of a task: it goes on when one of the leaves below it does.
    Frame(TaskIndex, FrameRef),
}

/// A leaf that is polled, with the frames above it that something depends on.
struct Leaf {
    task: TaskIndex,
    waits: Vec<WaitId>,
    keepers: Vec<FrameRef>,
}

/// The waits of a program and what each needs.
pub(super) struct Graph {
    /// Of the tasks that something depends on.
    leaves: Vec<Leaf>,
    /// Of each wait that can be stuck: what must go on. One of each group is enough, but of every
    /// group there must be one.
    needs: FxHashMap<WaitId, Vec<Vec<(Party, Because)>>>,
    /// The polled waits below each task and frame that something depends on, in the order of the
    /// backtrace.
    below: FxHashMap<Party, Vec<WaitId>>,
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
        let needed: FxHashSet<Party> = needed.map(|(party, _)| *party).collect();
        let of = |party: &Party| match party {
            Party::Task(task) | Party::Frame(task, _) => *task,
        };
        let mut tasks: Vec<TaskIndex> = needed.iter().map(of).collect();
        tasks.sort_unstable();
        tasks.dedup();
        for task in tasks {
            let chain = &report.task(task).chain;
            graph.add_leaves(report, task, chain, &needed, &mut Vec::new());
        }
        for leaf in &graph.leaves {
            let parties = leaf.keepers.iter().map(|frame| Party::Frame(leaf.task, *frame));
            for party in parties.chain([Party::Task(leaf.task)]) {
                graph.below.entry(party).or_default().extend(&leaf.waits);
            }
        }
        graph
    }

    fn add_leaves(
        &mut self,
        report: &Report,
        task: TaskIndex,
        chain: &Chain,
        needed: &FxHashSet<Party>,
        above: &mut Vec<FrameRef>,
    ) {
        let outer = above.len();
        let frames = chain.frames.iter().map(FrameRef::of);
        above.extend(frames.filter(|frame| needed.contains(&Party::Frame(task, *frame))));
        let mut branches = chain.polled_branches().peekable();
        if branches.peek().is_none() {
            let leaf = chain.frames.last().map(FrameRef::of);
            // A task that was woken, or runs, goes on, whatever it waited for.
            let is_idle = report.task(task).state == TaskState::Idle;
            let waits = waits_of(report, task)
                .filter(|(_, wait)| is_idle && wait.is_polled && Some(wait.leaf) == leaf)
                .map(|(id, _)| id)
                .collect();
            self.leaves.push(Leaf { task, waits, keepers: above.clone() });
        }
        for branch in branches {
            self.add_leaves(report, task, branch, needed, above);
        }
        above.truncate(outer);
    }

    /// The waits that nothing can end.
    pub(super) fn stuck(&self) -> FxHashSet<WaitId> {
        let mut goes_on: FxHashSet<Party> = FxHashSet::default();
        let mut dependents: FxHashMap<Party, Vec<WaitId>> = FxHashMap::default();
        for (id, groups) in &self.needs {
            for (party, _) in groups.iter().flatten() {
                dependents.entry(*party).or_default().push(*id);
            }
        }
        let mut leaf_of: FxHashMap<WaitId, Vec<usize>> = FxHashMap::default();
        let mut stuck: FxHashSet<WaitId> = self.needs.keys().copied().collect();
        let mut going: Vec<usize> = Vec::new();
        for (index, leaf) in self.leaves.iter().enumerate() {
            leaf.waits.iter().for_each(|id| leaf_of.entry(*id).or_default().push(index));
            // Of several things the first that comes is enough.
            if leaf.waits.is_empty() || leaf.waits.iter().any(|id| !stuck.contains(id)) {
                going.push(index);
            }
        }
        while let Some(index) = going.pop() {
            let leaf = &self.leaves[index];
            let parties = leaf.keepers.iter().map(|frame| Party::Frame(leaf.task, *frame));
            for party in parties.chain([Party::Task(leaf.task)]) {
                if !goes_on.insert(party) {
                    continue;
                }
                for id in dependents.get(&party).into_iter().flatten() {
                    let is_met = |group: &Vec<(Party, Because)>| {
                        group.iter().any(|(party, _)| goes_on.contains(party))
                    };
                    if self.needs[id].iter().all(is_met) && stuck.remove(id) {
                        going.extend(leaf_of.get(id).into_iter().flatten());
                    }
                }
            }
        }
        stuck
    }

    /// What keeps a wait from ending and is itself kept, with the waits that keep it.
    pub(super) fn blockers(&self, wait: WaitId) -> impl Iterator<Item = (Because, &[WaitId])> + '_ {
        let groups = self.needs.get(&wait).into_iter().flatten().flatten();
        let below = |party| self.below.get(party).map(Vec::as_slice).unwrap_or_default();
        let mut blockers: Vec<(Because, &[WaitId])> =
            groups.map(|(party, because)| (*because, below(party))).collect();
        // Of several who have it, the others tell more than the one who waits.
        blockers.sort_by_key(|(_, waits)| waits.contains(&wait));
        blockers.into_iter()
    }
}

/// What a wait needs; `None` when it can end whatever the program's tasks do.
fn needs_of(report: &Report, id: WaitId, wait: &Wait) -> Option<Vec<Vec<(Party, Because)>>> {
    if wait.is_granted {
        return None;
    }
    let resource = report.resource(wait.resource);
    let mut groups = Vec::new();
    match resource.kind {
        ResourceKind::Never => groups.push(Vec::new()),
        ResourceKind::Join | ResourceKind::JoinSet if are_all_known(resource) => {
            let task = |task: &TaskIndex| (Party::Task(*task), Because::NotEnded(*task));
            match resource.needs_all {
                true => groups.extend(resource.tasks.iter().map(|of| vec![task(of)])),
                false => groups.push(resource.tasks.iter().map(task).collect()),
            }
        }
        ResourceKind::Mutex
        | ResourceKind::RwLock
        | ResourceKind::Semaphore
        | ResourceKind::ThreadLock => {
            let given: Vec<(Party, Because)> =
                ahead(report, resource, id, true).filter_map(|id| keeper(report, id)).collect();
            let holders = holders(resource);
            if given.is_empty() && !holders.is_empty() {
                groups.push(holders);
            }
            groups.extend(given.into_iter().map(|given| vec![given]));
            // What waits in front and is not polled will be given it, and keep it.
            let queued = ahead(report, resource, id, false).filter_map(|id| keeper(report, id));
            groups.extend(queued.map(|queued| vec![queued]));
        }
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

/// Whether the tasks of a resource are all that there are: one that has ended is in no list.
fn are_all_known(resource: &Resource) -> bool {
    let count = resource.tasks.len() as u64;
    count > 0 && resource.parties.is_none_or(|parties| parties == count)
}

/// The frame that keeps a future without polling it, by a wait of that future.
fn keeper(report: &Report, id: WaitId) -> Option<(Party, Because)> {
    let wait = report.wait(id);
    Some((Party::Frame(wait.task, wait.keeper?), Because::Unpolled(id)))
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

fn holders(resource: &Resource) -> Vec<(Party, Because)> {
    (0..)
        .zip(&resource.holders)
        .filter(|(_, holder)| holder.thread.is_none())
        .filter_map(|(number, holder)| {
            Some((Party::Frame(holder.task?, holder.frame), Because::Held(number)))
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
