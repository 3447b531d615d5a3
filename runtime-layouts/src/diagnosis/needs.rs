//! What the waits of a program need before they can end.

use std::ops::Range;

use rustc_hash::FxHashSet;

use super::dependencies::{Dependency, Group};
use super::pollers::blocks_thread;
use super::unwakeable::is_unwakeable;
use crate::report::{
    Access, Cause, Holder, Report, Resource, ResourceKind, Task, TaskIndex, TaskState, Wait, WaitId,
};

/// Unpolled futures before one that waits that are looked at, at most.
const MAX_AHEAD: usize = 16;

/// What each wait needs that can be stuck.
pub(super) struct Needs {
    pub(super) groups: Vec<Group>,
    /// Where the numbers of the groups that each wait needs, all of them, stand in `lists`; an empty
    /// range for a wait that needs nothing.
    of: Vec<Range<u32>>,
    /// All who wait for one thing mostly need the same, and share a list.
    lists: Vec<u32>,
}

impl Needs {
    /// What the waits of a report need. One that can end whatever the program's tasks do is not in
    /// it.
    pub(super) fn of(report: &Report) -> Self {
        let of = vec![0..0; report.waits.len()];
        let mut needs = Self { groups: Vec::new(), of, lists: Vec::new() };
        let awaited = awaited_alone(report);
        for resource in &report.resources {
            needs.add(report, resource, &awaited);
        }
        needs.add_unwakeable(report, &awaited);
        needs
    }

    /// The numbers of the groups that a wait needs: all of them.
    pub(super) fn of_wait(&self, id: WaitId) -> &[u32] {
        let Range { start, end } = self.of[id.0 as usize];
        &self.lists[start as usize..end as usize]
    }

    /// The waits that need something, in their order.
    pub(super) fn waits(&self) -> impl Iterator<Item = WaitId> + '_ {
        let needing = (0..).map(WaitId).zip(&self.of).filter(|(_, list)| !list.is_empty());
        needing.map(|(id, _)| id)
    }

    /// How many groups each wait needs.
    pub(super) fn counts(&self) -> Vec<u32> {
        self.of.iter().map(|list| list.end - list.start).collect()
    }

    /// A list of groups for waits to need.
    fn list(&mut self, groups: impl IntoIterator<Item = u32>) -> Range<u32> {
        let start = self.lists.len();
        self.lists.extend(groups);
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        number(start)..number(self.lists.len())
    }

    /// What a task waits for that nothing can wake does not matter: it does not go on.
    fn add_unwakeable(&mut self, report: &Report, awaited: &FxHashSet<TaskIndex>) {
        let mut nothing = None;
        // One that is made to wait for ever is mostly meant to be aborted.
        let is_meant = |task: &Task| {
            let mut waits = report.waits_of(task.index).iter();
            may_be_aborted(task, awaited)
                && waits.all(|wait| report.resource(wait.resource).kind == ResourceKind::Never)
        };
        let unwakeable = report.tasks.iter().filter(|task| is_unwakeable(task));
        for task in unwakeable.filter(|task| !is_meant(task)) {
            let list = nothing.get_or_insert_with(|| {
                let group = self.group(Group::new());
                self.list([group])
            });
            for (id, _) in report.waits.of(task.index) {
                self.of[id.0 as usize] = list.clone();
            }
        }
    }

    fn add(&mut self, report: &Report, resource: &Resource, awaited: &FxHashSet<TaskIndex>) {
        let is_open = |id: &WaitId| !report.wait(*id).is_granted;
        if !resource.queue.iter().any(is_open) {
            return;
        }
        let groups: Vec<Group> = match resource.kind {
            ResourceKind::Never => vec![Vec::new()],
            ResourceKind::Join | ResourceKind::JoinSet if are_all_known(resource) => {
                ends_of_tasks(resource)
            }
            ResourceKind::Mutex
            | ResourceKind::RwLock
            | ResourceKind::Semaphore
            | ResourceKind::OnceCell => return self.add_lock(report, resource),
            // Who has an object that was not found may give it back.
            ResourceKind::Pool if resource.are_all_found() => {
                // So may a thread that runs no task.
                if resource.holders.iter().all(|holder| holder.task.is_some()) {
                    self.add_lock(report, resource);
                }
                return;
            }
            ResourceKind::ThreadLock => {
                needs_of_thread_lock(report, resource).into_iter().collect()
            }
            // The future that the call polls.
            ResourceKind::Blocking if !resource.tasks.is_empty() => ends_of_tasks(resource),
            kind if (kind.is_channel()
                || matches!(
                    kind,
                    ResourceKind::Notify
                        | ResourceKind::Barrier
                        | ResourceKind::Cancellation
                        | ResourceKind::OtherEnd
                ))
                && resource.are_all_found() =>
            {
                if is_about_to_be_used(report, resource) || may_be_elsewhere(report, resource) {
                    return;
                }
                vec![enders(report, resource)]
            }
            _ => return,
        };
        if groups.is_empty() {
            return;
        }
        let groups: Vec<u32> = groups.into_iter().map(|group| self.group(group)).collect();
        let list = self.list(groups);
        let may_end = |id: &WaitId| {
            let task = report.wait(*id).task;
            let drives = || report.connections.iter().any(|it| it.task == task);
            match resource.kind {
                ResourceKind::Never => may_be_aborted(report.task(task), awaited),
                ResourceKind::OtherEnd => report.has_more_wakers(task),
                // Who drives a connection over a pipe goes on by those who use it, too.
                ResourceKind::Pipe => report.has_more_wakers(task) || drives(),
                _ => false,
            }
        };
        for id in resource.queue.iter().filter(|id| is_open(id) && !may_end(id)) {
            self.of[id.0 as usize] = list.clone();
        }
    }

    fn group(&mut self, group: Group) -> u32 {
        self.groups.push(group);
        u32::try_from(self.groups.len() - 1).unwrap_or(u32::MAX)
    }

    /// Adds what those who wait for a lock need: who was given it or holds it, and who comes first.
    fn add_lock(&mut self, report: &Report, lock: &Resource) {
        let waits = || lock.queue.iter().map(|id| (*id, report.wait(*id)));
        // Who was given it and is polled goes on, and holds it next.
        if may_be_elsewhere(report, lock) {
            return;
        }
        if waits().any(|(_, wait)| wait.is_granted && wait.is_polled) {
            return;
        }
        let given = waits().filter(|(_, wait)| wait.is_granted);
        let given: Group = given.filter_map(|(id, wait)| unpolled(id, wait)).collect();
        let holders = holders(report, lock);
        let mut groups: Vec<Group> = match lock.kind {
            // One permit may do, whoever gives it back.
            ResourceKind::Semaphore | ResourceKind::Pool => {
                vec![holders.into_iter().chain(given).collect()]
            }
            // What was given away is not held any more.
            _ if given.is_empty() => vec![holders],
            _ => given.into_iter().map(|given| vec![given]).collect(),
        };
        groups.retain(|group| !group.is_empty());
        let common: Vec<u32> = groups.into_iter().map(|group| self.group(group)).collect();
        let shared = self.list(common.iter().copied());
        let mut queue = Ahead::of(lock);
        for (id, wait) in waits().filter(|(_, wait)| !wait.is_granted) {
            self.of[id.0 as usize] = {
                let mut before = queue.before(wait).peekable();
                match before.peek() {
                    None => shared.clone(),
                    Some(_) => self.list(common.iter().copied().chain(before)),
                }
            };
            if let Some(unpolled) = unpolled(id, wait)
                && queue.counts()
            {
                let group = self.group(vec![unpolled]);
                queue.ahead.push((wait.access, group));
            }
        }
    }
}

/// The futures in a lock's queue that nothing polls. They will be given it before those behind them,
/// and keep it.
struct Ahead<'r> {
    lock: &'r Resource,
    /// Permits that may come back.
    held: u64,
    /// How each asks, and its group, first come first.
    ahead: Vec<(Option<Access>, u32)>,
}

impl<'r> Ahead<'r> {
    fn of(lock: &'r Resource) -> Self {
        let polled = lock
            .holders
            .iter()
            .filter(|holder| holder.holding_frame.is_none() && holder.access != Access::Handle);
        let held = polled.map(|holder| permits(Some(holder.access))).fold(0, u64::saturating_add);
        Self { lock, held, ahead: Vec::new() }
    }

    /// Whether one more counts. A cell that is set wakes all who wait for it.
    fn counts(&self) -> bool {
        self.lock.is_in_order
            && self.lock.kind != ResourceKind::OnceCell
            && self.ahead.len() < MAX_AHEAD
    }

    /// The groups of those that keep it from a wait behind them.
    fn before(&self, wait: &Wait) -> impl Iterator<Item = u32> {
        let asked = self.ahead.iter().map(|(access, _)| permits(*access));
        let is_one = !matches!(self.lock.kind, ResourceKind::Semaphore | ResourceKind::Pool);
        let is_short = is_one || asked.fold(0, u64::saturating_add) >= self.held;
        let shared = Some(Access::Shared);
        self.ahead.iter().filter_map(move |(access, group)| {
            // Readers are let in together.
            let is_beside = *access == shared && wait.access == shared;
            (is_short && !is_beside).then_some(*group)
        })
    }
}

fn permits(access: Option<Access>) -> u64 {
    match access {
        Some(Access::Permits(count)) => count,
        _ => 1,
    }
}

/// The end of one of the tasks of a resource, or of each of them.
fn ends_of_tasks(resource: &Resource) -> Vec<Group> {
    let task = |task: &TaskIndex| (Dependency::Task(*task), Cause::NotEnded(*task));
    match resource.needs_all {
        true => resource.tasks.iter().map(|of| vec![task(of)]).collect(),
        false => vec![resource.tasks.iter().map(task).collect()],
    }
}

/// Whether the tasks of a resource are all that there are: one that has ended is in no list.
fn are_all_known(resource: &Resource) -> bool {
    let count = resource.tasks.len() as u64;
    count > 0 && resource.parties.is_none_or(|parties| parties == count)
}

/// The frame that keeps a future without polling it, by a wait of that future.
fn unpolled(id: WaitId, wait: &Wait) -> Option<(Dependency, Cause)> {
    Some((Dependency::Frame(wait.task, wait.holding_frame?), Cause::Unpolled(id)))
}

/// Whether somebody has the handle of a task, who does not just await it.
fn may_be_aborted(task: &Task, awaited: &FxHashSet<TaskIndex>) -> bool {
    task.wakers.has_join_handle && !awaited.contains(&task.index)
}

/// The tasks that another one awaits, and nothing beside: it does not abort them before they end.
fn awaited_alone(report: &Report) -> FxHashSet<TaskIndex> {
    let mut awaited = FxHashSet::default();
    for resource in &report.resources {
        if !matches!(resource.kind, ResourceKind::Join | ResourceKind::JoinSet) {
            continue;
        }
        let is_alone = |id: &WaitId| {
            let wait = report.wait(*id);
            let polled = report.waits_of(wait.task).iter().filter(|other| other.is_polled);
            wait.is_polled && polled.count() == 1
        };
        if resource.queue.iter().any(is_alone) {
            awaited.extend(resource.tasks.iter().copied());
        }
    }
    awaited
}

/// Whether a thread may have what only variables are known to have that may have been moved away; or a
/// permit, since nobody counts those.
fn may_be_elsewhere(report: &Report, resource: &Resource) -> bool {
    let Some(first) = resource.queue.first() else { return false };
    resource.is_in_doubt() && report.may_be_with_a_thread(report.wait(*first).resource)
}

/// Whether a place of a channel was given to a future that something polls.
fn is_about_to_be_used(report: &Report, channel: &Resource) -> bool {
    let mut waits = channel.queue.iter().map(|id| report.wait(*id));
    channel.reserved.is_some() && waits.any(|wait| wait.is_granted && wait.is_polled)
}

/// Who can bring what a channel is waited for, or a notification. Where only a place lets a message
/// in, that is who has one.
fn enders(report: &Report, channel: &Resource) -> Group {
    let given = channel.queue.iter().map(|id| (*id, report.wait(*id)));
    let given = given.filter(|(_, wait)| wait.is_granted && channel.reserved.is_some());
    let given = given.filter_map(|(id, wait)| unpolled(id, wait));
    let only_places = channel.reserved.is_some_and(|it| it.are_all && it.is_for_messages);
    let mut group = holders(report, channel);
    group.retain(|(_, cause)| match cause {
        Cause::Held(number) if only_places => {
            channel.holders[*number as usize].access == Access::Place
        }
        _ => true,
    });
    group.extend(given);
    group
}

/// The tasks that hold a resource. Who only has a handle of it counts where all are known who have.
fn holders(report: &Report, resource: &Resource) -> Group {
    let are_all_found = resource.are_all_found();
    let counts = |holder: &Holder| {
        (holder.thread.is_none() || holder.task.is_some() || resource.kind == ResourceKind::Pool)
            && (holder.access != Access::Handle || are_all_found)
            && holder.access != Access::Peer
    };
    let of_tasks = resource.holders.iter().zip(0..).filter(|(holder, _)| counts(holder));
    of_tasks
        .filter_map(|(holder, number)| Some((held(report, holder)?, Cause::Held(number))))
        .collect()
}

/// What must go on so that a holder lets go; `None` for a thread that runs no task.
fn held(report: &Report, holder: &Holder) -> Option<Dependency> {
    let task = holder.task?;
    Some(match report.task(task).state {
        // What calls `block_on` goes on with what that polls.
        _ if holder.thread.is_some() => Dependency::Task(task),
        TaskState::Running => Dependency::Task(task),
        // What nothing polls goes on no more than the frame that has it.
        _ => Dependency::Frame(task, holder.holding_frame.unwrap_or(holder.frame)),
    })
}

/// What who waits for a lock that blocks threads needs: one of those who hold it, as far as they are
/// known; `None` when there may be others.
///
/// A guard on a stack may be one that was dropped or moved, so while any other thread runs, that may
/// be who has the lock. Where no guard was found, and no thread but those that wait for it may have
/// one, it is one of them.
fn needs_of_thread_lock(report: &Report, lock: &Resource) -> Option<Group> {
    let id = lock.queue.first().map(|id| report.wait(*id).resource)?;
    let may_be_elsewhere = report.may_be_held_unseen(id);
    if lock.holders.is_empty() {
        let waiting = lock.queue.iter().map(|id| report.wait(*id));
        let is_known = lock.address != 0 && !may_be_elsewhere;
        let all: Group = waiting
            .filter(|wait| blocks_thread(report, wait))
            .map(|wait| (Dependency::Task(wait.task), Cause::HeldByWaiter))
            .collect();
        return Some(all).filter(|all| is_known && !all.is_empty());
    }
    // Who runs an initializer is seen to.
    let is_on_a_stack =
        |holder: &Holder| holder.thread.is_some() && holder.access != Access::Initializer;
    if may_be_elsewhere && lock.holders.iter().any(is_on_a_stack) {
        return None;
    }
    let held = lock.holders.iter().zip(0..);
    held.map(|(holder, number)| Some((self::held(report, holder)?, Cause::Held(number)))).collect()
}
