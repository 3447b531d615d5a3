//! The diagnosis: why the program, or one task, does not go on.
//!
//! Here is the order of the text. What a kind of finding says stands in the kind's own file, what a
//! cause says in `causes`.

mod blocked_worker;
mod causes;
mod deadlock;
mod futurelock;
mod lock_across_await;
mod never_woken;
mod parts;
mod shutdown;
mod undriven;
mod unknown_holders;

use std::io::{self, Write};

use self::parts::{Told, capitalized, stands};
use super::Look;
use super::style::{Out, Style};
use super::tasks::tasks_text;
use super::waiting::{enumerated, thing};
use super::workers::write_problems;
use runtime_layouts::diagnosis::{findings, reasons};
use runtime_layouts::report::{Finding, FindingKind, Link, Report, Task, TaskIndex, TaskState};

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
    unknown_holders::write(report, out)?;
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
        for line in causes::evidence(report, finding, look) {
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
        let why = causes::because(report, link, look);
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
    causes::keeper(report, last)
        .is_some_and(|keeper| links.iter().any(|link| report.wait(link.wait).task == keeper))
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
        FindingKind::LockAcrossAwait => ("slow", lock_across_await::sentence(told)),
        FindingKind::Undriven => ("undriven", undriven::sentence(told)),
        FindingKind::Shutdown => ("shutdown", shutdown::sentence(report, finding)),
        FindingKind::BlockedWorker => ("blocked worker", blocked_worker::sentence(told)),
    };
    match finding.is_sure {
        true => format!("{}: {text}.", capitalized(name)),
        false => format!("Probably {name}: {text}."),
    }
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
    Some([behind, woken].into_iter().flatten().collect::<Vec<_>>().join(" "))
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
