//! Guards in objects: what a task keeps as a `Box<dyn Any>` or a boxed closure.
//!
//! What an object has in it, its type does not say, and going into every one would make each connection
//! of a server a keeper of what all its services share. So these are looked at only for locks that are
//! taken and of which nobody was found to have a guard.

use std::sync::Arc;

use super::guard_types::{GuardTypes, is_emptied};
use crate::report::{Access, Holder, Resource, ResourceId, Task, TaskState};
use crate::value::Program;
use crate::walk::chains::live_values::{LiveValue, LiveValues};
use crate::walk::chains::sites::Sites;
use crate::walk::search::search_for::SearchFor;
use crate::walk::waits::Waits;

/// Whether it is not known who has a lock that is taken.
pub(super) fn is_missing(resource: &Resource) -> bool {
    let is_wanted = !resource.queue.is_empty();
    is_wanted && resource.is_taken == Some(true) && resource.holders.is_empty()
}

/// Whether having a value so keeps others from it.
pub(super) fn is_guard(access: Access) -> bool {
    matches!(access, Access::Exclusive | Access::Shared | Access::Permits(_))
}

/// Adds the tasks that have the guards.
pub(super) fn add(
    program: &Program<'_>,
    sites: &Sites,
    tasks: &[Task],
    types: &mut GuardTypes,
    waits: &mut Waits,
) {
    let missing: Vec<ResourceId> = (0..)
        .map(ResourceId)
        .zip(&waits.resources)
        .filter_map(|(id, resource)| is_missing(resource).then_some(id))
        .collect();
    if missing.is_empty() {
        return;
    }
    let mut live_values = LiveValues::of(SearchFor::GuardsInObjects, sites.libraries());
    let mut kept = Vec::new();
    for task in tasks.iter().filter(|task| task.state != TaskState::Running) {
        if program.is_interrupted() {
            return;
        }
        live_values.of_chain(program, sites, &task.chain, &mut kept);
        for kept in kept.drain(..) {
            keep(program, task, &kept, &missing, types, waits);
        }
    }
}

/// Adds a task as one that has a guard.
fn keep(
    program: &Program<'_>,
    task: &Task,
    kept: &LiveValue,
    missing: &[ResourceId],
    types: &mut GuardTypes,
    waits: &mut Waits,
) {
    for paths in &*types.paths(program, kept.value.ty) {
        let known = paths.known;
        if !is_guard(known.access) || is_emptied(program, kept.value, known).unwrap_or(true) {
            continue;
        }
        let Ok(Some(key)) = paths.follow(program, kept.value) else { continue };
        let id = waits.known(known.kind, key.address, None);
        let Some(id) = id.filter(|id| missing.contains(id)) else { continue };
        let holder = Holder {
            task: Some(task.index),
            frame: kept.frame,
            is_static: false,
            variable: kept.variable.clone(),
            guard: Arc::clone(&paths.guard),
            access: known.access,
            may_be_moved: kept.may_be_moved,
            shared_end: None,
            thread: None,
            within: None,
            holding_frame: kept.holding_frame,
        };
        waits.held(id, holder);
    }
}
