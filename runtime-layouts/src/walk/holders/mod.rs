//! Holders of locks: who has the guards.
//!
//! `tokio::sync::Mutex` and its kin record no owner. The search goes the other way round: a guard
//! in some frame points to the lock.

mod children;
mod counts;
mod file_locks;
pub(crate) mod guard_types;
mod guarded_ends;
pub(crate) mod guards;
mod in_objects;
mod lent;
mod open_files;
mod other_ends;
mod owners;
mod peers;
mod static_values;
mod waiters_own_handles;

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use self::counts::{
    drop_handles_beside_guards, drop_handles_of_some, drop_what_does_not_count,
    drop_what_was_taken_apart, take_given_places, take_tracked_tasks,
};
use self::guard_types::{GuardPaths, GuardTypes, is_emptied, is_waited_for_only, number_of};
use self::guarded_ends::GuardedPlace;
use self::guards::{Guard, GuardBatch, GuardOrigin};
use self::owners::Owners;
use crate::knowledge::{GuardType, Libraries, ObservedResource, Reading};
use crate::report::{
    Access, FrameRef, Holder, ProcessThread, Resource, ResourceId, ResourceKind, Task, Within,
};
use crate::value::{Program, Value, ValueError};
use crate::walk::chains::site_table::SiteTable;
use crate::walk::connections::ConnectionBatch;
use crate::walk::search::shared::SharedPointer;
use crate::walk::threads::guards as guards_on_stacks;
use crate::walk::threads::guards::OnStack;
use crate::walk::waits::Waits;

/// Owners of one notification that are listed, at most.
const MAX_OWNERS: u64 = 64;

/// Finds who holds what.
pub(crate) struct Holders {
    types: GuardTypes,
    /// Of what is shared each pointer to it counts.
    seen: FxHashSet<(Value, u8, Option<u64>, Option<u64>)>,
    owners: Owners,
    /// Where the locks lie that guards keep.
    guarded: Vec<GuardedPlace>,
    /// What threads wait for that is no lock.
    of_threads: FxHashSet<ResourceId>,
}

impl Holders {
    /// A search for who holds what of these libraries.
    pub(crate) fn of(libraries: Libraries) -> Self {
        let types = GuardTypes::of(libraries);
        Self {
            types,
            seen: FxHashSet::default(),
            owners: Owners::default(),
            guarded: Vec::new(),
            of_threads: FxHashSet::default(),
        }
    }

    /// Adds the holders of what these guards keep.
    pub(crate) fn add_all(
        &mut self,
        program: &Program<'_>,
        guards: Vec<GuardBatch>,
        waits: &mut Waits,
    ) {
        for GuardBatch { origins, guards } in guards {
            for guard in guards {
                if program.is_interrupted() {
                    return;
                }
                if let Some(origin) = origins.get(guard.origin as usize) {
                    // One whose resource cannot be read has none.
                    let _ = self.add(program, origin, guard, waits);
                }
            }
        }
    }

    /// Adds what threads hold that run no task, and decides what counts when all was added.
    pub(crate) fn finish(
        &mut self,
        program: &Program<'_>,
        sites: &mut SiteTable,
        (threads, tasks, connections): (&[ProcessThread], &[Task], &[ConnectionBatch]),
        waits: &mut Waits,
    ) {
        other_ends::add(program, sites, tasks, &mut self.owners, waits);
        in_objects::add(program, sites, tasks, &mut self.types, waits);
        let may_be_in_static = waits.resources.iter().any(static_values::may_have);
        if may_be_in_static {
            self.add_statics(program, sites, waits);
        }
        peers::add(program, waits, connections);
        children::add(program, sites, tasks, waits);
        file_locks::add(program, sites, tasks, waits);
        lent::add(program, sites, tasks, &mut self.types, waits);
        let blocking = waits.waits.iter().filter(|wait| wait.blocks_thread);
        self.of_threads.extend(blocking.map(|wait| wait.resource));
        let ids = (0..).map(ResourceId);
        if ids.zip(&waits.resources).any(|(id, it)| self.may_be_on_a_stack(id, it)) {
            let mut of_pools = FxHashMap::default();
            for kept in guards_on_stacks::of_threads(program, sites, threads) {
                for paths in &*self.types.paths(program, kept.value.ty) {
                    let _ = self.on_stack(program, (&kept, paths), &mut of_pools, waits);
                }
            }
            let of_pools = |it: &&mut Resource| it.kind == ResourceKind::Pool;
            for pool in waits.resources.iter_mut().filter(of_pools) {
                // Threads come in any order.
                pool.holders.sort_by_key(|holder| holder.task);
            }
        }
        let has_own = waiters_own_handles::add(program, threads, &mut self.owners, waits);
        // A thread may have its pointer from there.
        if has_own && !may_be_in_static {
            self.add_statics(program, sites, waits);
        }
        for (id, resource) in (0..).map(ResourceId).zip(&mut waits.resources) {
            drop_handles_beside_guards(resource);
            drop_what_was_taken_apart(resource);
            drop_what_does_not_count(resource);
            take_tracked_tasks(resource);
            take_given_places(&waits.waits, resource);
            self.owners.keep_alive(tasks, &waits.waits, id, resource);
            self.owners.finish(program, id, resource);
            drop_handles_of_some(resource);
        }
        guarded_ends::give(&mut waits.resources, std::mem::take(&mut self.guarded));
        waits.allocations = self.owners.allocations(program);
    }

    /// Adds the static variables that have ends and guards.
    fn add_statics(&mut self, program: &Program<'_>, sites: &SiteTable, waits: &mut Waits) {
        for kept in static_values::guards(program, sites.libraries()) {
            for paths in &*self.types.paths(program, kept.value.ty) {
                let _ = static_values::add(program, &kept, paths, waits);
            }
        }
    }

    /// Whether who has something may have it in the variables of a thread's stack, which counts or is
    /// told: threads mostly have the other ends of what threads wait for.
    fn may_be_on_a_stack(&self, id: ResourceId, resource: &Resource) -> bool {
        match resource.kind {
            ResourceKind::ThreadLock => true,
            ResourceKind::Pool => resource.is_taken == Some(true),
            _ => self.is_told_of_threads(id, resource),
        }
    }

    /// Whether it is told which thread has something: what a thread waits for, and what nobody else was
    /// found to have.
    fn is_told_of_threads(&self, id: ResourceId, resource: &Resource) -> bool {
        if self.of_threads.contains(&id) {
            return !resource.are_all_found();
        }
        let can_be_had = resource.kind.is_channel() || resource.kind.is_lock();
        let is_had = resource.parties != Some(0) && resource.is_taken != Some(false);
        can_be_had && is_had && resource.holders.iter().all(|holder| holder.thread.is_some())
    }

    /// Adds the thread that keeps a guard of what someone waits for. `objects` has the objects of pools
    /// that were found so.
    fn on_stack(
        &mut self,
        program: &Program<'_>,
        (kept, paths): (&OnStack, &GuardPaths),
        objects: &mut FxHashMap<(ResourceId, u64), u64>,
        waits: &mut Waits,
    ) -> Result<(), ValueError> {
        let known = paths.known;
        if is_emptied(program, kept.value, known)? {
            return Ok(());
        }
        let Some(key) = paths.follow(program, kept.value)? else { return Ok(()) };
        for end in ends_brought(known.access) {
            let Some(id) = waits.known(known.kind, key.address, *end) else { continue };
            let resource = &mut waits.resources[id.0 as usize];
            // Of what anybody may have a handle of it tells nothing who has one.
            if known.access == Access::Handle && resource.is_reachable {
                continue;
            }
            let is_counted = matches!(known.kind, ResourceKind::ThreadLock | ResourceKind::Pool);
            if !is_counted {
                // What is passed on to a function that is put in line there has several names; the
                // innermost comes first.
                let is_named_already = resource.holders.iter().any(|holder| {
                    let on = holder.thread.map(|holding| holding.thread);
                    on == Some(kept.thread.thread) && holder.access == known.access
                });
                // Who was found to have all that there are has them, and this one has not.
                if is_named_already || !self.is_told_of_threads(id, resource) {
                    continue;
                }
            }
            if let Some(number) = number_of(program, kept.value, known)? {
                match objects.insert((id, number), kept.value.address) {
                    None => {}
                    Some(place) if place == kept.value.address => continue,
                    // One of two copies of an object is old, and which one is not known.
                    Some(_) => resource.is_reachable = true,
                }
            }
            waits.held(
                id,
                Holder {
                    is_static: false,
                    task: kept.task,
                    frame: kept.frame,
                    variable: Some(Arc::clone(&kept.variable)),
                    guard: Arc::clone(&paths.guard),
                    access: known.access,
                    // A guard that was dropped or moved leaves its bytes.
                    may_be_moved: true,
                    shared_end: None,
                    thread: Some(kept.thread),
                    within: None,
                    holding_frame: None,
                },
            );
        }
        Ok(())
    }

    /// Adds the holder of what one guard keeps: of what someone waits for, or of a lock that nobody
    /// waited for so far.
    fn add(
        &mut self,
        program: &Program<'_>,
        origin: &GuardOrigin,
        guard: Guard,
        waits: &mut Waits,
    ) -> Result<(), ValueError> {
        let all = self.types.paths(program, origin.ty);
        let Some(paths) = all.get(usize::from(origin.part)) else { return Ok(()) };
        let kind = paths.known.kind;
        let known = match is_waited_for_only(kind, origin.access) {
            true => waited_for(program, origin, paths.known, &guard, waits),
            false => Vec::new(),
        };
        if known.is_empty() && is_waited_for_only(kind, origin.access) {
            return Ok(());
        }
        let shared = guard.way.as_deref().map_or(&[][..], |way| &way.shared);
        for id in &known {
            self.owners.add(*id, shared, guard.task, origin.may_be_moved);
        }
        if !self.is_new(origin, &guard) {
            return Ok(());
        }
        let holder = Holder {
            is_static: false,
            task: Some(guard.task),
            frame: FrameRef { site: origin.site, address: guard.frame },
            variable: origin.variable.clone(),
            guard: match shared.first() {
                // Whoever has a handle has all that is around it.
                Some(outermost) if origin.access == Access::Handle => {
                    waits.spelled(program, outermost.handle.ty)
                }
                _ => Arc::clone(&paths.guard),
            },
            access: origin.access,
            may_be_moved: origin.may_be_moved,
            shared_end: (!shared.is_empty()).then_some(guard.address),
            thread: None,
            within: guard.way.as_ref().and_then(|way| way.within).map(|collection| Within {
                name: waits.spelled(program, collection.value.ty),
                has_messages: collection.has_messages,
            }),
            holding_frame: guard.way.as_ref().and_then(|way| way.holding_frame),
        };
        if !known.is_empty() {
            for id in known {
                let access = access_to(&waits.resources[id.0 as usize], paths.known, origin.access);
                waits.held(id, Holder { access, ..holder.clone() });
            }
            return Ok(());
        }
        let object = guard.object.as_deref().copied();
        if let Some(id) = self.lock_of(program, kind, guard, &paths.resource, waits) {
            self.guarded.extend(object.and_then(|object| GuardedPlace::of(program, id, object)));
            waits.held(id, holder);
        }
        Ok(())
    }

    /// Whether a guard was not added before, by another way to the same value. A collection that was
    /// moved leaves bytes that lead to the same elements: those who have either are two holders, of
    /// which one is not true.
    fn is_new(&mut self, origin: &GuardOrigin, guard: &Guard) -> bool {
        let value = Value { ty: origin.ty, address: guard.address };
        let outermost = guard.way.as_ref().and_then(|way| way.shared.first());
        let within = guard.way.as_ref().and_then(|way| way.within);
        let within = within.map(|collection| collection.value.address);
        let outermost = outermost.map(|pointer| pointer.handle.address);
        self.seen.insert((value, origin.part, outermost, within))
    }

    /// The lock that a guard keeps, which is made where nobody waits for it; `None` when it cannot
    /// be read.
    fn lock_of(
        &self,
        program: &Program<'_>,
        kind: ResourceKind,
        guard: Guard,
        name: &Arc<str>,
        waits: &mut Waits,
    ) -> Option<ResourceId> {
        // The permit of who initializes a cell is one of the semaphore in it.
        let cell = Some(ResourceKind::OnceCell).filter(|_| kind == ResourceKind::Semaphore);
        let cell = cell.and_then(|cell| waits.known(cell, guard.key, None));
        cell.or_else(|| {
            let object = *guard.object?;
            let seen = state_of(program, self.types.libraries, object);
            let mut seen = seen.unwrap_or_else(|| ObservedResource::new(kind, object));
            (seen.kind, seen.key, seen.access) = (kind, guard.key, None);
            Some(waits.resource(seen, name))
        })
    }
}

/// The ends of a channel that those wait for who are helped by one who has it so; `None` for what has
/// no ends. A receiver brings room, and to who waits for its end that end; a place brings a message
/// or, when it is given back, room.
fn ends_brought(access: Access) -> &'static [Option<Access>] {
    match access {
        Access::Send => &[Some(Access::Receive)],
        Access::Receive => &[Some(Access::Send), None],
        Access::Place => &[Some(Access::Receive), Some(Access::Send)],
        _ => &[None],
    }
}

/// What someone waits for that who keeps this end of a channel, or handle, can bring.
fn waited_for(
    program: &Program<'_>,
    origin: &GuardOrigin,
    known: &GuardType,
    guard: &Guard,
    waits: &mut Waits,
) -> Vec<ResourceId> {
    let kind = known.kind;
    let found =
        ends_brought(origin.access).iter().filter_map(|end| waits.known(kind, guard.key, *end));
    let mut found: Vec<ResourceId> = found.collect();
    if origin.access == Access::Place {
        found.retain(|id| known.also.is_some() || waits.resources[id.0 as usize].needs_place());
    }
    if origin.access == Access::Handle {
        let shared = guard.way.as_deref().map_or(&[][..], |way| &way.shared);
        found.retain(|id| {
            let resource = &mut waits.resources[id.0 as usize];
            // What is made of it, such as a pool, is another thing to have.
            resource.kind == kind && is_of_few(program, shared, resource)
        });
    }
    found
}

/// How a guard holds something of what it keeps: a place of a channel is one where places matter, and
/// else the sender in it.
fn access_to(resource: &Resource, known: &GuardType, access: Access) -> Access {
    match known.also.filter(|_| !resource.needs_place()) {
        Some(also) => also,
        None => access,
    }
}

/// Whether few own what is waited for, by the pointers around it. Each who waits may wait for each of
/// them, so of many nothing is said.
fn is_of_few(program: &Program<'_>, shared: &[SharedPointer], resource: &mut Resource) -> bool {
    let owners = |pointer: &SharedPointer| pointer.counts(program).map(|counts| counts.strong);
    if resource.parties.is_none() {
        resource.parties = shared.last().map_or(Some(1), owners);
    }
    let are_few = shared.iter().all(|it| owners(it).is_some_and(|owners| owners <= MAX_OWNERS));
    resource.is_reachable |= !are_few;
    are_few
}

/// What a resource says of itself.
fn state_of(
    program: &Program<'_>,
    libraries: Libraries,
    object: Value,
) -> Option<ObservedResource> {
    let layout = program.type_of(object.ty).ok()?;
    let known = libraries.resource(&layout.name)?;
    let reading = Reading::alone(program, object);
    known.read(&reading, object).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::libraries::LIBRARIES;
    use crate::report::SiteId;
    use crate::report::{HoldingThread, ThreadRef};
    use crate::value::Ty;

    const LOCK: u64 = 0x2000;

    /// What is found on a stack that keeps a guard of the lock at an address, where a thread waits
    /// for [`LOCK`].
    fn holders_of(lock: u64) -> Vec<Holder> {
        let mut layouts = FakeLayouts::new();
        let word = layouts.integer(8);
        let path = "std::sys::sync::mutex::futex::Mutex";
        let mutex = layouts.structure(path, 8, &[("futex", 0, word)]);
        let mutex = layouts.pointer("&Mutex", Some(mutex));
        let path = "std::sync::poison::mutex::MutexGuard<shop::Stock>";
        let guard = layouts.structure(path, 8, &[("lock", 0, mutex)]);
        let memory = FakeMemory::new().with(0x1000, lock.to_le_bytes());
        let target = FakeTarget::new(layouts, memory, 0);
        let program = Program::new(&target);
        let ty = Ty { module: 0, id: guard };
        let mut waits = Waits::default();
        let waited_for = ObservedResource {
            key: LOCK,
            ..ObservedResource::without_address(ResourceKind::ThreadLock)
        };
        let id = waits.resource(waited_for, &"Mutex<Stock>".into());
        let kept = OnStack {
            value: Value { ty, address: 0x1000 },
            variable: "guard".into(),
            frame: FrameRef { site: SiteId(0), address: 0x5000 },
            task: None,
            thread: HoldingThread { thread: ThreadRef { number: 2, tid: 7 }, is_blocked: true },
        };
        let mut holders = Holders::of(LIBRARIES);
        let mut objects = FxHashMap::default();
        for paths in &*holders.types.paths(&program, ty) {
            let found = holders.on_stack(&program, (&kept, paths), &mut objects, &mut waits);
            found.expect("memory is readable");
        }
        waits.resources.swap_remove(id.0 as usize).holders
    }

    #[test]
    fn a_guard_on_a_stack_holds_the_lock_that_a_thread_waits_for() {
        let [holder] = &*holders_of(LOCK) else { panic!("one thread has it") };
        assert_eq!(holder.thread.map(|holding| holding.thread.tid), Some(7));
        assert_eq!((&*holder.guard, holder.access), ("MutexGuard<Stock>", Access::Exclusive));
        assert!(holder.may_be_moved, "it may be old bytes");
    }

    #[test]
    fn a_guard_of_another_lock_on_a_stack_holds_nothing() {
        assert_eq!(holders_of(LOCK + 8), []);
        assert_eq!(holders_of(0), []);
    }
}
