//! The diagnosis: why the program, or one task, does not go on.
//!
//! Here is the order of the text. What a kind of finding says stands in the kind's own file, what a
//! cause says in `causes`, and where to look while no fault is certain in `leads`.

mod blocked_worker;
mod causes;
mod deadlock;
mod facts;
mod futurelock;
mod leads;
mod lock_across_await;
mod never_woken;
mod parts;
mod shutdown;
mod threads;
mod undriven;
mod unknown_holders;

use std::io::{self, Write};

pub(crate) use self::leads::heading as leads_heading;
use self::parts::{Told, capitalized, stands};
pub(super) use self::unknown_holders::missing_objects;
pub(crate) use self::unknown_holders::sentences as unknown_holders;
use super::Look;
use super::counts::enumerated;
use super::problems::write_problems;
use super::style::{Out, Style};
use super::unaccepted;
use super::waiting::thing;
use runtime_layouts::diagnosis::{findings, is_fault, leads, reasons};
use runtime_layouts::report::{
    Access, Finding, FindingKind, Lead, Link, Report, ResourceKind, Task, TaskIndex, TaskState,
    Wait,
};

/// Findings that are no faults and are shown, at most.
const MAX_OTHERS: usize = 3;

/// Writes every finding with its evidence, and where to look while no fault is certain.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Out::new(out, look);
    write_all(report, &findings(report), look, out)?;
    write_problems(report, out)
}

/// The same without the report's problems.
pub(super) fn write_all(
    report: &Report,
    findings: &[Finding],
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let leads = leads(report, findings);
    write_findings(report, findings, look, out)?;
    leads::write(report, findings, &leads, look, out)?;
    unknown_holders::write(report, findings, &leads, out)
}

/// Writes findings with their evidence: faults with their numbers, then what may be meant so.
fn write_findings(
    report: &Report,
    findings: &[Finding],
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let (faults, others): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| is_fault(finding));
    for (number, finding) in (1..).zip(&faults) {
        if number > 1 {
            out.end()?;
        }
        let first = format!("{number}. ");
        write_finding(report, finding, &first, look, out)?;
    }
    for (index, finding) in others.iter().take(MAX_OTHERS).enumerate() {
        if index > 0 || !faults.is_empty() {
            out.end()?;
        }
        write_finding(report, finding, "", look, out)?;
    }
    match others.len().saturating_sub(MAX_OTHERS) {
        0 => Ok(()),
        more => out.line(format_args!("\u{2026} and {more} more like these: see `async locks`.")),
    }
}

fn write_finding(
    report: &Report,
    finding: &Finding,
    first: &str,
    look: &Look,
    out: &mut Out<'_>,
) -> io::Result<()> {
    out.paragraph(first, "   ", Style::Heading, &sentence(report, finding))?;
    for line in causes::evidence(report, finding, look) {
        out.paragraph("     ", "       ", Style::Plain, &line)?;
    }
    if let Some(text) = behind(report, finding, look) {
        out.paragraph("   ", "   ", Style::Plain, &text)?;
    }
    match help(report, finding) {
        Some(text) => out.paragraph("   help: ", "         ", Style::Plain, &text),
        None => Ok(()),
    }
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
        let state = task.state_word();
        let id = &task.id.0;
        if let Some(panicked) = super::waiting::panicked(task) {
            return out.paragraph("", "  ", Style::Plain, &format!("Task {id} {panicked}."));
        }
        return out
            .line(format_args!("Task {id} ({state}) waits for nothing that unhang recognizes."));
    }
    for (index, link) in links.iter().enumerate() {
        let wait = report.wait(link.wait);
        let at = stands(report, wait.user.unwrap_or(wait.leaf), look);
        let margin = if index == 0 { "" } else { "  " };
        let what = thing(report, wait);
        let id = &report.task(wait.task).id.0;
        let preposition = match report.resource(wait.resource).kind {
            ResourceKind::Other => "in",
            _ => "for",
        };
        let text = format!("Task {id} waits {preposition} {what}{at},");
        out.paragraph(margin, "      ", Style::Plain, &text)?;
        let why = causes::because(report, link, look);
        let end = match links.get(index + 1) {
            None if is_closed(report, &links, link) => {
                let besides = besides(report, &links).unwrap_or_default();
                format!(", which closes the cycle{besides}.")
            }
            _ => ".".to_string(),
        };
        out.paragraph("    ", "      ", Style::Plain, &format!("{why}{end}"))?;
    }
    let own: Vec<Finding> = findings(report)
        .into_iter()
        .filter(|finding| {
            finding.behind.contains(&task.index) || finding.tasks(report).contains(&task.index)
        })
        .collect();
    if !own.is_empty() {
        out.end()?;
        return write_findings(report, &own, look, out);
    }
    let tasks: Vec<TaskIndex> = links.iter().map(|link| report.wait(link.wait).task).collect();
    match unaccepted::by(report, &tasks) {
        Some(said) => out.paragraph("", "  ", Style::Plain, &format!("{said}.")),
        None => Ok(()),
    }
}

/// Whether the last link of a chain leads back into it.
fn is_closed(report: &Report, links: &[Link], last: &Link) -> bool {
    causes::keeper(report, last)
        .is_some_and(|keeper| links.iter().any(|link| report.wait(link.wait).task == keeper))
}

/// `, but task 4 also waits for a socket (fd 11) to read`: what may end a circle, of the first task in
/// it that waits for more; `None` where each waits for one thing alone, which one task has.
fn besides(report: &Report, links: &[Link]) -> Option<String> {
    let peers = || {
        let holders = links.iter().filter_map(|link| link.resource(report).2);
        holders.filter(|holder| holder.access == Access::Peer)
    };
    if peers().any(|holder| report.is_to_accept(holder)) {
        return Some(", but somebody else may accept it".to_string());
    }
    if peers().next().is_some() {
        let text = ", but another task may have the same end of that connection";
        return Some(text.to_string());
    }
    links.iter().find_map(|link| {
        let wait = report.wait(link.wait);
        let mut others = report.waits_of(wait.task).iter().filter(|other| {
            let is_never = report.resource(other.resource).kind == ResourceKind::Never;
            other.is_polled && !other.is_limit && !is_never && other.resource != wait.resource
        });
        let what = thing(report, others.next()?);
        Some(format!(", but task {} also waits for {what}", report.task(wait.task).id.0))
    })
}

/// One sentence that says what is wrong.
pub(crate) fn sentence(report: &Report, finding: &Finding) -> String {
    let Some(told) = &Told::of(report, finding) else {
        return format!("Shutdown: {}.", shutdown::sentence(report, finding));
    };
    let (name, text) = match finding.kind {
        FindingKind::Deadlock => ("deadlock", deadlock::sentence(told)),
        FindingKind::Futurelock => ("futurelock", futurelock::sentence(told)),
        FindingKind::NeverWoken => ("never woken", never_woken::sentence(told)),
        FindingKind::LockAcrossAwait => ("worth a look", lock_across_await::sentence(told)),
        FindingKind::Undriven => ("undriven", undriven::sentence(told)),
        FindingKind::Shutdown => ("shutdown", shutdown::sentence(report, finding)),
        FindingKind::BlockedWorker => ("blocked worker", blocked_worker::sentence(told)),
    };
    match finding.is_sure {
        true => format!("{}: {text}.", capitalized(name)),
        false => format!(
            "Probably {name}: {text}{}{}{}.",
            unless_aborted(told),
            until_limit(told),
            unless_otherwise(told)
        ),
    }
}

/// ` (unless task 3 is aborted)`: of what an abort would end that somebody may be about to do.
fn unless_aborted(told: &Told<'_>) -> String {
    let is_of_waits = matches!(
        told.finding.kind,
        FindingKind::Deadlock | FindingKind::Futurelock | FindingKind::NeverWoken
    );
    let all = told.tasks.iter().copied().filter(|_| is_of_waits);
    let some: Vec<TaskIndex> = all.filter(|task| told.report.may_be_aborted(*task)).collect();
    match some.as_slice() {
        [] => String::new(),
        [one] => format!(" (unless {} is aborted)", enumerated(told.report, &[*one])),
        several => format!(" (unless one of {} is aborted)", enumerated(told.report, several)),
    }
}

/// ` (until a time limit of the pool ends it)`: what ends a wait for an object of a pool without one.
fn until_limit(told: &Told<'_>) -> &'static str {
    let links = &told.finding.links;
    let is_for_object = |link: &&Link| link.resource(told.report).1.kind == ResourceKind::Pool;
    let mut of_pools = links.iter().filter(is_for_object).peekable();
    if of_pools.peek().is_none() {
        return "";
    }
    match of_pools.any(|link| told.report.has_limit(link.wait)) {
        true => " (until a time limit of the pool ends it)",
        false => " (unless the pool is closed or made larger)",
    }
}

/// ` (unless something else brings it)`: of what is known by rules only.
fn unless_otherwise(told: &Told<'_>) -> &'static str {
    let links = &told.finding.links;
    match links.iter().any(|link| link.resource(told.report).1.kind == ResourceKind::OtherEnd) {
        true => " (unless something else ends such a wait: the library is not known)",
        false => "",
    }
}

/// What ends it, where a remedy is known for what was seen; without a full stop.
pub(crate) fn help(report: &Report, finding: &Finding) -> Option<String> {
    let told = &Told::of(report, finding)?;
    let mut waits = finding.links.iter().map(|link| report.wait(link.wait));
    if let Some(help) = waits.find_map(|wait| flush(report, wait)) {
        return Some(help);
    }
    match finding.kind {
        FindingKind::Deadlock => deadlock::help(told),
        FindingKind::Futurelock => futurelock::help(told),
        FindingKind::NeverWoken => never_woken::help(told),
        FindingKind::LockAcrossAwait => lock_across_await::help(told),
        FindingKind::BlockedWorker => blocked_worker::help(told),
        FindingKind::Undriven | FindingKind::Shutdown => None,
    }
}

/// ``flush `w` before client.rs:41``, of a wait for what answers bytes that were not sent.
fn flush(report: &Report, wait: &Wait) -> Option<String> {
    let buffer = report.unflushed_before(wait)?;
    let line = parts::line_of(report, wait.user.unwrap_or(buffer.frame))?;
    Some(format!("flush `{}` before {line}", buffer.variable.as_deref()?))
}

/// One sentence that says where to look, and what to check there.
pub(crate) fn lead_sentence(report: &Report, lead: &Lead) -> String {
    leads::sentence(report, lead, &Look::PLAIN)
}

/// The lines of a finding's evidence.
pub(crate) fn evidence_lines(report: &Report, finding: &Finding) -> Vec<String> {
    causes::evidence(report, finding, &Look::PLAIN)
}

/// What is said of those who wait behind a finding.
pub(crate) fn behind_sentence(report: &Report, finding: &Finding) -> Option<String> {
    behind(report, finding, &Look::PLAIN)
}

/// `Tasks 6, 7 and 8 queue behind it (inventory::stock::reserve, src/stock.rs:47).`
fn behind(report: &Report, finding: &Finding, look: &Look) -> Option<String> {
    if finding.kind == FindingKind::Undriven {
        let texts = ["waits for timers or sockets too", "wait for timers or sockets too"];
        return sentence_of(report, look, &finding.behind, texts);
    }
    let (woken, behind): (Vec<TaskIndex>, Vec<TaskIndex>) =
        finding.behind.iter().partition(|task| report.task(**task).state == TaskState::Scheduled);
    let behind = sentence_of(report, look, &behind, ["queues behind it", "queue behind it"]);
    let in_slot = blocked_worker::in_slot(report, &woken);
    let woken = in_slot.or_else(|| {
        sentence_of(
            report,
            look,
            &woken,
            [
                "was woken and starves: no thread is left to poll it",
                "were woken and starve: no thread is left to poll them",
            ],
        )
    });
    let all: Vec<TaskIndex> = [&*finding.tasks(report), &finding.behind].concat();
    let unaccepted = unaccepted::by(report, &all).map(|said| format!("{said}."));
    Some([behind, woken, unaccepted].into_iter().flatten().collect::<Vec<_>>().join(" "))
        .filter(|text| !text.is_empty())
}

/// What is said of tasks, of one and of several, with their place if it is one.
fn sentence_of(
    report: &Report,
    look: &Look,
    tasks: &[TaskIndex],
    [one, several]: [&str; 2],
) -> Option<String> {
    let [first, rest @ ..] = tasks else { return None };
    let at = |task: TaskIndex| {
        let wait = report.waits_of(task).iter().find(|wait| wait.is_polled)?;
        Some(stands(report, wait.user.unwrap_or(wait.leaf), look))
    };
    let place =
        at(*first).filter(|place| rest.iter().all(|task| at(*task).as_ref() == Some(place)));
    let place = place.map(|place| format!(" ({})", place.trim_start_matches(", ")));
    let ids = capitalized(&enumerated(report, tasks));
    let text = if rest.is_empty() { one } else { several };
    Some(format!("{ids} {text}{}.", place.unwrap_or_default()))
}
