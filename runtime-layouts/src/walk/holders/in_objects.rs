//! Guards in objects: what a task keeps as a `Box<dyn Any>` or a boxed closure; and in futures of which
//! only a variable tells that may have been moved away.
//!
//! What an object has in it, its type does not say, and going into every one would make each connection
//! of a server a keeper of what all its services share. So these are looked at only for locks that are
//! taken and of which nobody was found to have a guard.

use std::sync::Arc;

use super::guard_types::{GuardTypes, is_emptied};
use crate::report::{Access, Chain, FrameRef, Holder, Resource, ResourceId, Task, TaskState, Wait};
use crate::value::Program;
use crate::walk::chains::live_values::{LiveValue, LiveValues};
use crate::walk::chains::site_table::SiteTable;
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

/// Adds the tasks that have the guards. That a lock is taken and nobody else has it tells that such a
/// future is there.
pub(super) fn add(
    program: &Program<'_>,
    sites: &SiteTable,
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
    let is_missing = |id: &ResourceId| is_missing(&waits.resources[id.0 as usize]);
    let missing: Vec<ResourceId> = missing.into_iter().filter(is_missing).collect();
    // What runs may have the guard where nothing shows it.
    if missing.is_empty() || tasks.iter().any(|task| goes_on(task, waits)) {
        return;
    }
    for task in tasks {
        doubtful_chains(&task.chain, &mut |keeper, chain| {
            live_values.of_chain(program, sites, chain, &mut kept);
            for mut kept in kept.drain(..) {
                (kept.holding_frame, kept.may_be_moved) = (Some(keeper), true);
                keep(program, task, &kept, &missing, types, waits);
            }
        });
    }
}

/// Whether a task runs, and nothing is known to block it.
fn goes_on(task: &Task, waits: &Waits) -> bool {
    let blocks = |wait: &Wait| wait.task == task.index && wait.blocks_thread;
    task.state == TaskState::Running && !waits.waits.iter().any(blocks)
}

/// Calls `visit` with the futures that may have been moved away, and the frames that have them.
fn doubtful_chains<'c>(chain: &'c Chain, visit: &mut impl FnMut(FrameRef, &'c Chain)) {
    for (keeper, doubtful) in &chain.doubtful {
        visit(FrameRef::of(&chain.frames[*keeper]), doubtful);
    }
    chain.branches.iter().for_each(|branch| doubtful_chains(branch, visit));
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
