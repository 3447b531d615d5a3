//! Handles that a waiting thread itself has of what it waits for.
//!
//! Who sleeps on a `Condvar` mostly owns it together with those who would notify, and its own pointer
//! is one of those that the counts tell of. It lies on the thread's stack: only who finds it there can
//! say that nobody else has one.

use rustc_hash::FxHashSet;

use super::owners::Owners;
use crate::report::{
    Access, FrameRef, Holder, ProcessThread, Resource, ResourceId, ResourceKind, TaskIndex,
};
use crate::value::Program;
use crate::walk::threads::stack_references;
use crate::walk::waits::Waits;

/// Adds the waiting threads to those that have a handle; whether there are any. A word on a stack may be
/// old, so that nothing becomes certain by it.
pub(super) fn add(
    program: &Program<'_>,
    threads: &[ProcessThread],
    owners: &mut Owners,
    waits: &mut Waits,
) -> bool {
    let mut has_any = false;
    let has_handle = |resource: &Resource| {
        let is_one = |holder: &Holder| holder.access == Access::Handle && holder.thread.is_none();
        let kinds = [ResourceKind::Notify, ResourceKind::Barrier];
        kinds.contains(&resource.kind) && resource.holders.iter().any(is_one)
    };
    for known in threads {
        let (Some(task), Some(blocked)) = (known.task, known.blocked) else { continue };
        let id = blocked.resource;
        if !has_handle(&waits.resources[id.0 as usize]) {
            continue;
        }
        let natives = program.target().threads();
        let Some(thread) = natives.iter().find(|it| it.tid == known.thread.tid) else { continue };
        let counts = owners.around(id);
        if !counts.is_empty() && stack_references::has_all(program, thread, &counts) {
            owners.add_on_stack(id, known.thread.tid, task);
            if owners.are_too_many(program, id) {
                drop_moved_handles_of_joiners(task, id, owners, waits);
            }
            let frame = blocked.user.unwrap_or(blocked.call);
            add_waiter_as_holder(&mut waits.resources, id, task, known, frame);
            has_any = true;
        }
    }
    has_any
}

/// Where a task has a handle on its stack, those that join it probably moved theirs into it, as
/// `spawn_blocking(move || gate.pass()).await` does: their handles are dropped that may have been moved.
fn drop_moved_handles_of_joiners(
    task: TaskIndex,
    id: ResourceId,
    owners: &mut Owners,
    waits: &mut Waits,
) {
    let is_end = |resource: &Resource| {
        resource.kind == ResourceKind::Join && resource.tasks.as_slice() == [task]
    };
    let ends = waits.waits.iter().filter(|wait| is_end(&waits.resources[wait.resource.0 as usize]));
    let waiting: FxHashSet<TaskIndex> = ends.map(|wait| wait.task).collect();
    owners.drop_moved(id, &waiting);
    let has_moved = |holder: &Holder| {
        let is_waiting = holder.task.is_some_and(|task| waiting.contains(&task));
        is_waiting && holder.may_be_moved && holder.access == Access::Handle
    };
    waits.resources[id.0 as usize].holders.retain(|holder| !has_moved(holder));
}

/// Makes the task that a thread runs a holder; behind the others, since it waits itself.
fn add_waiter_as_holder(
    resources: &mut [Resource],
    id: ResourceId,
    task: TaskIndex,
    thread: &ProcessThread,
    frame: FrameRef,
) {
    let holders = &mut resources[id.0 as usize].holders;
    let Some(like) = holders.iter().find(|holder| holder.access == Access::Handle) else { return };
    let is_own = |holder: &Holder| {
        holder.thread.is_some_and(|holding| holding.thread == thread.thread)
            && holder.access == Access::Handle
    };
    let own = holders.iter().find(|holder| is_own(holder));
    let variable = own.and_then(|own| own.variable.clone());
    let frame = own.map_or(frame, |own| own.frame);
    let own = Holder {
        task: Some(task),
        thread: None,
        frame,
        variable,
        may_be_moved: true,
        // As the key of the pointer in `Owners::add_on_stack`: no other end lies there.
        shared_end: Some(thread.thread.tid),
        holding_frame: None,
        within: None,
        ..like.clone()
    };
    holders.retain(|holder| !is_own(holder));
    holders.push(own);
}
