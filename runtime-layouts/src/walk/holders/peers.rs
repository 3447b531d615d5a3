//! Sockets of which both ends are in the process.
//!
//! Who waits to write to one has filled the buffers on the way to the other end. Where who has that
//! waits to write as well, neither reads what the other one sends. Who waits to read waits for what
//! the task sends that has the other end. Another task may have that end as well, so that this says
//! where to look and no more.

use crate::report::{Access, FrameRef, Holder, ResourceId, TaskIndex, WaitId};
use crate::walk::connections::ConnectionBatch;
use crate::walk::waits::Waits;

/// A task that has a socket, and the frame that uses it.
type User = (TaskIndex, FrameRef);

/// Adds the tasks that have the other ends of sockets: where both sides write, and where one reads.
pub(super) fn add(waits: &mut Waits, connections: &[ConnectionBatch]) {
    let sockets: Vec<((String, String), ResourceId)> =
        waits.sockets.iter().map(|(ends, id)| (ends.clone(), *id)).collect();
    for ((near, far), id) in sockets {
        let other = waits.sockets.get(&(far.clone(), near.clone())).copied();
        let other = other.filter(|other| *other != id);
        match other {
            Some(other)
                if is_all(waits, id, Access::Send) && is_all(waits, other, Access::Send) =>
            {
                for user in users(waits, other) {
                    waits.held(id, holder(user));
                }
            }
            _ if is_all(waits, id, Access::Receive) => {
                let mut peers = other.map_or_else(Vec::new, |other| users(waits, other));
                if peers.is_empty() {
                    peers = served(connections, &far, &near);
                }
                for user in peers {
                    waits.held(id, holder(user));
                }
            }
            _ => {}
        }
    }
}

/// Whether all who wait for a socket wait to write to it, or all to read.
fn is_all(waits: &Waits, id: ResourceId, access: Access) -> bool {
    let queue = &waits.resources[id.0 as usize].queue;
    let asks = |wait: &WaitId| waits.waits[wait.0 as usize].access == Some(access);
    !queue.is_empty() && queue.iter().all(asks)
}

/// Who waits for a socket.
fn users(waits: &Waits, id: ResourceId) -> Vec<User> {
    let queue = waits.resources[id.0 as usize].queue.iter();
    queue
        .map(|wait| &waits.waits[wait.0 as usize])
        .map(|wait| (wait.task, wait.user.unwrap_or(wait.leaf)))
        .collect()
}

/// The tasks that have connections between these ends: such a task may wait for something else, to
/// answer then.
fn served(connections: &[ConnectionBatch], near: &str, far: &str) -> Vec<User> {
    let all = connections.iter().flat_map(ConnectionBatch::connections);
    all.filter(|it| it.local.as_deref() == Some(near) && it.peer.as_deref() == Some(far))
        .map(|it| (it.task, it.frame))
        .collect()
}

fn holder((task, frame): User) -> Holder {
    Holder {
        task: Some(task),
        frame,
        is_static: false,
        variable: None,
        guard: "socket".into(),
        access: Access::Peer,
        may_be_moved: false,
        shared_end: None,
        thread: None,
        within: None,
        holding_frame: None,
    }
}
