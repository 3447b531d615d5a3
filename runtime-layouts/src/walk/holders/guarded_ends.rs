//! Ends of channels that lie in a lock: while someone has the lock, nobody else can use them.
//!
//! Workers mostly share the receiver that they take work from: each has an
//! `Arc<Mutex<Receiver<Job>>>`, and the one that has the lock waits for the next job.

use std::ops::Range;

use crate::report::{Access, Holder, Resource, ResourceId, ResourceKind};
use crate::value::{Program, Value};

/// A lock that a guard keeps, with what it guards.
pub(super) struct GuardedPlace {
    lock: ResourceId,
    place: Range<u64>,
}

impl GuardedPlace {
    /// The place of a lock; `None` for what guards no value, or of which the size is not known.
    pub(super) fn of(program: &Program<'_>, lock: ResourceId, object: Value) -> Option<Self> {
        let size = program.type_of(object.ty).ok()?.size;
        Some(Self { lock, place: object.address..object.address.checked_add(size)? })
    }
}

/// Gives the ends that lie in a lock to the one who has that lock, of all who share them.
pub(super) fn give(resources: &mut [Resource], mut places: Vec<GuardedPlace>) {
    places.sort_unstable_by_key(|guarded| (guarded.place.start, guarded.lock));
    places.dedup_by_key(|guarded| guarded.lock);
    let guards: Vec<(Range<u64>, Holder)> = places
        .into_iter()
        .filter_map(|guarded| {
            let guard = only_guard(resources.get(guarded.lock.0 as usize)?)?;
            Some((guarded.place, guard.clone()))
        })
        .collect();
    if guards.is_empty() {
        return;
    }
    for resource in resources {
        give_ends(resource, &guards);
    }
}

/// The guard that keeps a lock from all others.
fn only_guard(lock: &Resource) -> Option<&Holder> {
    let is_lock = matches!(lock.kind, ResourceKind::Mutex | ResourceKind::RwLock);
    let [guard] = &*lock.holders else { return None };
    let is_exclusive = guard.access == Access::Exclusive && guard.task.is_some();
    let is_sure = !guard.may_be_moved || lock.is_taken == Some(true);
    (is_lock && is_exclusive && is_sure && guard.thread.is_none()).then_some(guard)
}

fn give_ends(resource: &mut Resource, guards: &[(Range<u64>, Holder)]) {
    let guard_of = |end: u64| {
        let behind = guards.partition_point(|(place, _)| place.start <= end);
        let (place, guard) = guards.get(behind.checked_sub(1)?)?;
        place.contains(&end).then_some(guard)
    };
    let mut given: Vec<u64> = Vec::new();
    resource.holders.retain_mut(|holder| {
        let Some(end) = holder.shared_end.filter(|_| holder.access.is_end()) else { return true };
        let Some(guard) = guard_of(end) else { return true };
        let is_first = !given.contains(&end);
        if is_first {
            given.push(end);
            let (access, within) = (holder.access, holder.within.take());
            *holder = Holder { access, within, shared_end: Some(end), ..guard.clone() };
        }
        is_first
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeReport;
    use crate::report::Report;

    const LOCK: Range<u64> = 0x1000..0x1040;

    /// Three tasks that share a receiver at an address, of which the second has a guard of
    /// [`LOCK`]; who has the receiver then, with the variable.
    fn holders(end: u64, change: impl FnOnce(&mut Resource)) -> Vec<(Option<u32>, Option<String>)> {
        let mut story = FakeReport::new();
        let tasks = [story.task(), story.task(), story.task()];
        let lock = story.resource(ResourceKind::Mutex, "Mutex<Receiver<Job>>");
        let jobs = story.resource(ResourceKind::Mpsc, "mpsc<Job>");
        story.holds(tasks[1], lock).variable = Some("guard".into());
        change(story.resource_mut(lock));
        for task in tasks {
            let holder = story.holds(task, jobs);
            (holder.access, holder.shared_end) = (Access::Receive, Some(end));
            holder.variable = Some("jobs".into());
        }
        let Report { mut resources, .. } = story.report();
        give(&mut resources, vec![GuardedPlace { lock, place: LOCK }]);
        let holders = resources.swap_remove(jobs.0 as usize).holders;
        let told = |holder: Holder| {
            assert_eq!((holder.access, holder.shared_end), (Access::Receive, Some(end)));
            (holder.task.map(|task| task.0), holder.variable.map(|name| name.to_string()))
        };
        holders.into_iter().map(told).collect()
    }

    fn all() -> Vec<(Option<u32>, Option<String>)> {
        (0..3).map(|task| (Some(task), Some("jobs".to_string()))).collect()
    }

    #[test]
    fn an_end_in_a_lock_is_with_the_one_who_has_the_lock() {
        let only = [(Some(1), Some("guard".to_string()))];
        assert_eq!(holders(0x1010, |_| ()), only);
        assert_eq!(holders(0x1040, |_| ()), all(), "behind the lock");
        assert_eq!(holders(0x0ff8, |_| ()), all(), "before it");
    }

    #[test]
    fn an_end_in_a_lock_that_others_may_have_is_with_all_who_share_it() {
        assert_eq!(holders(0x1010, |lock| lock.holders.clear()), all(), "nobody was found");
        let readers = |lock: &mut Resource| lock.holders[0].access = Access::Shared;
        assert_eq!(holders(0x1010, readers), all());
        let perhaps = |lock: &mut Resource| lock.holders[0].may_be_moved = true;
        assert_eq!(holders(0x1010, perhaps), all());
        let taken = |lock: &mut Resource| {
            (lock.holders[0].may_be_moved, lock.is_taken) = (true, Some(true));
        };
        assert_eq!(holders(0x1010, taken), [(Some(1), Some("guard".to_string()))]);
    }
}
