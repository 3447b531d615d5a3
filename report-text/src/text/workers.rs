//! Runtimes and their workers.

use std::io::{self, Write};

use super::Look;
use super::style::{Out, Style};
use super::table::{Cell, Column, Cut, Table};
use super::tasks::tasks_text;
use runtime_layouts::report::{Report, Runtime, WorkerState};

/// Writes every runtime with its workers.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Out::new(out, look);
    write_runtimes(report, look, out)?;
    write_problems(report, out)
}

/// The runtimes alone, where the report's problems stand elsewhere.
pub(super) fn write_runtimes(report: &Report, look: &Look, out: &mut Out<'_>) -> io::Result<()> {
    const COLUMNS: [Column; 5] = [
        Column { heading: "Worker", cut: Cut::Never },
        Column { heading: "Thread", cut: Cut::Never },
        Column { heading: "State", cut: Cut::Never },
        Column { heading: "Runs", cut: Cut::Never },
        Column { heading: "Queued", cut: Cut::Never },
    ];
    for runtime in &report.runtimes {
        let title = format!("Runtime {}: {}", runtime.id, summary(runtime));
        out.styled_line(Style::Heading, title)?;
        let rows: Vec<Vec<Cell>> = runtime
            .workers
            .iter()
            .map(|worker| {
                let thread = worker.thread.map_or("(none found)".to_string(), |thread| {
                    format!("{} (tid {})", thread.number, thread.tid)
                });
                let task =
                    worker.task.as_ref().map_or("-".to_string(), |task| format!("task {}", task.0));
                let queued = worker.queued.map_or("-".to_string(), |queued| queued.to_string());
                vec![
                    Cell::plain(worker.index.to_string()),
                    Cell::plain(thread),
                    Cell::plain(state_text(worker.state)),
                    Cell::plain(task),
                    Cell::plain(queued),
                ]
            })
            .collect();
        let mut table = Table::new(&COLUMNS);
        for row in &rows {
            table.hold(row);
        }
        table.fit(look.width, 2);
        if rows.is_empty() {
            out.line("  No thread runs it now.")?;
        } else {
            table.headings("  ", out)?;
        }
        for row in &rows {
            table.row("  ", row, out)?;
        }
        if let Some(injected) = runtime.injected {
            out.line(format_args!("  Queued for any worker: {injected}."))?;
        }
        if let Some(pool) = runtime.blocking {
            out.line(format_args!(
                "  Blocking pool: {}, {} idle; {} queued.",
                counted(pool.threads, "thread"),
                pool.idle,
                counted(pool.queued, "closure")
            ))?;
        }
    }
    Ok(())
}

/// What could not be read or may be wrong, beyond a single task.
pub(super) fn write_problems(report: &Report, out: &mut Out<'_>) -> io::Result<()> {
    report.problems.iter().try_for_each(|problem| out.styled_line(Style::Warning, problem))
}

/// `1 thread`, `2 threads`.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `tokio 1.54.1 · multi_thread · 2 workers, both parked · 6 tasks`.
pub(super) fn summary(runtime: &Runtime) -> String {
    let name = match &runtime.version {
        Some(version) => format!("{} {version}", runtime.library),
        None => runtime.library.to_string(),
    };
    let object = runtime.object.as_deref().map_or_else(String::new, |path| {
        format!(" in {}", path.rsplit('/').next().unwrap_or(path))
    });
    let tasks = usize::try_from(runtime.listed_tasks).map_or_else(|_| String::new(), tasks_text);
    format!("{name}{object} · {} · {} · {tasks}", runtime.flavor, workers_text(runtime))
}

fn workers_text(runtime: &Runtime) -> String {
    let count = runtime.workers.len();
    let parked = runtime.workers.iter().filter(|w| w.state == WorkerState::Parked).count();
    let running = runtime.workers.iter().filter(|w| w.state == WorkerState::Running).count();
    let blocked = runtime.workers.iter().filter(|w| w.state == WorkerState::Blocked).count();
    let state = match count {
        0 => return "no worker found".to_string(),
        _ if parked == count && count == 1 => "parked".to_string(),
        _ if parked == count && count == 2 => "both parked".to_string(),
        _ if parked == count => "all parked".to_string(),
        1 if running == 1 => "running".to_string(),
        1 if blocked == 1 => "blocked".to_string(),
        2 if blocked == count => "both blocked".to_string(),
        _ if blocked == count => "all blocked".to_string(),
        _ if blocked == 0 => format!("{parked} parked, {running} running"),
        _ => {
            let states = [(parked, "parked"), (running, "running"), (blocked, "blocked")];
            let there = states.iter().filter(|(count, _)| *count > 0);
            there.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
        }
    };
    let workers = if count == 1 { "1 worker".to_string() } else { format!("{count} workers") };
    format!("{workers}, {state}")
}

fn state_text(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Parked => "parked",
        WorkerState::Running => "running",
        WorkerState::Blocked => "blocked",
        WorkerState::Unknown => "unknown",
    }
}
