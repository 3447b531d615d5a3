//! Sockets of which both ends are in the process.
//!
//! Who waits to write to one has filled the buffers on the way to the other end. Where who has that
//! waits to write as well, neither reads what the other one sends. Who waits to read waits for what
//! the task sends that has the other end. Another task may have that end as well, so that this says
//! where to look and no more. One that was not accepted yet waits for who listens there.

use std::net::SocketAddr;

use crate::knowledge::OfSystem;
use crate::report::{Access, FrameRef, Holder, ResourceId, TaskIndex, WaitId};
use crate::value::Program;
use crate::walk::connections::ConnectionBatch;
use crate::walk::unaccepted::FoundSocket;
use crate::walk::waits::Waits;

/// A task that has a socket, and the frame that uses it.
type User = (TaskIndex, FrameRef);

/// Adds the tasks that have the other ends of sockets: where both sides write, and where one reads.
pub(super) fn add(program: &Program<'_>, waits: &mut Waits, connections: &[ConnectionBatch]) {
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
                if peers.is_empty() {
                    let found = kept_end(program, waits, connections, id);
                    let found = found.map(|it| Holder {
                        variable: it.variable.clone(),
                        may_be_moved: it.may_be_moved,
                        ..holder((it.task, it.frame))
                    });
                    found.into_iter().for_each(|holder| waits.held(id, holder));
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

/// Who has the other end of a socket in a variable, or listens where that waits to be accepted; `None`
/// where nobody was found who does.
fn kept_end(
    program: &Program<'_>,
    waits: &Waits,
    connections: &[ConnectionBatch],
    socket: ResourceId,
) -> Option<FoundSocket> {
    let host = program.target().host()?;
    let (file, _) = waits.of_system.iter().find(|(_, id)| **id == socket)?;
    let OfSystem::File(fd) = file else { return None };
    let own = host.descriptor(*fd)?;
    let is_other_end = |socket: &&FoundSocket| {
        let Some(other) = host.descriptor(socket.descriptor) else { return false };
        match (&own.unaccepted_by, &own.ends, &other.listens, &other.ends) {
            (Some(asked), _, Some((local, _)), _) => is_asked(asked, local),
            (None, Some((near, far)), _, Some(ends)) => (&ends.1, &ends.0) == (near, far),
            _ => false,
        }
    };
    let ends = connections.iter().flat_map(ConnectionBatch::sockets).filter(is_other_end);
    // What a task is given when it is spawned leaves its bytes in the older one.
    ends.max_by_key(|end| (!end.may_be_moved, end.task)).cloned()
}

/// Whether who listens at an address accepts what is connected to another one, as `0.0.0.0:80` does for
/// `127.0.0.1:80`.
fn is_asked(asked: &str, local: &str) -> bool {
    let parsed = |address: &str| address.parse::<SocketAddr>().ok();
    parsed(asked).zip(parsed(local)).is_some_and(|(asked, local)| {
        let (ip, asked_ip) = (local.ip().to_canonical(), asked.ip().to_canonical());
        local.port() == asked.port() && (ip.is_unspecified() || ip == asked_ip)
    })
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
