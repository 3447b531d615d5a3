//! From a task to the one that has what it waits for.

use std::time::Duration;

use super::LATE;
use crate::report::{
    Access, Clock, Due, Holder, Report, Resource, ResourceKind, Task, TaskIndex, TaskState, Wait,
    WaitId,
};

/// Who waits no longer than this, without a lock that others want, is not worth a look.
const SOON: Duration = Duration::from_secs(10);

/// Of what a task waits for that which tells most of why it does not go on.
pub(super) fn telling_wait(report: &Report, task: &Task) -> Option<WaitId> {
    let mut best: Option<((bool, u8), WaitId)> = None;
    for (id, wait) in report.waits.of(task.index) {
        let kind = report.resource(wait.resource).kind;
        // What is stored of a task that runs or was woken is old, but not what blocks its thread.
        if !wait.is_polled
            || wait.is_limit
            || (task.state != TaskState::Idle && !wait.blocks_thread)
        {
            continue;
        }
        if wait.is_granted {
            return None;
        }
        if brings_itself(report, wait) {
            continue;
        }
        let class = match kind {
            kind if kind.is_lock() || wait.blocks_thread => 0,
            // What only ends what else the task does tells less than that, and what never ends
            // nothing where there is something else.
            ResourceKind::Sleep | ResourceKind::Yield | ResourceKind::Cancellation => 3,
            ResourceKind::Never => 4,
            kind if is_outside(kind) => 1,
            _ => 2,
        };
        let rank = (wait.user.is_none(), class);
        if best.is_none_or(|(known, _)| rank < known) {
            best = Some((rank, id));
        }
    }
    best.map(|(_, id)| id)
}

/// Whether the task brings what it waits for itself, in a frame that waits for more: of the body of a
/// request the connection around its handler, which waits for its socket.
fn brings_itself(report: &Report, wait: &Wait) -> bool {
    if wait.access != Some(Access::Receive) {
        return false;
    }
    let mut brings = report.resource(wait.resource).holders.iter().filter(|holder| {
        holder.task == Some(wait.task) && holder.access == Access::Send && holder.thread.is_none()
    });
    brings.any(|holder| {
        let waits_there = |(_, other): (WaitId, &Wait)| {
            let kind = report.resource(other.resource).kind;
            other.leaf == holder.frame && other.is_polled && is_outside(kind)
        };
        report.waits.of(wait.task).any(waits_there)
    })
}

/// Whether the user's own code is around a wait.
pub(super) fn is_users(wait: &Wait) -> bool {
    wait.user.is_some()
}

/// Whether a task is a library's own and waits for a message or to read, with none of the user's code in
/// it: so do those who serve others when all is well.
pub(super) fn is_idle_service(report: &Report, task: &Task, wait: Option<&Wait>) -> bool {
    let brings_work =
        [ResourceKind::Mpsc, ResourceKind::Broadcast, ResourceKind::Watch, ResourceKind::Io];
    let asks = wait.is_some_and(|wait| {
        wait.access == Some(Access::Receive)
            && !wait.blocks_thread
            && wait.waker.is_none()
            && brings_work.contains(&report.resource(wait.resource).kind)
    });
    task.state == TaskState::Idle && asks && !report.waits_of(task.index).iter().any(is_users)
}

/// The first two tasks that have a thing, of all its holders: whoever waits for it is at most one of
/// them.
///
/// A handle of what is waited for is no sign that its task would use it, nor is the other side of a
/// connection where who has that serves it and waits for a request.
pub(super) struct Keepers {
    first: Option<TaskIndex>,
    other: Option<TaskIndex>,
}

impl Keepers {
    pub(super) fn of(resource: &Resource, serves: &dyn Fn(TaskIndex) -> bool) -> Self {
        let has_it = |holder: &&Holder| match holder.access {
            Access::Handle => false,
            Access::Peer => holder.task.is_some_and(|task| !serves(task)),
            _ => true,
        };
        let mut tasks = resource.holders.iter().filter(has_it).filter_map(|holder| holder.task);
        let first = tasks.next();
        Self { first, other: tasks.find(|task| Some(*task) != first) }
    }
}

/// The task that has what a wait is for; `None` where none was found.
pub(super) fn next_task(report: &Report, wait: &Wait, keepers: &Keepers) -> Option<TaskIndex> {
    let resource = report.resource(wait.resource);
    // A call that blocks goes on with the future that it polls.
    let ends = [ResourceKind::Join, ResourceKind::JoinSet, ResourceKind::Blocking];
    if ends.contains(&resource.kind) {
        return resource.tasks.first().copied();
    }
    if let Some(given) = resource.given {
        return Some(report.wait(given).task);
    }
    // An end of its own channel is no sign either: others may have one as well. Of a lock that it
    // holds itself a task gets no other, and what it should accept itself waits for it.
    let is_to_accept = |holder: &Holder| report.is_to_accept(holder);
    let may_be_own = resource.kind.is_lock()
        || resource.kind == ResourceKind::ThreadLock
        || (resource.kind == ResourceKind::Io && resource.holders.iter().any(is_to_accept));
    match keepers.first {
        Some(first) if first == wait.task => keepers.other.or(keepers.first.filter(|_| may_be_own)),
        first => first,
    }
}

/// Whether a timer goes off so soon that nobody would call it a hang: a busy machine sees to it a little
/// late.
pub(super) fn is_soon(resource: &Resource) -> bool {
    // By a clock that stands still nothing comes.
    let timer = resource.timer.filter(|timer| timer.clock != Clock::Paused);
    match timer.map(|timer| timer.due) {
        Some(Due::Now) => true,
        Some(Due::In(left)) => left <= SOON,
        Some(Due::Ago(_)) => overdue(resource).is_some_and(|overdue| overdue < LATE),
        Some(Due::Unknown) | None => false,
    }
}

pub(super) fn overdue(resource: &Resource) -> Option<Duration> {
    resource.timer.and_then(|timer| timer.overdue())
}

/// Whether what is waited for comes from outside of the program, or by itself.
pub(super) fn is_outside(kind: ResourceKind) -> bool {
    matches!(
        kind,
        ResourceKind::Sleep
            | ResourceKind::Io
            | ResourceKind::Signal
            | ResourceKind::Child
            | ResourceKind::Yield
    )
}
