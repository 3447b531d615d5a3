//! What a resource's own counts say of the holders that were found.

use rustc_hash::FxHashSet;

use crate::report::{Access, Holder, Resource, ResourceKind, Wait};
use crate::walk::search::coroutine::Variable;

/// Drops who only has a semaphore, and no permit, where someone was found that has one: that one gives
/// it back.
pub(crate) fn drop_handles_beside_guards(resource: &mut Resource) {
    let is_handle = |holder: &Holder| holder.access == Access::Handle;
    if resource.kind == ResourceKind::Semaphore && !resource.holders.iter().all(is_handle) {
        drop_handles(resource);
    }
}

/// The same of what others may have too, who were not found: then it tells nothing who has it.
pub(crate) fn drop_handles_of_some(resource: &mut Resource) {
    let kinds = [ResourceKind::Semaphore, ResourceKind::Barrier, ResourceKind::Cancellation];
    if kinds.contains(&resource.kind) && !resource.are_all_found() {
        drop_handles(resource);
    }
}

fn drop_handles(resource: &mut Resource) {
    let before = resource.holders.len();
    resource.holders.retain(|holder| holder.access != Access::Handle);
    if resource.holders.len() < before {
        (resource.parties, resource.is_reachable) = (None, false);
    }
}

/// Drops the temporaries that a pattern took an end out of, as in
/// `while let Some((job, reply)) = rx.recv().await`, where more ends were found than there are: their
/// bytes are left, and the variable beside them has the end.
pub(crate) fn drop_what_was_taken_apart(resource: &mut Resource) {
    let ends = resource.holders.iter().filter(|it| it.access.is_end()).count() as u64;
    if resource.parties.is_none_or(|parties| ends <= parties) {
        return;
    }
    let is_temporary = |holder: &Holder| {
        holder.variable.as_deref().is_some_and(Variable::is_temporary) && holder.within.is_none()
    };
    let alike = |one: &Holder, other: &Holder| {
        (one.task, one.frame, one.access) == (other.task, other.frame, other.access)
            && one.holding_frame == other.holding_frame
            && one.shared_end.is_none()
            && other.shared_end.is_none()
    };
    let named: Vec<Holder> = resource
        .holders
        .iter()
        .filter(|it| !is_temporary(it) && !it.may_be_moved)
        .cloned()
        .collect();
    resource.holders.retain(|holder| {
        !(holder.access.is_end()
            && is_temporary(holder)
            && named.iter().any(|named| named.within.is_none() && alike(named, holder)))
    });
}

/// Drops holders that memory contradicts: what may be old bytes does not count beside what is not,
/// unless there may be several, as of ends of channels; what is free has no holder.
pub(crate) fn drop_what_does_not_count(resource: &mut Resource) {
    // Of what is shared its own counts tell.
    let is_sure = |holder: &Holder| !holder.may_be_moved || holder.shared_end.is_some();
    let is_place = |holder: &Holder| holder.access == Access::Place;
    let ends = resource.parties.unwrap_or(0);
    let places = resource.reserved.map_or(0, |reserved| reserved.count);
    for (are_places, most) in [(false, ends), (true, places)] {
        let mut alike = resource.holders.iter().filter(|it| is_place(it) == are_places).peekable();
        let most = match alike.peek() {
            Some(first) if first.access.is_end() => most,
            _ if resource.kind == ResourceKind::Pool => most,
            _ => 0,
        };
        // What several have behind one pointer is one.
        let sure = distinct(alike.clone().filter(|holder| is_sure(holder)));
        if distinct(alike) > most && sure > 0 && sure >= most {
            resource.holders.retain(|holder| is_place(holder) != are_places || is_sure(holder));
        }
    }
    if resource.is_taken == Some(false) {
        resource.holders.clear();
    }
}

/// How many different things these have: what lies behind shared pointers counts once, whoever has one.
fn distinct<'h>(holders: impl Iterator<Item = &'h Holder>) -> u64 {
    let (mut shared, mut own) = (FxHashSet::default(), 0);
    for holder in holders {
        match holder.shared_end {
            Some(end) => _ = shared.insert(end),
            None => own += 1,
        }
    }
    own + shared.len() as u64
}

/// Makes the holders of a set that does not list its tasks its tasks: what each keeps as long as it
/// runs says that its end is waited for.
pub(crate) fn take_tracked_tasks(resource: &mut Resource) {
    if resource.kind != ResourceKind::JoinSet || !resource.tasks.is_empty() {
        return;
    }
    let holders = std::mem::take(&mut resource.holders);
    resource.tasks.extend(holders.into_iter().filter_map(|holder| holder.task));
    resource.tasks.dedup();
}

/// Leaves those places of a channel that were given to who waits for room out of those that are
/// reserved, and puts who has one first where only they can bring anything.
pub(crate) fn take_given_places(waits: &[Wait], resource: &mut Resource) {
    let Some(reserved) = &mut resource.reserved else { return };
    let given = resource.queue.iter().filter(|id| waits[id.0 as usize].is_granted).count() as u64;
    if !reserved.is_for_messages {
        reserved.count = reserved.count.saturating_sub(given);
    }
    if reserved.are_all {
        resource.holders.sort_by_key(|holder| holder.access != Access::Place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeReport;

    /// The variables that keep the sender of a channel that has so many, when one is a temporary and
    /// the other one, in the same frame or not, has a name.
    fn keepers(parties: u64, in_one_frame: bool) -> Vec<String> {
        let mut story = FakeReport::new();
        let (first, second) = (story.task(), story.task());
        let channel = story.channel(ResourceKind::Oneshot, "oneshot", parties);
        let other = if in_one_frame { first } else { second };
        story.holds(first, channel).variable = Some("__3".into());
        story.holds(other, channel).variable = Some("reply".into());
        let resource = story.resource_mut(channel);
        drop_what_was_taken_apart(resource);
        let names = resource.holders.iter().filter_map(|holder| holder.variable.as_deref());
        names.map(str::to_string).collect()
    }

    #[test]
    fn a_temporary_that_an_end_was_taken_out_of_has_none() {
        assert_eq!(keepers(1, true), ["reply"]);
        assert_eq!(keepers(2, true), ["__3", "reply"], "there are as many");
        assert_eq!(keepers(1, false), ["__3", "reply"], "another frame");
    }

    #[test]
    fn who_has_a_semaphore_matters_where_nobody_has_a_permit_and_all_were_found() {
        for (permits, parties, left) in [(0, 1, 1), (1, 1, 1), (0, 2, 0)] {
            let mut story = FakeReport::new();
            let task = story.task();
            let semaphore = story.resource(ResourceKind::Semaphore, "Semaphore");
            story.holds(task, semaphore).access = Access::Handle;
            for _ in 0..permits {
                story.holds(task, semaphore);
            }
            let resource = story.resource_mut(semaphore);
            resource.parties = Some(parties);
            drop_handles_beside_guards(resource);
            drop_handles_of_some(resource);
            assert_eq!(resource.holders.len(), left, "{permits} permits, {parties} owners");
            let has_handle = resource.holders.iter().any(|it| it.access == Access::Handle);
            assert_eq!(has_handle, left == 1 && permits == 0);
        }
    }
}
