//! Sockets of which both ends are in the process.
//!
//! Who waits to write to one has filled the buffers on the way to the other end. Where who has that
//! waits to write as well, neither reads what the other one sends.

use crate::report::{Access, Holder, ResourceId, WaitId};
use crate::walk::waits::Waits;

/// Adds the tasks that write to the other end of what is written to.
pub(super) fn add(waits: &mut Waits) {
    let pairs: Vec<(ResourceId, ResourceId)> = waits
        .sockets
        .iter()
        .filter_map(|((near, far), id)| {
            let other = waits.sockets.get(&(far.clone(), near.clone()))?;
            (other != id).then_some((*id, *other))
        })
        .collect();
    for (id, other) in pairs {
        if !is_only_written(waits, id) || !is_only_written(waits, other) {
            continue;
        }
        for wait in waits.resources[other.0 as usize].queue.clone() {
            let wait = &waits.waits[wait.0 as usize];
            let holder = Holder {
                task: Some(wait.task),
                frame: wait.user.unwrap_or(wait.leaf),
                is_static: false,
                variable: None,
                guard: "socket".into(),
                access: Access::End,
                may_be_moved: true,
                shared_end: None,
                thread: None,
                within: None,
                holding_frame: None,
            };
            waits.held(id, holder);
        }
    }
}

/// Whether all who wait for a socket wait to write to it.
fn is_only_written(waits: &Waits, id: ResourceId) -> bool {
    let queue = &waits.resources[id.0 as usize].queue;
    let writes = |wait: &WaitId| waits.waits[wait.0 as usize].access == Some(Access::Send);
    !queue.is_empty() && queue.iter().all(writes)
}
