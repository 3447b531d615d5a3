//! Tasks that wait for each other, or one for itself.

use super::super::waiting::is_lock;
use super::parts::Told;
use runtime_layouts::report::{Access, Holder, ResourceKind};

pub(super) fn sentence(told: &Told<'_>) -> String {
    let what = match told.resource.kind {
        ResourceKind::Semaphore => "permits that it holds itself",
        kind if is_lock(kind) => "a lock that it holds itself",
        kind => only_it_can(kind, told.wait.access, told.holder),
    };
    match told.tasks.as_slice() {
        [_] => format!("{} waits for {what}", told.subject()),
        [_, _] => format!("{} wait for each other", told.subject()),
        _ => format!("{} wait for each other in a cycle", told.subject()),
    }
}

/// What only the task that waits for it can bring about: by how it asks, and what it holds itself.
fn only_it_can(kind: ResourceKind, asked: Option<Access>, holder: Option<&Holder>) -> &'static str {
    match (kind, holder.map(|holder| holder.access)) {
        (_, Some(Access::Receive)) if asked.is_none() => {
            "the end of a receiver that it holds itself"
        }
        (_, Some(Access::Receive)) => "room that only it can make",
        (ResourceKind::Mpsc | ResourceKind::Broadcast, _) => "a message that only it can send",
        (ResourceKind::Oneshot, _) => "a value that only it can send",
        (ResourceKind::Watch, _) => "a change that only it can make",
        (ResourceKind::Notify, _) => "a notification that only it can send",
        (ResourceKind::Barrier, _) => "a barrier that only it can complete",
        (ResourceKind::Cancellation, _) => "a cancellation that only it can trigger",
        (ResourceKind::Join | ResourceKind::JoinSet, _) => "its own end",
        _ => "something that only it can provide",
    }
}
