//! Ends of channels that tasks use by a reference: what a service has in a value that it leaked, or in
//! a static variable, and lends to every task.
//!
//! We do not know who owns such a value, and others may borrow it too. So no fault is certain, but we can
//! report who could use the end.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::guard_types::{GuardTypes, is_emptied};
use super::{access_to, ends_brought};
use crate::report::{
    Access, FrameRef, Holder, Resource, ResourceId, Task, TaskIndex, TaskState, Within,
};
use crate::value::{Program, Ty, Value};
use crate::walk::chains::live_values::LiveValues;
use crate::walk::chains::site_table::SiteTable;
use crate::walk::search::Collection;
use crate::walk::search::search_for::SearchFor;
use crate::walk::waits::Waits;

/// At most this many borrowers of one value are reported.
const MAX_BORROWERS: usize = 8;

/// What a reference leads to: the ends in a value, and how many tasks were told of that have one.
#[derive(Default)]
struct Lent {
    ends: Vec<(Value, Option<Collection>)>,
    tasks: Vec<TaskIndex>,
}

/// Adds the tasks that could use an end of what someone waits for and of which nobody has an end.
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
        .filter(|(_, resource)| is_missing(resource))
        .map(|(id, _)| id)
        .collect();
    if missing.is_empty() {
        return;
    }
    let mut live_values = LiveValues::of(SearchFor::LentGuards, sites.libraries());
    let mut known: FxHashMap<(u64, Ty), Lent> = FxHashMap::default();
    for task in tasks.iter().filter(|task| task.state != TaskState::Running) {
        if program.is_interrupted() {
            return;
        }
        live_values.borrows(program, sites, &task.chain, &mut |values, frame, name, borrow| {
            let Ok(referent) = program.read_pointer(borrow.address) else { return };
            let lent = known.entry((referent, borrow.ty)).or_insert_with(|| Lent {
                ends: values.in_collections(program, borrow),
                tasks: Vec::new(),
            });
            if lent.tasks.len() >= MAX_BORROWERS || lent.tasks.contains(&task.index) {
                return;
            }
            lent.tasks.push(task.index);
            let user = User { task, frame, name };
            for end in &lent.ends {
                use_by(program, &user, *end, &missing, types, waits);
            }
        });
    }
}

/// A task that has a reference.
struct User<'t> {
    task: &'t Task,
    frame: FrameRef,
    name: &'t Arc<str>,
}

/// Whether nobody was found who has an end of a channel that is waited for.
fn is_missing(resource: &Resource) -> bool {
    resource.kind.is_channel() && resource.holders.is_empty() && resource.parties != Some(0)
}

/// Adds a task as one that could use an end.
fn use_by(
    program: &Program<'_>,
    user: &User<'_>,
    (end, within): (Value, Option<Collection>),
    missing: &[ResourceId],
    types: &mut GuardTypes,
    waits: &mut Waits,
) {
    for paths in &*types.paths(program, end.ty) {
        let known = paths.known;
        let is_end = matches!(known.access, Access::Send | Access::Receive | Access::Place);
        if !is_end || is_emptied(program, end, known).unwrap_or(true) {
            continue;
        }
        let Ok(Some(key)) = paths.follow(program, end) else { continue };
        for brought in ends_brought(known.access) {
            let Some(id) = waits.known(known.kind, key.address, *brought) else { continue };
            if !missing.contains(&id) {
                continue;
            }
            let resource = &mut waits.resources[id.0 as usize];
            resource.is_reachable = true;
            let access = access_to(resource, known, known.access);
            let holder = Holder {
                task: Some(user.task.index),
                frame: user.frame,
                is_static: false,
                variable: Some(Arc::clone(user.name)),
                guard: Arc::clone(&paths.guard),
                access,
                may_be_moved: false,
                shared_end: Some(end.address),
                thread: None,
                within: within.map(|collection| Within {
                    name: waits.spelled(program, collection.value.ty),
                    has_messages: collection.has_messages,
                }),
                holding_frame: None,
            };
            waits.held(id, holder);
        }
    }
}
