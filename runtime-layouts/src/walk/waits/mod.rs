//! The waits of all tasks and the resources that they wait for.

pub(crate) mod leaf_waits;
mod shared_wakers;
pub(crate) mod waker_sweep;

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use self::leaf_waits::FoundWait;
use crate::knowledge::{ObservedResource, OfSystem, ReadOrder, naming};
use crate::report::{
    Access, Activity, BlockedCall, Chain, FrameRef, Holder, ProcessThread, Resource, ResourceId,
    ResourceKind, SiteId, Task, TaskIndex, TaskState, ThreadRef, Wait, WaitId,
};
use crate::value::{Program, Ty, Value};
use crate::walk::chains::site_table::SiteTable;
use crate::walk::search::coroutine::Variable;
use crate::walk::search::shared::SharedPointer;
use crate::walk::stacks::block_on_calls::PolledByCalls;
use crate::walk::stacks::blocked_calls::{self, Blocked};

/// The order of a queue, to be read.
pub(crate) struct QueueOrder {
    of: ResourceId,
    read: ReadOrder,
    from: Value,
}

impl QueueOrder {
    /// The addresses of what waits, first come first, and for what.
    pub(crate) fn read(self, program: &Program<'_>) -> (ResourceId, Vec<u64>) {
        (self.of, (self.read)(program, self.from).unwrap_or_default())
    }
}

/// What tells a resource from others: its identity, its kind and, of a channel, the end that is
/// asked for. Small, since there may be millions.
type Key = (u64, ResourceKind, Option<End>);

/// An end of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Send,
    Receive,
}

fn key(kind: ResourceKind, key: u64, access: Option<Access>) -> Key {
    let end = match access {
        Some(Access::Send) => Some(End::Send),
        Some(Access::Receive) => Some(End::Receive),
        _ => None,
    };
    (key, kind, end)
}

/// The waits and resources that were found so far.
#[derive(Default)]
pub(crate) struct Waits {
    pub(crate) waits: Vec<Wait>,
    pub(crate) resources: Vec<Resource>,
    known: FxHashMap<Key, ResourceId>,
    /// The sizes of locks that block threads, with what they guard, in bytes.
    pub(crate) lock_sizes: FxHashMap<ResourceId, u64>,
    /// Of those for which there is one wait so far.
    orders: FxHashMap<ResourceId, (ReadOrder, Value)>,
    /// The names that resources have of their own: many have the same.
    names: FxHashSet<Arc<str>>,
    /// The sockets that are connected, by their near and far ends.
    pub(crate) sockets: FxHashMap<(String, String), ResourceId>,
    /// What the system knows of, by its numbers there.
    pub(crate) of_system: FxHashMap<OfSystem, ResourceId>,
    /// The threads whose ends are waited for.
    pub(crate) threads: FxHashMap<ResourceId, Vec<ThreadRef>>,
    /// Types as the source spells them, without their paths.
    spelled: FxHashMap<Ty, Arc<str>>,
    /// The locks for which threads spin.
    spun_for: FxHashSet<ResourceId>,
    /// What futures of unknown libraries wait with, the pointers to it that they have, and their types.
    pub(crate) shared: Vec<(ResourceId, SharedPointer, Ty)>,
    /// Where what is shared with others lies, with all that shares it.
    pub(crate) allocations: FxHashMap<ResourceId, Vec<Range<u64>>>,
}

impl Waits {
    /// Adds a wait of the task that is next, or was added to last. Returns what tells the order of
    /// the queue, when it is the second one in a queue that has an order of its own.
    pub(crate) fn add(&mut self, program: &Program<'_>, waiting: FoundWait) -> Option<QueueOrder> {
        let FoundWait { seen, named, mut wait, shared } = waiting;
        let name = self.spelled(program, named);
        let known = self.resources.len();
        let id = self.resource(seen, &name);
        wait.resource = id;
        self.waits.push(wait);
        self.shared.extend(shared.map(|shared| (id, shared, named)));
        let is_first = self.resources.len() > known;
        let order = if is_first { None } else { self.orders.remove(&id) };
        order.map(|(read, from)| QueueOrder { of: id, read, from })
    }

    /// A type as the source spells it, without its path.
    pub(crate) fn spelled(&mut self, program: &Program<'_>, ty: Ty) -> Arc<str> {
        let spelled = self.spelled.entry(ty);
        let new = || naming::of_type(program, ty).unwrap_or_default().into();
        Arc::clone(spelled.or_insert_with(new))
    }

    /// Adds what blocks the thread that polls a task, before its other waits. Asks for stacks.
    pub(crate) fn add_blocked(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        task: &Task,
        polled: &PolledByCalls,
    ) {
        let Some(blocked) = blocked_calls::of_task(program, sites, task) else { return };
        let polls = blocked.polls;
        let call = self.blocked_thread(sites, &task.chain, blocked);
        // What a call like `block_on` waits for.
        let future = polled.by(task).filter(|_| polls);
        self.resources[call.resource.0 as usize].tasks.extend(future);
        self.waits.push(Wait {
            task: task.index,
            resource: call.resource,
            access: call.access,
            is_granted: false,
            note: None,
            is_polled: true,
            is_limit: false,
            blocks_thread: true,
            holding_frame: None,
            waker: None,
            leaf: call.call,
            user: call.user,
        });
    }

    /// What blocks a thread, with the resource that it waits for.
    pub(crate) fn blocked_thread(
        &mut self,
        sites: &SiteTable,
        chain: &Chain,
        blocked: Blocked,
    ) -> BlockedCall {
        let Blocked { seen, name, frame, size, spins, .. } = blocked;
        let access = seen.access;
        let resource = self.resource(seen, &name.into());
        if let Some(size) = size {
            self.lock_sizes.insert(resource, size);
        }
        if spins {
            self.spun_for.insert(resource);
        }
        let users = chain.frames.iter().rev().find(|frame| sites.is_user_code(frame.site));
        BlockedCall { resource, access, call: frame, user: users.map(FrameRef::of) }
    }

    /// Lets threads run that spin for a lock whose holder runs, or is not known: mostly for no longer than
    /// a moment.
    pub(super) fn let_spin(&mut self, tasks: &[Task], threads: &mut [ProcessThread]) {
        let stands = |holder: &Holder| match (holder.thread, holder.task) {
            (Some(thread), _) => thread.is_blocked,
            (None, task) => task
                .and_then(|task| tasks.get(task.0 as usize))
                .is_some_and(|task| task.state != TaskState::Running),
        };
        let resources = &self.resources;
        self.spun_for.retain(|id| !resources[id.0 as usize].holders.iter().any(stands));
        if self.spun_for.is_empty() {
            return;
        }
        let goes_on = |id: ResourceId| self.spun_for.contains(&id);
        let is_left = |wait: &Wait| !(wait.blocks_thread && goes_on(wait.resource));
        let mut left = (0..).map(WaitId);
        let new = |wait| if is_left(wait) { left.next() } else { None };
        let ids: Vec<Option<WaitId>> = self.waits.iter().map(new).collect();
        self.waits.retain(is_left);
        let id = |old: WaitId| ids.get(old.0 as usize).copied().flatten();
        for resource in &mut self.resources {
            resource.queue = resource.queue.iter().copied().filter_map(id).collect();
            resource.given = resource.given.and_then(id);
        }
        for thread in threads {
            if thread.blocked.is_some_and(|call| goes_on(call.resource)) {
                (thread.blocked, thread.activity) = (None, Activity::Running);
            }
        }
    }

    /// Gives what waits within a library's call that blocks, as `Receiver::blocking_recv`, the place of
    /// the user's code that made the call.
    pub(super) fn take_callers(&mut self, threads: &[ProcessThread]) {
        let of_threads =
            threads.iter().filter_map(|thread| Some((thread.task?, thread.blocked?.user?)));
        let mut callers: FxHashMap<TaskIndex, FrameRef> = of_threads.collect();
        for wait in self.waits.iter().filter(|wait| wait.blocks_thread) {
            let polled = &self.resources[wait.resource.0 as usize].tasks;
            callers
                .extend(wait.user.iter().flat_map(|user| polled.iter().map(|task| (*task, *user))));
        }
        if callers.is_empty() {
            return;
        }
        for wait in self.waits.iter_mut().filter(|wait| wait.user.is_none()) {
            wait.user = callers.get(&wait.task).copied();
        }
    }

    /// The resource of that kind and identity, made when it is first seen.
    pub(crate) fn resource(&mut self, seen: ObservedResource, name: &Arc<str>) -> ResourceId {
        let key = key(seen.kind, seen.key, seen.access);
        let id = ResourceId(count(&self.resources));
        match self.known.entry(key) {
            Entry::Occupied(known) => return *known.get(),
            Entry::Vacant(new) => new.insert(id),
        };
        let name = match seen.name {
            None => Arc::clone(name),
            Some(own) => match self.names.get(&*own) {
                Some(known) => Arc::clone(known),
                None => {
                    let own: Arc<str> = (&*own).into();
                    self.names.insert(Arc::clone(&own));
                    own
                }
            },
        };
        self.resources.push(Resource {
            kind: seen.kind,
            address: seen.address,
            name,
            state: seen.state,
            timer: seen.timer,
            holders: Vec::new(),
            is_taken: seen.is_taken,
            parties: seen.parties,
            reserved: seen.reserved,
            is_reachable: seen.is_reachable,
            is_in_order: seen.order.is_some(),
            queue: Vec::new(),
            given: None,
            tasks: seen.tasks,
            needs_all: seen.needs_all,
            thread: seen.threads.first().copied(),
            declared_in: seen.declared_in,
            child: None,
        });
        if !seen.threads.is_empty() {
            self.threads.insert(id, seen.threads);
        }
        if let Some(ends) = seen.ends {
            self.sockets.insert(ends, id);
        }
        if let Some(of_system) = seen.of_system {
            self.of_system.insert(of_system, id);
        }
        if let Some(order) = seen.order {
            self.orders.insert(id, order);
        }
        if let Some((kind, key)) = seen.made_of {
            self.known.entry(self::key(kind, key, None)).or_insert(id);
        }
        id
    }

    /// The resource of that kind and identity, if something waits for it; of a channel, for that
    /// end.
    pub(crate) fn known(
        &self,
        kind: ResourceKind,
        key: u64,
        end: Option<Access>,
    ) -> Option<ResourceId> {
        self.known.get(&self::key(kind, key, end)).copied()
    }

    /// Adds who has a resource.
    pub(crate) fn held(&mut self, id: ResourceId, holder: Holder) {
        let holders = &mut self.resources[id.0 as usize].holders;
        if holders.is_empty() {
            // Most have one.
            holders.reserve_exact(1);
        }
        // Of channels all ends count, and there may be very many.
        if holder.access.is_end() {
            return holders.push(holder);
        }
        // Those of one task stand in a row.
        let others = holders.iter().rposition(|known| known.task != holder.task);
        let own = others.map_or(0, |last| last + 1);
        let is_beside = |known: &Holder| {
            (known.task, known.frame) == (holder.task, holder.frame) && !known.access.is_end()
        };
        // What an expression returns is moved into a variable with a name.
        let is_temporary = |known: &Holder| {
            known.variable.as_ref().is_some_and(|name| Variable::is_temporary(name))
        };
        if !is_temporary(&holder) {
            let of_task = holders.split_off(own);
            let stays = |known: &Holder| !(is_beside(known) && is_temporary(known));
            holders.extend(of_task.into_iter().filter(stays));
        }
        // So may a captured guard have been.
        let may_be_old = holder.may_be_moved || is_temporary(&holder);
        if !(may_be_old && holders[own..].iter().any(is_beside)) {
            holders.push(holder);
        }
    }

    /// Makes the queues, by task.
    pub(crate) fn queue(&mut self) {
        for (id, wait) in (0..).map(WaitId).zip(&self.waits) {
            let resource = &mut self.resources[wait.resource.0 as usize];
            if resource.kind == ResourceKind::Other {
                continue;
            }
            if resource.queue.is_empty() {
                resource.queue.reserve_exact(1);
            }
            resource.queue.push(id);
            if wait.is_granted {
                resource.given.get_or_insert(id);
            }
        }
    }

    /// Sorts the queues into their own order: the addresses of what waits in each. What was given
    /// the resource already comes first.
    pub(crate) fn sort(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        orders: Vec<(ResourceId, Vec<u64>)>,
    ) {
        let waits = &self.waits;
        let mut sizes: FxHashMap<SiteId, u64> = FxHashMap::default();
        for (id, order) in orders {
            let mut places: Vec<(u64, usize)> = order.into_iter().zip(0..).collect();
            // Of one that is there twice, as in a torn list, the last counts.
            places.sort_unstable_by_key(|(address, place)| (*address, Reverse(*place)));
            let mut near = 0;
            let resource = &mut self.resources[id.0 as usize];
            resource.queue.sort_by_cached_key(|wait| {
                let wait = &waits[wait.0 as usize];
                let size = *sizes.entry(wait.leaf.site).or_insert_with(|| {
                    let leaf = sites.type_of(wait.leaf.site);
                    let leaf = leaf.and_then(|ty| program.type_of(ty).ok());
                    leaf.map_or(0, |layout| layout.size).max(1)
                });
                let end = wait.leaf.address.saturating_add(size);
                near = first_at(&places, wait.leaf.address, near);
                let within = places.get(near).filter(|(address, _)| *address < end);
                (!wait.is_granted, within.map_or(usize::MAX, |(_, place)| *place))
            });
            let is_given = |id: &WaitId| waits[id.0 as usize].is_granted;
            resource.given = resource.queue.iter().copied().find(is_given);
        }
    }
}

/// The first of these places at an address or behind it. Tasks in a row lie near each other, so it is
/// looked for behind the one that was found last.
fn first_at(places: &[(u64, usize)], address: u64, last: usize) -> usize {
    const NEAR: usize = 8;
    let is_before = |place: &(u64, usize)| place.0 < address;
    let behind =
        places.split_at_checked(last).filter(|(before, _)| before.last().is_none_or(is_before));
    let near =
        behind.and_then(|(_, behind)| behind.iter().take(NEAR).position(|it| !is_before(it)));
    near.map_or_else(|| places.partition_point(is_before), |near| last + near)
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeReport;
    use crate::report::Report;

    #[test]
    fn a_place_is_found_wherever_the_last_one_was() {
        let places: Vec<(u64, usize)> = (0..100).map(|number| (number * 10, 0)).collect();
        for last in [0, 1, 50, 99, 100, 101] {
            for (address, found) in [(0, 0), (1, 1), (500, 50), (505, 51), (990, 99), (991, 100)] {
                assert_eq!(first_at(&places, address, last), found, "{address} after {last}");
            }
        }
        assert_eq!(first_at(&[], 7, 0), 0);
    }

    /// What is left where one task spins for a lock, behind which another one waits; `stands` says
    /// whether who has the lock is suspended.
    fn left_of_spinning(stands: bool) -> (Waits, Activity) {
        let mut story = FakeReport::new();
        story.runtime(2);
        let (owner, spinner, other) = (story.task(), story.task(), story.task());
        let lock = story.resource(ResourceKind::ThreadLock, "Mutex<u32>");
        let channel = story.resource(ResourceKind::Mpsc, "mpsc<u32>");
        story.holds(owner, lock);
        if !stands {
            story.runs(owner, 0, 7);
        }
        story.runs(spinner, 1, 8);
        story.waits(spinner, lock).blocks_thread = true;
        story.waits(other, channel);
        let call = BlockedCall { resource: lock, access: None, call: spinner.frame, user: None };
        story.thread(8, Activity::Blocked).blocked = Some(call);
        let Report { waits, resources, tasks, mut threads, .. } = story.report();
        let spun_for = FxHashSet::from_iter([lock]);
        let mut left = Waits { waits: waits.into_vec(), resources, spun_for, ..Waits::default() };
        left.let_spin(&tasks, &mut threads);
        let thread = threads.iter().find(|it| it.thread.tid == 8).expect("the spinner's");
        assert_eq!(thread.blocked.is_some(), thread.activity == Activity::Blocked);
        (left, thread.activity)
    }

    #[test]
    fn a_thread_spins_for_what_who_is_suspended_has() {
        let (left, activity) = left_of_spinning(true);
        assert_eq!((left.waits.len(), activity), (2, Activity::Blocked));
        assert_eq!(left.resources[1].queue, [WaitId(1)]);
    }

    #[test]
    fn a_thread_runs_that_spins_for_what_who_runs_has() {
        let (left, activity) = left_of_spinning(false);
        assert_eq!((left.waits.len(), activity), (1, Activity::Running));
        assert_eq!(left.resources[0].queue, []);
        assert_eq!(left.resources[1].queue, [WaitId(0)], "the one behind it has its number");
    }
}
