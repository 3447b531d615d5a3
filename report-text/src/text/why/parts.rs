//! Parts that several sentences share.

use super::super::Look;
use super::super::counts::enumerated;
use super::super::frames::{name, place};
use super::super::holders::is_temporary;
use super::super::waiting::{of_block_on, only_set};
use runtime_layouts::layout::name::path_segments;
use runtime_layouts::report::{
    Finding, FrameRef, Holder, Link, LocalSet, Report, Resource, ResourceKind, Task, TaskIndex,
    TaskKind, TaskState, ThreadRef, Wait,
};

/// A finding with what its sentence is made of.
pub(super) struct Told<'r> {
    pub(super) report: &'r Report,
    pub(super) finding: &'r Finding,
    /// The tasks of its links, each once.
    pub(super) tasks: Vec<TaskIndex>,
    /// The first link.
    pub(super) first: &'r Link,
    /// Its wait.
    pub(super) wait: &'r Wait,
    /// What that waits for.
    pub(super) resource: &'r Resource,
    /// Who keeps it, where that is the cause.
    pub(super) holder: Option<&'r Holder>,
}

impl<'r> Told<'r> {
    /// `None` for a finding without links, which is of a runtime and not of tasks.
    pub(super) fn of(report: &'r Report, finding: &'r Finding) -> Option<Self> {
        let first = finding.links.first()?;
        let (_, resource, holder) = first.resource(report);
        Some(Self {
            report,
            finding,
            tasks: finding.tasks(report),
            first,
            wait: report.wait(first.wait),
            resource,
            holder,
        })
    }

    /// The tasks of its links, as a subject.
    pub(super) fn subject(&self) -> String {
        enumerated(self.report, &self.tasks)
    }
}

/// `, inventory::stock::restock, src/stock.rs:59`.
pub(super) fn stands(report: &Report, frame: FrameRef, look: &Look) -> String {
    format!(", {}", standing(report, frame, look))
}

/// `inventory::stock::restock, src/stock.rs:59`.
pub(super) fn standing(report: &Report, frame: FrameRef, look: &Look) -> String {
    let site = report.site(frame.site);
    let place = place(site);
    let name = name(site, look.full_names);
    if place.is_empty() { name } else { format!("{name}, {place}") }
}

/// The function that blocks a thread: `std::sync::mpsc::Receiver::recv`.
pub(super) fn call(report: &Report, call: FrameRef) -> String {
    let path = path_segments(&report.site(call.site).name.short);
    let path: Vec<&str> = path.iter().map(|segment| segment.text).collect();
    path.join("::")
}

/// `thread 4 waits for Mutex<Stock>, held by task 3, at stock.rs:19`, of the thread whose end is waited
/// for; `None` for what is no such, and for a thread of which it is not known.
pub(super) fn joined_thread(report: &Report, resource: &Resource) -> Option<String> {
    let thread = resource.thread?;
    Some(format!("thread {} {}", thread.number, what_blocks(report, thread)?))
}

/// `is blocked in std::sync::mpsc::Receiver::recv at jobs.rs:8`, `waits for Mutex<Stock>, held by task
/// 3, at stock.rs:19`, `blocks on future b4`; `None` for a thread of which it is not known.
pub(super) fn what_blocks(report: &Report, thread: ThreadRef) -> Option<String> {
    let known = report.threads.iter().find(|known| known.thread == thread)?;
    let Some(blocked) = known.blocked else {
        let future = report.task(known.task?);
        let is_blocked_on = future.kind == TaskKind::BlockOn && future.state != TaskState::Running;
        return is_blocked_on.then(|| format!("blocks on {}", of_block_on(report, future.index)));
    };
    let line = blocked.user.and_then(|user| line_of(report, user));
    let at = line.map(|line| format!(" at {line}")).unwrap_or_default();
    let resource = report.resource(blocked.resource);
    Some(match resource.holders.as_slice() {
        _ if resource.kind != ResourceKind::ThreadLock => {
            format!("is blocked in {}{at}", call(report, blocked.call))
        }
        [holder] => {
            let comma = if at.is_empty() { "" } else { "," };
            let perhaps = if holder.may_be_moved { "perhaps " } else { "" };
            let holder = report.holder_name(holder);
            format!("waits for {}, {perhaps}held by {holder}{comma}{at}", resource.name)
        }
        _ => format!("waits for {}{at}", resource.name),
    })
}

/// `stock.rs:59` of a frame of the user's own code; `None` for another one, or when it is not known.
pub(super) fn line_of(report: &Report, frame: FrameRef) -> Option<String> {
    let site = report.site(frame.site);
    let location = site.location.as_ref().filter(|_| site.user)?;
    let file = location.file.short();
    let file = file.rsplit_once('/').map_or(file, |(_, file)| file);
    Some(format!("{file}:{}", location.line))
}

/// `drop `stock` before stock.rs:52`: of what a task keeps while it waits there. `None` for what a
/// thread or a library keeps, what has no name, or where that it is there is not certain.
pub(super) fn drop_it(report: &Report, holder: &Holder) -> Option<String> {
    if holder.may_be_moved || holder.thread.is_some() {
        return None;
    }
    let line = line_of(report, holder.frame)?;
    let variable = holder.variable.as_ref().filter(|name| !is_temporary(name))?;
    Some(format!("drop `{variable}` before {line}"))
}

/// What a running task does: the innermost call of the user's own code; empty when none is known.
pub(super) fn runs(report: &Report, task: &Task, look: &Look) -> String {
    let frames = task.chain.frames.iter().rev().map(FrameRef::of);
    let mut users = frames.filter(|frame| report.site(frame.site).user);
    users.next().map(|frame| stands(report, frame, look)).unwrap_or_default()
}

/// A task by what it is: `task 4`, `local task 1`, `closure 3`.
pub(super) fn party(report: &Report, task: TaskIndex) -> String {
    let task = report.task(task);
    let what = match task.kind {
        TaskKind::Task | TaskKind::BlockOn => "task",
        TaskKind::Local => "local task",
        TaskKind::Blocking => "closure",
    };
    format!("{what} {}", task.id.0)
}

/// `a LocalSet (in `desk` of report, src/main.rs:15)`.
pub(super) fn local_set(report: &Report, set: &LocalSet, full_names: bool) -> String {
    let Some(kept) = &set.kept else { return format!("a {}", set.name) };
    let site = report.site(kept.frame.site);
    let (name, place) = (name(site, full_names), place(site));
    let at = if place.is_empty() { name } else { format!("{name}, {place}") };
    match &kept.variable {
        Some(variable) => format!("a {} (in `{variable}` of {at})", set.name),
        None => format!("a {} (in {at})", set.name),
    }
}

/// The text with its first letter in upper case.
pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

/// `task 3 blocks thread 2 (worker 0 of runtime 0)`.
pub(super) fn blocks(report: &Report, wait: &Wait) -> String {
    let task = report.task(wait.task);
    let thread = task.thread.map(|thread| thread.number).unwrap_or_default();
    let worker = report.runtimes.iter().find_map(|runtime| {
        let worker = runtime.workers.iter().find(|worker| worker.thread == task.thread)?;
        Some(format!(" (worker {} of runtime {})", worker.index, runtime.id))
    });
    let who = enumerated(report, &[task.index]);
    format!("{who} blocks thread {thread}{}", worker.unwrap_or_default())
}

/// The task that waits to write and comes before the one that a link is about, which is to read a lock
/// that others only read; `None` where that is not the reason.
pub(super) fn writer_before(report: &Report, link: &Link) -> Option<TaskIndex> {
    let (_, resource, _) = link.resource(report);
    let writer = resource.writer_before(link.wait, &report.waits)?;
    Some(report.wait(writer).task)
}

/// Why nothing can wake a task: `no waker of it exists`.
pub(super) fn proof_of_no_waker(report: &Report, task: &Task) -> String {
    if task.wakers.none_exists() {
        return "no waker of it exists".to_string();
    }
    let set = only_set(report, task);
    format!("a waker of it is only in its own {set}, in which no future can be woken")
}
