//! What tasks wait for, in words.

use super::connections;
use super::counts::ids;
use super::frames::{Line, place, short_place};
use super::holders::{end_text, holders_text, permits};
use super::kinds::{has_identity, has_queue, is_lock, with_address};
use runtime_layouts::report::{
    Access, BlockedChild, Connection, FrameRef, Holder, Protocol, Report, Request, Resource,
    ResourceKind, Role, Task, TaskIndex, TaskKind, TaskState, Wait, WakerPlace,
};

/// Different things that a row of the task list names, at most.
const MAX_THINGS: usize = 3;

/// The waits of a task that its line in the list tells.
pub(crate) fn told(report: &Report, task: TaskIndex) -> impl Iterator<Item = &Wait> {
    let is_told = |wait: &&Wait| wait.is_polled && !wait.is_limit;
    let polled = move || report.waits_of(task).iter().filter(is_told);
    // What libraries around the user's code wait for (a shutdown) says less than what that code
    // waits for.
    let has_users = polled().any(|wait| wait.user.is_some());
    let of_users = move || polled().filter(move |wait| wait.user.is_some() || !has_users);
    let some_known = of_users().any(|wait| is_known(report, wait));
    of_users().filter(move |wait| !some_known || is_known(report, wait))
}

/// Characters of what a panic said that a line shows.
const LONGEST_PANIC: usize = 160;

/// `"index out of bounds: the len is 0 but the index is 1"`, the first line of what a task panicked
/// with; `None` where that is not known.
pub(super) fn panicked_with(task: &Task) -> Option<String> {
    let message = task.panic.as_ref()?.message.as_deref()?;
    let line = message.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(LONGEST_PANIC).collect();
    let rest = if shown.len() < message.len() { "…" } else { "" };
    Some(format!("\"{shown}{rest}\""))
}

/// `has panicked with "no such lamp", and nobody has asked how it ended`; `None` of a task that did not.
pub(super) fn panicked(task: &Task) -> Option<String> {
    task.panic.as_ref()?;
    let with = panicked_with(task).map(|with| format!(" with {with}")).unwrap_or_default();
    Some(format!("has panicked{with}, and nobody has asked how it ended"))
}

/// What a task waits for, in a few words; `None` when nothing is known of it.
pub(super) fn of_task(report: &Report, task: &Task) -> Option<String> {
    let mut things: Vec<String> = Vec::new();
    let mut waits: Vec<&Wait> = told(report, task.index).collect();
    // Who drives a connection for others is told by its socket, whatever else ends it.
    if waits.iter().all(|wait| wait.user.is_none()) {
        waits.sort_by_key(|wait| report.resource(wait.resource).kind != ResourceKind::Io);
    }
    for wait in waits {
        let thing = short(report, wait);
        if !things.contains(&thing) {
            things.push(thing);
        }
    }
    let more = things.len().saturating_sub(MAX_THINGS);
    things.truncate(MAX_THINGS);
    if more > 0 {
        things.push(format!("{more} more"));
    }
    (!things.is_empty()).then(|| things.join(" | "))
}

/// Whether anything is known of what is waited for there.
fn is_known(report: &Report, wait: &Wait) -> bool {
    // Somewhere on the heap is hardly an answer.
    let has_place = wait.waker.is_some_and(|place| !matches!(place, WakerPlace::Heap(_)));
    has_place || report.resource(wait.resource).kind != ResourceKind::Other
}

/// Whether there is something to say of a wait: of one that is not known only where the task has no
/// other one.
pub(super) fn is_worth_telling(report: &Report, wait: &Wait) -> bool {
    let mut others = report.waits_of(wait.task).iter().filter(|other| other.is_polled);
    is_known(report, wait) || !others.any(|other| is_known(report, other))
}

/// `Mutex<Inventory> held by task 4 (main.rs:12)`.
pub(crate) fn short(report: &Report, wait: &Wait) -> String {
    let resource = report.resource(wait.resource);
    let mut text = what(report, wait, resource);
    let is_in_vain = is_in_vain(report, wait);
    if is_in_vain && resource.kind == ResourceKind::Other {
        return format!("nothing can wake it, in {text}");
    }
    // Of an end its own waker says nothing more.
    let waker = wait.waker.filter(|_| resource.kind != ResourceKind::OtherEnd);
    if waker == Some(WakerPlace::Leaf) {
        text.push_str(" (keeps the task's waker)");
    } else if let Some(place) = waker {
        let place = waker_place(report, place, true);
        text.push_str(&format!(" (its waker {place})"));
    } else if resource.kind == ResourceKind::Other {
        text.push_str(" (not known)");
    } else if let Some(note) = wait.note.as_ref().filter(|_| report.answer_owed(wait).is_none()) {
        text.push_str(&format!(", {note}"));
    } else if wait.is_granted {
        text.push_str(given(wait, resource.kind));
    } else if let Some(owed) = report.answer_owed(wait) {
        text = answer_from(report, wait, owed);
    } else if let Some(holders) = holders_text(report, wait.task, resource, true) {
        // `Mutex<Inventory> held by task 4` reads as one; after more words it does not.
        let reads_as_one = match resource.holders.first() {
            Some(first) => !first.access.is_end(),
            None => resource.given.is_some(),
        };
        text.push_str(if text == *resource.name && reads_as_one { " " } else { ", " });
        text.push_str(&holders);
    }
    if is_in_vain {
        text.push_str(IN_VAIN);
    }
    text
}

/// `an answer from 10.0.0.7:5432 (PostgreSQL, task 3)`, `the answer to GET from …`: what a client waits
/// for whose connection another task drives.
fn answer_from(
    report: &Report,
    wait: &Wait,
    (connection, request): (&Connection, Option<&Request>),
) -> String {
    let answer = match request.and_then(Request::name) {
        // What is waited for on it is noted.
        _ if connection.protocol == Protocol::Quic => {
            wait.note.clone().unwrap_or_else(|| "bytes".to_string())
        }
        _ if connection.role == Some(Role::Server) => "the rest of a request".to_string(),
        Some(request) => format!("the answer to {request}"),
        None => "an answer".to_string(),
    };
    let from = match (&connection.peer, connection.descriptor) {
        (Some(peer), _) => format!(" from {peer}"),
        (None, Some(descriptor)) => format!(" from a socket (fd {descriptor})"),
        (None, None) => String::new(),
    };
    let protocol = connections::protocol(connection);
    format!("{answer}{from} ({protocol}, task {})", report.task(connection.task).id.0)
}

/// What is said of a task that nothing can wake any more, after what it waits for.
const IN_VAIN: &str = "; nothing can wake the task";

/// Whether nothing can wake the task that waits, and it was not made to wait for ever.
fn is_in_vain(report: &Report, wait: &Wait) -> bool {
    let task = report.task(wait.task);
    let is_meant = report.resource(wait.resource).kind == ResourceKind::Never;
    wait.is_polled && task.state == TaskState::Idle && task.wakers.nothing_can_wake() && !is_meant
}

/// The set of futures of a task's own that keeps a waker of it, by its name.
pub(super) fn only_set(report: &Report, task: &Task) -> String {
    let set = report.waits_of(task.index).iter().find(|wait| wait.keeps_waker());
    set.map_or("set of futures".to_string(), |set| report.resource(set.resource).name.to_string())
}

/// What is said of a leaf: `waits for Mutex<Inventory> 0x55d0a4c3f2d0, held by task 14 in ‘stock’;
/// queue: 14, 15, 16`.
pub(super) fn of_leaf(report: &Report, wait: &Wait, lines: &[Line<'_>]) -> String {
    let resource = report.resource(wait.resource);
    let verb = match resource.kind {
        ResourceKind::Blocking => {
            return match resource.tasks.as_slice() {
                [future] => {
                    format!("blocks its thread until {} ends", of_block_on(report, *future))
                }
                _ => "blocks its thread".to_string(),
            };
        }
        _ if wait.blocks_thread => "blocks its thread while it waits for",
        ResourceKind::Never if wait.is_polled => return what(report, wait, resource),
        _ if wait.is_polled => "waits for",
        _ => "waits (not polled) for",
    };
    let mut text = match resource.kind {
        ResourceKind::Other => unknown(report, wait, resource),
        _ => format!("{verb} {}", named_thing(report, wait)),
    };
    if let Some(note) = &wait.note {
        text.push_str(&format!(", {note}"));
    } else if wait.is_granted && is_lock(resource.kind) {
        text.push_str(", granted but not yet taken");
    } else if wait.is_granted {
        text.push_str(given(wait, resource.kind));
    } else if let Some((own, holder)) = own_frame(report, wait, lines) {
        match end_text(holder.access) {
            Some(end) => text.push_str(&format!(", {end} in #{own} of this task")),
            None => text.push_str(&format!(", held by this task in #{own}")),
        }
    } else if let Some(owed) = report.answer_owed(wait) {
        let owing = answer_from(report, wait, owed);
        text.push_str(&format!(", which is {owing}"));
    } else if let Some(holders) = holders_text(report, wait.task, resource, false) {
        text.push_str(", ");
        text.push_str(&holders);
    }
    if has_queue(resource.kind) && resource.queue.len() > 1 {
        let waits = resource.queue.iter().map(|id| report.wait(*id).task);
        text.push_str(&format!("; queue: {}", ids(report, waits)));
    }
    if is_in_vain(report, wait) {
        text.push_str(IN_VAIN);
    }
    if let Some(child) = of_child(report, resource) {
        text.push_str(&format!("; {child}"));
    }
    text
}

/// `that process itself waits for this program to write to fd 11 or close it, which task 3 has in `input``,
/// of the child process that would end a wait; `None` where none is known.
pub(super) fn of_child(report: &Report, resource: &Resource) -> Option<String> {
    let BlockedChild { pid, child, name, reads, fd, keeper } = resource.child.as_deref()?;
    let subject = match (resource.kind, pid == child) {
        (ResourceKind::Child, true) => "that process".to_string(),
        (ResourceKind::Child, false) => format!("process {pid} ({name}), which it began,"),
        _ => format!("child process {pid} ({name})"),
    };
    let what = match reads {
        true => format!("write to fd {fd} or close it"),
        false => format!("read fd {fd} or close it"),
    };
    let who = keeper.as_ref().map(|keeper| {
        let variable = keeper.variable.as_ref();
        let variable = variable.map(|name| format!(" in `{name}`")).unwrap_or_default();
        format!(", which task {} has{variable}", report.task(keeper.task).id.0)
    });
    let who = who.unwrap_or_default();
    Some(format!("{subject} itself waits for this program to {what}{who}"))
}

/// What is said of a leaf that is not known: whether it keeps the waker of its task.
fn unknown(report: &Report, wait: &Wait, resource: &Resource) -> String {
    let name = &resource.name;
    if wait.keeps_waker() {
        return format!("waits in {name}, which keeps the task's waker");
    }
    if let Some(place) = wait.waker {
        return format!("waits in {name}; {}", waker_text(report, place));
    }
    match is_in_vain(report, wait) {
        true => format!("waits in {name}"),
        false => format!("waits in {name}, unhang does not know what for"),
    }
}

/// Where a waker of a task was found: `the task's waker is in task 7 (relay.rs:12)`.
pub(super) fn waker_text(report: &Report, at: WakerPlace) -> String {
    format!("the task's waker is {}", waker_place(report, at, false))
}

/// `in task 7 (relay.rs:12)`; without addresses where it is to be brief.
fn waker_place(report: &Report, at: WakerPlace, is_brief: bool) -> String {
    let (place, address) = match at {
        WakerPlace::Leaf => ("in the leaf".to_string(), None),
        WakerPlace::Resource(id) => {
            let resource = report.resource(id);
            return match is_brief {
                true => format!("in {}", resource.name),
                false => format!("in {}", with_address(resource)),
            };
        }
        WakerPlace::Frame(task, frame) => {
            let of = format!("task {}", report.task(task).id.0);
            let site = report.site(frame.site);
            let place = Some(place(site)).filter(|place| !place.is_empty());
            let place = place.as_deref().map_or(&*site.name.short, short_place);
            (format!("in {of} ({place})"), None)
        }
        WakerPlace::Stack(thread) => (format!("on the stack of thread {}", thread.number), None),
        WakerPlace::Static(address) => ("in a static variable".to_string(), Some(address)),
        WakerPlace::Heap(address) => ("on the heap".to_string(), Some(address)),
    };
    match address.filter(|_| !is_brief) {
        Some(address) => format!("{place}, at {address:#x}"),
        None => place,
    }
}

/// What is waited for, with the address of what others can keep; of what another task takes from a
/// connection whose answer that is.
pub(super) fn thing(report: &Report, wait: &Wait) -> String {
    match report.answer_owed(wait).filter(|_| !wait.is_granted) {
        Some(owed) => answer_from(report, wait, owed),
        None => named_thing(report, wait),
    }
}

/// What is waited for, with the address of what others can keep.
fn named_thing(report: &Report, wait: &Wait) -> String {
    let resource = report.resource(wait.resource);
    let text = thing_without_address(report, wait);
    match has_identity(resource.kind) && resource.address != 0 {
        true => format!("{text} {:#x}", resource.address),
        false => text,
    }
}

/// The same without the address, with its state.
pub(super) fn thing_or_answer(report: &Report, wait: &Wait) -> String {
    match report.answer_owed(wait).filter(|_| !wait.is_granted) {
        Some(owed) => answer_from(report, wait, owed),
        None => thing_without_address(report, wait),
    }
}

/// What is waited for, with its state.
pub(super) fn thing_without_address(report: &Report, wait: &Wait) -> String {
    let resource = report.resource(wait.resource);
    let mut text = match resource.kind {
        ResourceKind::Never => resource.name.to_string(),
        _ => what(report, wait, resource),
    };
    if let Some(state) = resource.state_text() {
        text.push_str(&format!(" ({state})"));
    }
    text
}

/// `future b3`: what a call like `block_on` polls.
pub(super) fn of_block_on(report: &Report, future: TaskIndex) -> String {
    format!("future {}", report.task(future).id.0)
}

/// What is said of a wait that can end, but was not polled since.
fn given(wait: &Wait, kind: ResourceKind) -> &'static str {
    match (is_lock(kind), wait.is_polled) {
        (true, _) => ", granted",
        (false, true) => ", ready but not yet polled",
        // Its verb says already that nothing polls it.
        (false, false) => ", ready",
    }
}

/// What is asked for, without who has it; of what never completes a clause of its own.
fn what(report: &Report, wait: &Wait, resource: &Resource) -> String {
    let name = &resource.name;
    match (resource.kind, wait.access) {
        (ResourceKind::Never, _) => format!("never completes: {name}"),
        (ResourceKind::RwLock | ResourceKind::ThreadLock, Some(Access::Shared)) => {
            format!("{name} to read")
        }
        (ResourceKind::RwLock | ResourceKind::ThreadLock, Some(_)) => format!("{name} to write"),
        (ResourceKind::Semaphore, Some(Access::Permits(count))) => {
            format!("{} of {name}", permits(count))
        }
        (ResourceKind::Pool, Some(Access::Permits(count))) => format!("{count} objects of {name}"),
        (ResourceKind::Pool, _) => format!("an object of {name}"),
        (ResourceKind::OtherEnd, _) => format!("the other end of {name}"),
        (ResourceKind::Blocking, _) if resource.tasks.len() == 1 => {
            format!("{} of {}", resource.name, of_block_on(report, resource.tasks[0]))
        }
        (ResourceKind::Join, _) if resource.tasks.len() == 1 => {
            let task = report.task(resource.tasks[0]);
            match (task.kind, task.state, task.thread) {
                (TaskKind::Blocking, TaskState::Running, Some(thread)) => {
                    format!("closure {} on thread {}", task.id.0, thread.number)
                }
                (TaskKind::Blocking, TaskState::Scheduled, _) => {
                    format!("closure {}, queued for a thread", task.id.0)
                }
                (_, state, _) => {
                    format!("task {} ({})", task.id.0, state.word())
                }
            }
        }
        (ResourceKind::JoinSet, _) if resource.needs_all => match resource.tasks.as_slice() {
            [] => format!("the end of all tasks in a {name}"),
            tasks => {
                format!("the end of all tasks in a {name}: {}", ids(report, tasks.iter().copied()))
            }
        },
        (ResourceKind::JoinSet, _) => match resource.tasks.as_slice() {
            [] => format!("the end of a task in a {name}"),
            [one] => format!("task {} in a {name}", report.task(*one).id.0),
            several => {
                format!("one of tasks {} in a {name}", ids(report, several.iter().copied()))
            }
        },
        (ResourceKind::Mpsc | ResourceKind::Broadcast, Some(Access::Receive)) => {
            format!("a message on {name}")
        }
        (ResourceKind::Oneshot, Some(Access::Receive)) => format!("the value of {name}"),
        (ResourceKind::Watch, Some(Access::Receive)) => format!("a change to {name}"),
        (ResourceKind::Pipe, Some(Access::Receive)) => format!("bytes on {name}"),
        (ResourceKind::Mpsc | ResourceKind::Broadcast | ResourceKind::Pipe, Some(Access::Send)) => {
            format!("room in {name}")
        }
        (ResourceKind::Io, Some(Access::Receive)) => format!("{name} to read"),
        (ResourceKind::Io, Some(Access::Send)) => format!("{name} to write"),
        (kind, None) if kind.is_channel() => match resource.parties {
            Some(0 | 1) => format!("the end of the receiver of {name}"),
            _ => format!("the end of all receivers of {name}"),
        },
        _ => name.to_string(),
    }
}

/// The number of the frame in which a task itself holds what it waits for.
fn own_frame<'r>(
    report: &'r Report,
    wait: &Wait,
    lines: &[Line<'_>],
) -> Option<(usize, &'r Holder)> {
    let resource = report.resource(wait.resource);
    let mut held = report.held_by(wait.task).filter(|(it, _)| std::ptr::eq(*it, resource));
    let (_, own) = held.find(|(_, it)| it.access != Access::Handle && !it.may_be_moved)?;
    number_of(own.frame, lines).map(|number| (number, own))
}

/// The number of a frame in a backtrace.
pub(crate) fn number_of(wanted: FrameRef, lines: &[Line<'_>]) -> Option<usize> {
    lines.iter().find_map(|line| match line {
        Line::Frame { number, frame, .. }
            if frame.site == wanted.site && frame.address == wanted.address =>
        {
            Some(*number)
        }
        _ => None,
    })
}
