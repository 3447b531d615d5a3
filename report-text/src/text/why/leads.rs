//! Where to look first while no fault is certain.

use std::io;

use super::super::Look;
use super::super::counts::tasks_of;
use super::super::counts::{enumerated, ids};
use super::super::holders::{end_text, in_collection, in_variable};
use super::super::style::{Out, Style};
use super::super::waiting::{of_child, panicked_with, thing_or_answer, thing_without_address};
use super::super::{unaccepted, unflushed};
use super::parts::{capitalized, joined_thread, line_of, standing, what_blocks};
use super::threads;
use runtime_layouts::report::{
    Access, Clock, Finding, Flavor, FrameRef, Holder, Lead, LeadReason, Leads, ProcessThread,
    Report, Resource, ResourceKind, Task, TaskIndex, TaskKind, TaskState, Wait, WakerPlace,
};

/// Writes the leads under a heading, or that nothing waits inside the program.
pub(super) fn write(
    report: &Report,
    findings: &[Finding],
    leads: &Leads,
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let Some(heading) = heading(report, findings, leads) else { return Ok(()) };
    if leads.first.is_empty() {
        return out.paragraph("", "  ", Style::Plain, &heading);
    }
    if !findings.is_empty() {
        out.end()?;
    }
    out.paragraph("", "  ", Style::Heading, &heading)?;
    let sentences = leads.first.iter().map(|lead| sentence(report, lead, look));
    let mut all = sentences.chain(threads::in_circles(report));
    all.try_for_each(|text| out.paragraph("  - ", "    ", Style::Plain, &text))
}

/// What stands above the leads, or in place of them where nothing is wrong; `None` where there is
/// nothing to say beside the findings.
pub(crate) fn heading(report: &Report, findings: &[Finding], leads: &Leads) -> Option<String> {
    match (findings.is_empty(), leads.first.is_empty()) {
        (true, true) => Some(nothing(report, leads)),
        (false, true) => None,
        (true, false) => {
            Some(format!("No fault is certain among {}. Where to look first:", tasks_of(report)))
        }
        (false, false) => Some("Where to look besides:".to_string()),
    }
}

/// What everybody waits for, where nobody waits for anything inside the program but for work.
fn nothing(report: &Report, leads: &Leads) -> String {
    if report.tasks.is_empty() {
        let nothing = match report.completeness().is_complete() {
            true => "There are no tasks.",
            false => "No tasks were found.",
        };
        return nothing.to_string();
    }
    let circles = threads::in_circles(report);
    if leads.inside > 0 || !circles.is_empty() {
        let certain = format!("No fault is certain among {}.", tasks_of(report));
        return std::iter::once(certain).chain(circles).collect::<Vec<_>>().join(" ");
    }
    let mut parts: Vec<String> = leads
        .outside
        .iter()
        .map(|(kind, count)| {
            let waits = if *count == 1 { "waits" } else { "wait" };
            format!("{count} {waits} {}", outside(*kind, *count))
        })
        .collect();
    match leads.serving {
        0 => {}
        1 => parts.push("1 of a library waits for work".to_string()),
        count => parts.push(format!("{count} of libraries wait for work")),
    }
    match leads.running {
        0 => {}
        1 => parts.push("1 runs or is about to".to_string()),
        count => parts.push(format!("{count} run or are about to")),
    }
    let what = match parts.is_empty() {
        true => String::new(),
        false => format!(": {}", parts.join(", ")),
    };
    let nothing =
        format!("Nothing is stuck as far as memory shows, of {}{what}.", tasks_of(report));
    std::iter::once(nothing).chain(threads::only_workers(report)).collect::<Vec<_>>().join(" ")
}

fn outside(kind: ResourceKind, count: usize) -> &'static str {
    match (kind, count) {
        (ResourceKind::Sleep, 1) => "for a timer",
        (ResourceKind::Sleep, _) => "for timers",
        (ResourceKind::Io, 1) => "for a socket or another file",
        (ResourceKind::Io, _) => "for sockets or other files",
        (ResourceKind::Signal, _) => "for a signal",
        (ResourceKind::Child, 1) => "for a child process",
        (ResourceKind::Child, _) => "for child processes",
        (ResourceKind::Yield, _) => "for the next turn",
        (ResourceKind::Never, _) => "for what never completes",
        _ => "for something else",
    }
}

/// What is to be seen there, and what to check.
pub(crate) fn sentence(report: &Report, lead: &Lead, look: &Look) -> String {
    let subject = capitalized(&enumerated(report, &lead.tasks));
    let keep = if lead.tasks.len() == 1 { "keeps" } else { "keep" };
    let subject = match (lead.reason, lead.behind) {
        (LeadReason::Circle, _) | (_, 0) => subject,
        (_, 1) => format!("{subject} {keep} another task waiting and"),
        (_, more) => format!("{subject} {keep} {more} other tasks waiting and"),
    };
    let said = match lead.wait.map(|wait| report.wait(wait)) {
        Some(wait) => of_wait(report, lead, &subject, wait, look),
        None => of_state(report, lead, &subject, look),
    };
    match unaccepted::by(report, &lead.tasks) {
        Some(unaccepted) => format!("{said} {unaccepted}."),
        None => said,
    }
}

/// Of what waits for nothing known.
fn of_state(report: &Report, lead: &Lead, subject: &str, look: &Look) -> String {
    let first = report.task(lead.tasks[0]);
    let id = &first.id.0;
    let outermost = first.chain.frames.first().map(FrameRef::of);
    let at = at(report, outermost, look);
    match first.state {
        TaskState::Running => {
            format!(
                "{subject} is running{at}{}: see `async bt {id}`.",
                while_holding(report, first)
            )
        }
        TaskState::Scheduled if is_run_by_none(report, first) => format!(
            "{subject} was woken{at}, but no thread was found that runs its executor: see who should."
        ),
        TaskState::Scheduled if first.kind == TaskKind::Blocking => format!(
            "{subject} {} for a thread of the blocking pool{}: see `async workers`.",
            if lead.tasks.len() == 1 { "queues" } else { "queue" },
            full_pool(report, first).unwrap_or_default()
        ),
        TaskState::Scheduled if gives_way(report, first) => format!(
            "{subject} gives way to others{at}{}: see whether it does so in a loop.",
            while_holding(report, first)
        ),
        TaskState::Scheduled => format!(
            "{subject} was woken but not polled since{at}{}: see `async workers`.",
            while_holding(report, first)
        ),
        TaskState::Complete | TaskState::Cancelled if first.panic.is_some() => {
            let has = if lead.tasks.len() == 1 { "has" } else { "have" };
            let with = panicked_with(first).map(|with| format!(" with {with}")).unwrap_or_default();
            let one = if lead.tasks.len() > 1 { ", the first of them" } else { "" };
            let root = first.root.map(|root| report.site(root).name.short.as_str());
            let what = root.map(|root| format!(" ({root})")).unwrap_or_default();
            format!(
                "{subject}{what} {has} panicked{one}{with}, and nobody has asked how it ended: see \
                 who waits for it."
            )
        }
        TaskState::Complete | TaskState::Cancelled => {
            format!("{subject} has ended{at}: see who should take what it left.")
        }
        TaskState::Idle | TaskState::Unknown => {
            let is = if lead.tasks.len() == 1 { "is" } else { "are" };
            format!("{subject} {is} idle{at}, and what for is not known: see `async bt {id}`.")
        }
    }
}

/// Whether a task was woken by itself, to let others run: `yield_now`.
fn gives_way(report: &Report, task: &Task) -> bool {
    let mut polled = report.waits_of(task.index).iter().filter(|wait| wait.is_polled);
    polled.any(|wait| report.resource(wait.resource).kind == ResourceKind::Yield)
}

/// `, while it holds Mutex<u64> in `guard``: the first lock of a task that others want; empty for none.
fn while_holding(report: &Report, task: &Task) -> String {
    let is_wanted = |(resource, holder): &(&Resource, &Holder)| {
        let mut waiting = resource.queue.iter().map(|id| report.wait(*id));
        let keeps = !holder.access.is_end() && !holder.may_be_moved;
        resource.kind.is_lock() && keeps && waiting.any(|wait| wait.task != task.index)
    };
    match report.held_by(task.index).find(is_wanted) {
        Some((resource, holder)) => {
            format!(", while it holds {}{}", resource.name, in_variable(holder))
        }
        None => String::new(),
    }
}

/// `, which is full (2 of 2 threads run closures)`; `None` for one that may start a thread more.
fn full_pool(report: &Report, closure: &Task) -> Option<String> {
    let pool = report.runtimes.get(closure.runtime?)?.blocking?;
    let limit = pool.limit.filter(|_| pool.is_full())?;
    Some(format!(", which is full ({} of {limit} threads run closures)", pool.threads))
}

/// Whether no thread is known that would poll a task.
fn is_run_by_none(report: &Report, task: &Task) -> bool {
    let runtime = task.runtime.and_then(|runtime| report.runtimes.get(runtime));
    runtime.is_some_and(|it| it.workers.is_empty() && it.flavor != Flavor::BLOCKING_POOL)
}

/// Where a guard may be that was not found.
const NO_GUARD: &str = "running native code has it, or it was leaked, or the debug information leaves \
                        out its variable";

/// `the lock's address is on the stack of thread 2, which task 4 blocks (calls.rs:48)`
fn has_address(report: &Report, thread: &ProcessThread) -> String {
    let number = thread.thread.number;
    let line = thread.blocked.and_then(|call| line_of(report, call.user?));
    let line = line.map(|line| format!(" ({line})")).unwrap_or_default();
    let who = match thread.task {
        Some(task) => format!(", which task {} blocks{line}", report.task(task).id.0),
        None => format!(", which is blocked{line}"),
    };
    format!("the lock's address is on the stack of thread {number}{who}")
}

fn of_wait(report: &Report, lead: &Lead, subject: &str, wait: &Wait, look: &Look) -> String {
    let first = report.task(lead.tasks[0]);
    let id = &first.id.0;
    let resource = report.resource(wait.resource);
    let waits = if lead.tasks.len() == 1 { "waits" } else { "wait" };
    let at = at(report, Some(wait.user.unwrap_or(wait.leaf)), look);
    let what = format!("{waits} for {}{at}", thing_or_answer(report, wait));
    match lead.reason {
        LeadReason::BlockedThread => {
            let thread = match first.thread {
                Some(thread) => format!("thread {}", thread.number),
                None => "its thread".to_string(),
            };
            let block = if lead.tasks.len() == 1 { "blocks" } else { "block" };
            match resource.kind {
                ResourceKind::ThreadLock => format!(
                    "{subject} {block} {thread} and {what}: see what the other threads do with it."
                ),
                ResourceKind::Blocking => {
                    let joined = joined_thread(report, resource);
                    let see = joined.unwrap_or("see what that call waits for".to_string());
                    format!("{subject} {block} {thread} in {}{at}: {see}.", resource.name)
                }
                _ => format!("{subject} {block} {thread} and {what}: {}.", check(report, wait, id)),
            }
        }
        LeadReason::OwnHolding => {
            let own = resource.holders.iter().find(|it| it.task == Some(wait.task));
            match own.and_then(whose_own_end) {
                Some(_) if own.is_some_and(|own| report.is_to_accept(own)) => format!(
                    "{subject} {what}, whose other end waits for the same task: see what else could \
                     accept it."
                ),
                Some(whose) => format!("{subject} {what}, {whose}: see what else could end that."),
                None => format!(
                    "{subject} {what}, which it holds itself{}: see what else could let it go.",
                    own.map(in_variable).unwrap_or_default()
                ),
            }
        }
        LeadReason::Unaccepted => format!("{subject} {what}: see `async why {id}`."),
        LeadReason::Circle => circle(report, lead, subject, look),
        LeadReason::BlockedChild => {
            let child = of_child(report, resource).map(|does| format!(", but {does}"));
            format!("{subject} {what}{}.", child.unwrap_or_default())
        }
        // Of its objects a line of its own tells.
        LeadReason::HolderNotFound if resource.kind == ResourceKind::Pool => {
            format!("{subject} {what}: {}.", check(report, wait, id))
        }
        LeadReason::HolderNotFound => match resource.holders.iter().find(|it| it.is_static) {
            Some(holder) => {
                let (who, within) = (report.holder_name(holder), in_collection(holder));
                format!("{subject} {what}, whose guard {who} has{within}: see what should drop it.")
            }
            None => {
                let thread = report.may_have_guard_of(wait.resource);
                let who = thread.map_or(NO_GUARD.to_string(), |thread| has_address(report, thread));
                format!(
                    "{subject} {what}, which is taken, but no suspended task shows its guard: {who}."
                )
            }
        },
        LeadReason::Overdue => {
            format!(
                "{subject} {what}, which did not fire: see in `async workers` who should do it."
            )
        }
        LeadReason::ChainEnd | LeadReason::Panicked => {
            let timer = timer_beside(report, wait).unwrap_or_default();
            if let Some(whose) = only_sender(resource, wait).and_then(whose_own_end) {
                return format!("{subject} {what}{timer}, {whose}: see what else could end that.");
            }
            let see = unflushed::before(report, wait);
            let see = see.unwrap_or_else(|| check(report, wait, id));
            format!("{subject} {what}{timer}: {see}.")
        }
    }
}

/// The sender of an answer that only who waits for it has, as far as it was found.
fn only_sender<'r>(answer: &'r Resource, wait: &Wait) -> Option<&'r Holder> {
    let is_own = |it: &Holder| it.task == Some(wait.task) && it.access == Access::Send;
    let is_only = answer.kind == ResourceKind::Oneshot && answer.holders.iter().all(is_own);
    answer.holders.first().filter(|_| is_only)
}

/// ``whose sender it has itself in `jobs`, in a message to Receiver<Job>``; `None` for a lock.
fn whose_own_end(own: &Holder) -> Option<String> {
    let end = end_text(own.access)?;
    Some(format!("whose {end} it has itself{}{}", in_variable(own), in_collection(own)))
}

/// `Tasks 3 and 4 wait for each other: task 3 for a message on mpsc<Ack> (relay.rs:12), task 4 for
/// Mutex<State> (relay.rs:31) or a timer (due in 2.1 s). Others may end that: see `async why 3`.`
fn circle(report: &Report, lead: &Lead, subject: &str, look: &Look) -> String {
    const MAX_TOLD: usize = 3;
    let behind = match lead.behind {
        0 => String::new(),
        more => format!(" and {more} more for them"),
    };
    let of = |task: &TaskIndex| {
        let own = report.waits_of(*task).iter().filter(|wait| wait.is_polled && !wait.is_limit);
        own.min_by_key(|wait| {
            let is_timer = report.resource(wait.resource).timer.is_some();
            (wait.user.is_none(), is_timer)
        })
    };
    let own = |task: &&TaskIndex| {
        let wait = of(task)?;
        let at = at(report, Some(wait.user.unwrap_or(wait.leaf)), look);
        let timer = timer_beside(report, wait).unwrap_or_default();
        let what = thing_or_answer(report, wait);
        Some(format!("task {} for {what}{at}{timer}", report.task(**task).id.0))
    };
    // Of many, those in which the user's code waits tell most.
    let is_users = |task: &&TaskIndex| of(task).is_some_and(|wait| wait.user.is_some());
    let told: Vec<&TaskIndex> = match lead.tasks.len() <= MAX_TOLD {
        true => lead.tasks.iter().collect(),
        false => lead.tasks.iter().filter(is_users).collect(),
    };
    let told: Option<Vec<String>> = Some(told)
        .filter(|told| (1..=MAX_TOLD).contains(&told.len()))
        .and_then(|told| told.iter().map(own).collect());
    let told = told.map(|told| format!(": {}", told.join(", "))).unwrap_or_default();
    let unflushed = lead.tasks.iter().flat_map(|task| report.waits_of(*task));
    let unflushed = unflushed.filter_map(|wait| unflushed::before(report, wait)).next();
    let id = &report.task(lead.tasks[0]).id.0;
    let end = match unflushed {
        Some(unflushed) => format!("{}.", capitalized(&unflushed)),
        None => format!("Others may end that: see `async why {id}`."),
    };
    format!("{subject} wait for each other{behind}{told}. {end}")
}

/// ` or a timer (due in 2.1 s)`: what a task waits for besides, and will come; `None` for no timer.
fn timer_beside(report: &Report, wait: &Wait) -> Option<String> {
    let is_to_come = |resource: &Resource| {
        let timer = resource.timer.filter(|timer| timer.overdue().is_none());
        timer.is_some() && resource.kind == ResourceKind::Sleep
    };
    let is_timer = report.resource(wait.resource).kind == ResourceKind::Sleep;
    let all = report.waits_of(wait.task).iter();
    let others = all.filter(|other| other.is_polled && !is_timer);
    let mut timers = others.filter(|other| is_to_come(report.resource(other.resource)));
    Some(format!(" or {}", thing_without_address(report, timers.next()?)))
}

/// What moves a paused clock on: it does so by itself when the runtime has nothing else to do, but not
/// while closures run for it (`inhibit_auto_advance` in tokio's `runtime/blocking/schedule.rs`, 1.54.1).
fn paused_clock(report: &Report, wait: &Wait) -> String {
    let runtime = report.task(wait.task).runtime;
    let keeps_it = |task: &&Task| {
        task.kind == TaskKind::Blocking
            && task.runtime == runtime
            && matches!(task.state, TaskState::Running | TaskState::Scheduled)
    };
    let closures = report.tasks.iter().filter(keeps_it).map(|task| task.index);
    let closures: Vec<TaskIndex> = closures.collect();
    match closures.is_empty() {
        true => "the clock is paused: see who should advance it".to_string(),
        false => {
            let (word, keep) = match closures.len() {
                1 => ("closure", "keeps"),
                _ => ("closures", "keep"),
            };
            let closures = ids(report, closures.into_iter());
            format!(
                "the clock is paused, and {word} {closures} on the blocking pool {keep} it from \
                 advancing by itself"
            )
        }
    }
}

/// What to check of who does not go on.
fn check(report: &Report, wait: &Wait, id: &str) -> String {
    let resource = report.resource(wait.resource);
    if let Some(thread) = thread_with_it(report, resource) {
        return thread;
    }
    let not_found = resource.holders.is_empty();
    match (resource.kind, wait.access) {
        (ResourceKind::Sleep, _) => match resource.timer.map(|timer| timer.clock) {
            Some(Clock::Paused) => paused_clock(report, wait),
            _ => "see whether so long a wait is meant".to_string(),
        },
        (ResourceKind::Io, _) => "see whether the other side answers".to_string(),
        (ResourceKind::Signal, _) => "it goes on with the signal".to_string(),
        (ResourceKind::Child, _) => "see what the child process does".to_string(),
        (ResourceKind::Never, _) => "that never completes".to_string(),
        (ResourceKind::Yield, _) => "see in `async workers` what runs before it".to_string(),
        (ResourceKind::Mpsc | ResourceKind::Pipe, Some(Access::Send)) => match not_found {
            true => "no task was found that could receive; see who should".to_string(),
            false => "see why the receiver takes nothing".to_string(),
        },
        (
            ResourceKind::Mpsc
            | ResourceKind::Oneshot
            | ResourceKind::Watch
            | ResourceKind::Broadcast
            | ResourceKind::Pipe,
            Some(Access::Receive),
        ) => match not_found {
            true => "no task was found that could send; see who should".to_string(),
            false => match resource.holders.iter().find(|holder| holder.is_static) {
                Some(holder) => format!("see who should send by {}", report.holder_name(holder)),
                None => "see who else could send".to_string(),
            },
        },
        (ResourceKind::Notify, _) => match who_else_has_it(report, resource) {
            Some(who) => format!("see who should notify it; {who} it"),
            None => "see who should notify it".to_string(),
        },
        (ResourceKind::Cancellation, _) => "see who should cancel it".to_string(),
        (ResourceKind::Barrier, _) => "see who did not come to it".to_string(),
        // An empty set that is waited for is one that tasks may still be added to.
        (ResourceKind::JoinSet, _) if resource.parties == Some(0) => {
            "no task of it is left, and nobody closed it".to_string()
        }
        (ResourceKind::Join | ResourceKind::JoinSet, _) => {
            "that task is in no list; see who should poll it".to_string()
        }
        (ResourceKind::Pool, _) => "see who should give one back".to_string(),
        (ResourceKind::ThreadLock, _) if not_found => "see who has it".to_string(),
        (ResourceKind::Blocking, _) if resource.thread.is_some() => {
            joined_thread(report, resource).unwrap_or("see what that thread does".to_string())
        }
        (ResourceKind::Blocking, _) => format!("see in `async bt {id}` what that call waits for"),
        (ResourceKind::OtherEnd, _) if !not_found => "see who else has an end".to_string(),
        (ResourceKind::Semaphore, _) => "see who should give permits back".to_string(),
        _ if wait.waker.is_some_and(|place| !matches!(place, WakerPlace::Heap(_))) => {
            format!("see what should use the waker that `async bt {id}` names")
        }
        _ => format!("what would wake it is not known; see `async bt {id}`"),
    }
}

/// `tasks 4 and 7 have`: the tasks that have a handle, but for those that wait; `None` where none was
/// found, and of very many.
fn who_else_has_it(report: &Report, resource: &Resource) -> Option<String> {
    const MAX_NAMED: usize = 4;
    let tasks = resource.holders.iter().filter(|holder| holder.thread.is_none());
    let mut tasks: Vec<TaskIndex> = tasks.filter_map(|it| it.task).collect();
    tasks.sort_unstable();
    tasks.dedup();
    tasks.retain(|task| !resource.queue.iter().any(|wait| report.wait(*wait).task == *task));
    let have = if tasks.len() == 1 { "has" } else { "have" };
    let are_few = (1..=MAX_NAMED).contains(&tasks.len());
    are_few.then(|| format!("{} {have}", enumerated(report, &tasks)))
}

/// `thread 4 may have the sender, in `reply` at jobs.rs:8, and is blocked in
/// std::sync::mpsc::Receiver::recv at jobs.rs:8`; `None` where not only threads were found.
fn thread_with_it(report: &Report, resource: &Resource) -> Option<String> {
    let [first, others @ ..] = resource.holders.as_slice() else { return None };
    let holding = first.thread?;
    if others.iter().any(|other| other.thread.is_none()) {
        return None;
    }
    let has = match end_text(first.access) {
        Some(end) => format!("have the {end}"),
        None => "hold it".to_string(),
    };
    let line = |frame| line_of(report, frame).map(|line| format!(" at {line}")).unwrap_or_default();
    let (who, variable) = (report.holder_name(first), in_variable(first));
    let subject = match others.len() {
        0 => format!("{who} may {has},{variable}{}", line(first.frame)),
        more => format!("{who} and {more} more may {has}"),
    };
    let does = match (first.task, what_blocks(report, holding.thread)) {
        _ if !others.is_empty() => String::new(),
        (Some(task), _) => format!("; see `async bt {}`", report.task(task).id.0),
        (None, Some(does)) => format!(", and {does}"),
        (None, None) => "; see what that thread does".to_string(),
    };
    Some(format!("{subject}{does}"))
}

/// ` (stock::reserve, stock.rs:47)`.
fn at(report: &Report, frame: Option<FrameRef>, look: &Look) -> String {
    frame.map(|frame| format!(" ({})", standing(report, frame, look))).unwrap_or_default()
}
