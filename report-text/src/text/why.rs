//! The diagnosis: why the program, or one task, does not go on.

use std::io::{self, Write};

use super::Look;
use super::frames::{name, place};
use super::style::{Out, Style};
use super::tasks::tasks_text;
use super::waiting::{end_text, enumerated, in_variable, is_lock, thing};
use super::workers::write_problems;
use runtime_layouts::diagnosis::{findings, reasons};
use runtime_layouts::report::{
    Access, Cause, Finding, FindingKind, FrameRef, Holder, Link, Report, Resource, ResourceKind,
    Task, TaskIndex, short,
};

/// Writes every finding with its evidence, or that there is none.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Out::new(out, look);
    let findings = findings(report);
    write_findings(report, &findings, look, out)?;
    if findings.is_empty() {
        out.line(nothing(report))?;
    }
    write_unknown_holders(report, out)?;
    write_problems(report, out)
}

/// Writes findings with their numbers and evidence.
pub(super) fn write_findings(
    report: &Report,
    findings: &[Finding],
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<()> {
    for (number, finding) in (1..).zip(findings) {
        if number > 1 {
            out.end()?;
        }
        let text = format!("{number}. {}", sentence(report, finding));
        out.styled_line(Style::Heading, text)?;
        for line in evidence(report, finding, look) {
            out.line(format_args!("     {line}"))?;
        }
        if let Some(text) = behind(report, finding, look) {
            out.line(format_args!("   {text}"))?;
        }
    }
    Ok(())
}

/// Writes the chain of reasons for which one task waits.
///
/// # Errors
/// What `out` returns.
pub fn write_task(
    report: &Report,
    task: &Task,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Out::new(out, look);
    let links = reasons(report, task.index);
    if links.is_empty() {
        let state = task.state.word();
        let id = &task.id.0;
        return out
            .line(format_args!("Task {id} ({state}) waits for nothing that unhang recognizes."));
    }
    for (index, link) in links.iter().enumerate() {
        let wait = report.wait(link.wait);
        let at = stands(report, wait.user.unwrap_or(wait.leaf), look);
        let start = if index == 0 { "Task" } else { "  Task" };
        let what = thing(report, wait);
        let id = &report.task(wait.task).id.0;
        out.line(format_args!("{start} {id} waits for {what}{at},"))?;
        let why = because(report, link, look);
        let end = match links.get(index + 1) {
            Some(_) => ".",
            None if is_closed(report, &links, link) => ", which closes the cycle.",
            None => ".",
        };
        out.line(format_args!("    {why}{end}"))?;
    }
    let own: Vec<Finding> = findings(report)
        .into_iter()
        .filter(|finding| {
            finding.behind.contains(&task.index) || finding.tasks(report).contains(&task.index)
        })
        .collect();
    if !own.is_empty() {
        out.end()?;
        write_findings(report, &own, look, out)?;
    }
    Ok(())
}

/// Whether the last link of a chain leads back into it.
fn is_closed(report: &Report, links: &[Link], last: &Link) -> bool {
    let keeper = match last.cause {
        Cause::Held(_) => last.resource(report).2.and_then(|holder| holder.task),
        Cause::NotEnded(task) => Some(task),
        Cause::Unpolled(wait) => Some(report.wait(wait).task),
        Cause::Busy(task) => Some(task),
        Cause::Never => None,
    };
    keeper.is_some_and(|keeper| links.iter().any(|link| report.wait(link.wait).task == keeper))
}

/// Why a wait does not end, as the end of a sentence.
fn because(report: &Report, link: &Link, look: &Look) -> String {
    let (_, resource, holder) = link.resource(report);
    match (link.cause, holder) {
        (Cause::Held(_), Some(holder)) => format!(
            "{}{} by {}{}{}",
            if holder.may_be_moved { "perhaps " } else { "" },
            match end_text(holder.access) {
                Some(end) => format!("whose {end} is held"),
                None => "held".to_string(),
            },
            report.holder_name(holder),
            in_variable(holder),
            stands(report, holder.frame, look)
        ),
        (Cause::Unpolled(wait), _) => format!(
            "{} a future that task {} holds but does not poll",
            if report.wait(wait).is_granted { "granted to" } else { "queued behind" },
            report.task(report.wait(wait).task).id.0
        ),
        (Cause::NotEnded(task), _) => format!("task {} has not ended", report.task(task).id.0),
        (Cause::Busy(task), _) => {
            format!("task {} occupies the worker that would fire it", report.task(task).id.0)
        }
        _ if resource.kind == ResourceKind::Never => "which never completes".to_string(),
        _ if is_lock(resource.kind) && resource.is_taken == Some(true) => {
            "whose holder was not found".to_string()
        }
        _ => "which comes from outside the tasks, or from an unknown source".to_string(),
    }
}

/// One sentence that says what is wrong.
pub(crate) fn sentence(report: &Report, finding: &Finding) -> String {
    let tasks = finding.tasks(report);
    let ids = |tasks: &[TaskIndex]| enumerated(report, tasks);
    let first = &finding.links[0];
    let (_, resource, holder) = first.resource(report);
    let what = match resource.kind {
        ResourceKind::Semaphore => "permits that it holds itself",
        kind if is_lock(kind) => "a lock that it holds itself",
        kind => only_it_can(kind, report.wait(first.wait).access, holder),
    };
    let (name, text) = match finding.kind {
        FindingKind::Deadlock => (
            "deadlock",
            match tasks.as_slice() {
                [_] => format!("{} waits for {what}", ids(&tasks)),
                [_, _] => format!("{} wait for each other", ids(&tasks)),
                _ => format!("{} wait for each other in a cycle", ids(&tasks)),
            },
        ),
        FindingKind::Futurelock => {
            let unpolled = finding.links.iter().find_map(|link| match link.cause {
                Cause::Unpolled(wait) => Some(report.wait(wait)),
                _ => None,
            });
            let text = unpolled.map(|wait| {
                let verb = if wait.is_granted { "was granted" } else { "is next in line for" };
                let name = &report.resource(wait.resource).name;
                let task = ids(&[wait.task]);
                format!("{task} holds, but does not poll, a future that {verb} {name}")
            });
            ("futurelock", text.unwrap_or_default())
        }
        FindingKind::NeverWoken if resource.kind == ResourceKind::Notify => {
            let (verb, who) = if tasks.len() == 1 { ("waits", "it") } else { ("wait", "they") };
            let name = &resource.name;
            let text = format!(
                "{} {verb} for a {name} that only {who} could notify: a notification was lost",
                ids(&tasks)
            );
            ("never woken", text)
        }
        FindingKind::NeverWoken | FindingKind::LockAcrossAwait => {
            let next = finding.links.get(1).map(|link| report.wait(link.wait));
            let keeper = next.map(|wait| ids(&[wait.task])).unwrap_or_default();
            let kept = match first.cause {
                Cause::NotEnded(_) => format!("for the end of {keeper}, which"),
                _ => match holder.and_then(|holder| end_text(holder.access)) {
                    Some(end) => format!("while {keeper} holds the {end} of {} and", resource.name),
                    None => format!("while {keeper} holds {} and", resource.name),
                },
            };
            let waiting = ids(&[report.wait(first.wait).task]);
            match finding.kind {
                FindingKind::NeverWoken => {
                    ("never woken", format!("{waiting} waits {kept} waits forever"))
                }
                _ => {
                    let what = next.map(|wait| thing(report, wait)).unwrap_or_default();
                    ("slow", format!("{waiting} waits {kept} waits for {what}"))
                }
            }
        }
        FindingKind::BlockedWorker => (
            "blocked worker",
            match first.cause {
                Cause::Busy(_) => busy(report, &tasks, resource),
                _ => blocked(report, first),
            },
        ),
    };
    match finding.is_sure {
        true => format!("{}: {text}.", capitalized(name)),
        false => format!("Probably {name}: {text}."),
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

/// `task 3 keeps the only worker of runtime 0 busy, and no timer has fired for 4.2 s`.
fn busy(report: &Report, tasks: &[TaskIndex], late: &Resource) -> String {
    let runtime = tasks.first().and_then(|task| report.runtimes.get(report.task(*task).runtime?));
    let workers = match runtime.map_or(0, |runtime| runtime.workers.len()) {
        1 => "the only worker",
        _ => "the workers",
    };
    let verb = if tasks.len() == 1 { "keeps" } else { "keep" };
    format!(
        "{} {verb} {workers} of runtime {} busy, and no timer has fired for {}",
        enumerated(report, tasks),
        runtime.map(|runtime| runtime.id).unwrap_or_default(),
        late.timer.and_then(|timer| timer.overdue()).map(short).unwrap_or_default()
    )
}

/// `task 3 blocks thread 2 (worker 0 of runtime 0) in std::thread::sleep`.
fn blocked(report: &Report, link: &Link) -> String {
    let wait = report.wait(link.wait);
    let task = report.task(wait.task);
    let thread = task.thread.map(|thread| thread.number).unwrap_or_default();
    let worker = report.runtimes.iter().find_map(|runtime| {
        let worker = runtime.workers.iter().find(|worker| worker.thread == task.thread)?;
        Some(format!(" (worker {} of runtime {})", worker.index, runtime.id))
    });
    let (_, resource, holder) = link.resource(report);
    let what = match holder {
        Some(holder)
            if holder.thread.is_some_and(|holding| Some(holding.thread) == task.thread) =>
        {
            format!("while it waits for {}, which it holds itself", resource.name)
        }
        Some(_) => format!("while it waits for {}", resource.name),
        None => format!("in {}", resource.name),
    };
    format!(
        "{} blocks thread {thread}{} {what}",
        enumerated(report, &[task.index]),
        worker.unwrap_or_default()
    )
}

/// The text with its first letter in upper case.
fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

/// The links of a finding, a few lines each.
pub(super) fn evidence(report: &Report, finding: &Finding, look: &Look) -> Vec<String> {
    let mut lines = Vec::new();
    // The longest of the words before `by` and `to`.
    let is_granted = |link: &Link| match link.cause {
        Cause::Unpolled(wait) => report.wait(wait).is_granted,
        _ => false,
    };
    let verbs = if finding.links.iter().any(is_granted) { "granted" } else { "wanted" }.len();
    for link in &finding.links {
        let wait = report.wait(link.wait);
        let (_, resource, holder) = link.resource(report);
        let asks = stands(report, wait.user.unwrap_or(wait.leaf), look);
        let task = &report.task(wait.task).id.0;
        match link.cause {
            Cause::Never if resource.kind == ResourceKind::Blocking => {
                lines.push(format!("task {task} is in {}{asks}", resource.name));
                continue;
            }
            Cause::Busy(busy) => {
                let busy = report.task(busy);
                let runs = busy.chain.frames.iter().rev().map(FrameRef::of);
                let mut users = runs.filter(|frame| report.site(frame.site).user);
                let at = users.next().map(|frame| stands(report, frame, look)).unwrap_or_default();
                lines.push(format!("task {} runs {}", busy.id.0, at.trim_start_matches(", ")));
                // One timer shows it for all of them.
                if Some(link) == finding.links.last() {
                    lines.push(format!("task {task} waits for {}{asks}", thing(report, wait)));
                }
                continue;
            }
            Cause::Never => {
                let never = match resource.kind {
                    ResourceKind::Never => ", which never completes",
                    _ => "",
                };
                lines.push(format!("task {task} waits for {}{never}{asks}", thing(report, wait)));
                continue;
            }
            Cause::NotEnded(of) => {
                lines.push(format!("the end of task {}", report.task(of).id.0));
            }
            _ => lines.push(format!("{} {:#x}", resource.name, resource.address)),
        }
        if let Some(holder) = holder {
            lines.push(format!(
                "{} by {}{}{}{}",
                match end_text(holder.access) {
                    Some(end) => format!("{end} held"),
                    None => format!("{:<verbs$}", "held"),
                },
                report.holder_name(holder),
                in_variable(holder),
                stands(report, holder.frame, look),
                if holder.may_be_moved { " (unless it was moved)" } else { "" }
            ));
        }
        if let Cause::Unpolled(unpolled) = link.cause {
            let unpolled = report.wait(unpolled);
            let verb = if unpolled.is_granted { "granted" } else { "next" };
            let to = stands(report, unpolled.user.unwrap_or(unpolled.leaf), look);
            let of = &report.task(unpolled.task).id.0;
            lines.push(format!("{verb:<verbs$} to task {of}{to} (not polled)"));
            if let Some(keeper) = unpolled.holding_frame {
                lines.push(format!("future held by task {of}{}", stands(report, keeper, look)));
            }
        }
        lines.push(format!("{:<verbs$} by task {task}{asks}", "wanted"));
    }
    lines
}

/// `, inventory::stock::restock, src/stock.rs:59`.
fn stands(report: &Report, frame: FrameRef, look: &Look) -> String {
    let site = report.site(frame.site);
    let place = place(site);
    let name = name(site, look.full_names);
    if place.is_empty() { format!(", {name}") } else { format!(", {name}, {place}") }
}

/// `Tasks 6, 7 and 8 queue behind it (inventory::stock::reserve, src/stock.rs:47).`
fn behind(report: &Report, finding: &Finding, look: &Look) -> Option<String> {
    let [first, rest @ ..] = finding.behind.as_slice() else { return None };
    let at = |task: TaskIndex| {
        let wait = report.waits_of(task).iter().find(|wait| wait.is_polled)?;
        Some(stands(report, wait.user.unwrap_or(wait.leaf), look))
    };
    let place =
        at(*first).filter(|place| rest.iter().all(|task| at(*task).as_ref() == Some(place)));
    let place = place.map(|place| format!(" ({})", place.trim_start_matches(", ")));
    let ids = enumerated(report, &finding.behind);
    let mut characters = ids.chars();
    let ids: String =
        characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect();
    let text = match (finding.kind, rest.is_empty()) {
        (FindingKind::BlockedWorker, true) => "was woken and starves: no thread is left to poll it",
        (FindingKind::BlockedWorker, false) => {
            "were woken and starve: no thread is left to poll them"
        }
        (_, true) => "queues behind it",
        (_, false) => "queue behind it",
    };
    Some(format!("{ids} {text}{}.", place.unwrap_or_default()))
}

fn nothing(report: &Report) -> String {
    let count = report.tasks.len();
    if count == 0 {
        return "There are no tasks.".to_string();
    }
    format!(
        "Nothing is stuck as far as memory shows: no deadlock, no futurelock and no task that \
         nothing can wake among {}.",
        tasks_text(count)
    )
}

/// Locks that are taken and waited for, by whom is not known.
fn write_unknown_holders(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    for resource in &report.resources {
        let is_unknown = is_lock(resource.kind)
            && resource.is_taken == Some(true)
            && resource.holders.is_empty()
            && resource.given.is_none();
        if is_unknown && !resource.queue.is_empty() {
            let tasks: Vec<TaskIndex> =
                resource.queue.iter().map(|id| report.wait(*id).task).collect();
            let text = format!(
                "Holder not found: {} {:#x} is taken and {} for it, but no suspended task holds \
                 it: either running native code holds it, or its guard was leaked or forgotten.",
                resource.name,
                resource.address,
                match tasks.len() {
                    1 => format!("{} waits", enumerated(report, &tasks)),
                    _ => format!("{} wait", enumerated(report, &tasks)),
                },
            );
            out.styled_line(Style::Warning, text)?;
        }
    }
    Ok(())
}
