//! What a resource's own counts say of the holders that were found.

use crate::report::{Access, Holder, Resource, ResourceKind, Wait};

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
        if alike.clone().count() as u64 > most && alike.any(is_sure) {
            resource.holders.retain(|holder| is_place(holder) != are_places || is_sure(holder));
        }
    }
    if resource.is_taken == Some(false) {
        resource.holders.clear();
    }
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
