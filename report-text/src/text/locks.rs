//! The list of locks that are held or awaited.

use std::io::{self, Write};

use super::Look;
use super::frames::{name, place};
use super::holders::in_variable;
use super::kinds::{is_lock, with_address};
use super::problems::write_problems;
use super::style::{Out, Style};
use super::table::{Cell, Column, Cut, Table};
use super::why::missing_objects;
use runtime_layouts::report::{Access, FrameRef, Report, Resource};

/// Waiters of one lock that are shown, unless the user says otherwise.
const MAX_WAITERS: usize = 20;

/// Writes each lock with its holders and its queue. `all` shows every waiter.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, all: bool, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    const COLUMNS: [Column; 4] = [
        Column { heading: "", cut: Cut::Never },
        Column { heading: "Task", cut: Cut::Never },
        Column { heading: "Where", cut: Cut::Cells { rank: 1 } },
        Column { heading: "", cut: Cut::Cells { rank: 1 } },
    ];
    let out = &mut Out::new(out, look);
    let locks: Vec<&Resource> =
        report.resources.iter().filter(|resource| is_lock(resource.kind)).collect();
    let most = if all { usize::MAX } else { MAX_WAITERS };
    let rows: Vec<Vec<Vec<Cell>>> =
        locks.iter().map(|lock| rows(report, lock, most, look)).collect();
    let mut table = Table::new(&COLUMNS);
    rows.iter().flatten().for_each(|row| table.hold(row));
    table.fit(look.width, 2);
    for (lock, rows) in locks.iter().zip(rows) {
        let state = match (&lock.state, lock.is_taken) {
            (Some(state), _) => format!(" ({state})"),
            (None, Some(true)) => " (taken)".to_string(),
            (None, Some(false)) => " (free)".to_string(),
            (None, None) => String::new(),
        };
        let title = format!("{}{state}", with_address(lock));
        out.styled_line(Style::Heading, title)?;
        for row in rows {
            table.row("  ", &row, out)?;
        }
        if lock.queue.len() > most {
            let more = lock.queue.len() - most;
            out.line(format_args!("  … {more} more wait; `--all` shows them."))?;
        }
        out.end()?;
    }
    let count = match locks.len() {
        0 => "No lock is".to_string(),
        1 => "1 lock is".to_string(),
        count => format!("{count} locks are"),
    };
    out.line(format_args!(
        "{count} held or waited for by a task. Locks that no task touches are not listed."
    ))?;
    write_problems(report, out)
}

fn rows(report: &Report, lock: &Resource, most: usize, look: &Look) -> Vec<Vec<Cell>> {
    let at = |frame: FrameRef| {
        let site = report.site(frame.site);
        let function = name(site, look.full_names);
        [Cell::styled(function, Style::Function), Cell::styled(place(site), Style::File)]
    };
    let mut rows = Vec::new();
    for holder in &lock.holders {
        let label = match holder.access {
            Access::Shared => "read by".to_string(),
            Access::Permits(count) if count > 1 => format!("{count} permits held by"),
            // Who has the semaphore, and no permit of it.
            Access::Handle => "handle held by".to_string(),
            Access::Initializer => "being initialized by".to_string(),
            _ => "held by".to_string(),
        };
        let doubt = if holder.may_be_moved { " (perhaps)" } else { "" };
        let id = holder
            .task
            .map_or_else(|| report.holder_name(holder), |task| report.task(task).id.0.clone());
        let mut row =
            vec![Cell::plain(label), Cell::plain(format!("{id}{}{doubt}", in_variable(holder)))];
        if !holder.is_static {
            row.extend(at(holder.frame));
        }
        rows.push(row);
    }
    match missing_objects(lock) {
        0 if lock.holders.is_empty() && lock.is_taken == Some(true) => {
            rows.push(vec![Cell::plain("held by"), Cell::plain("(holder not found)")]);
        }
        0 => {}
        missing => {
            let text = format!("(holders of {missing} not found)");
            rows.push(vec![Cell::plain("held by"), Cell::plain(text)]);
        }
    }
    for id in lock.queue.iter().take(most) {
        let wait = report.wait(*id);
        let label = match (wait.is_granted, wait.is_polled, wait.access) {
            (true, true, _) => "granted to".to_string(),
            (true, false, _) => "granted, not polled".to_string(),
            (false, false, _) => "queued, not polled".to_string(),
            (false, true, Some(Access::Shared)) => "wanted to read".to_string(),
            (false, true, Some(Access::Permits(count))) if count > 1 => {
                format!("{count} permits wanted by")
            }
            (false, true, _) => "wanted by".to_string(),
        };
        let mut row = vec![Cell::plain(label), Cell::plain(report.task(wait.task).id.0.clone())];
        row.extend(at(wait.user.unwrap_or(wait.leaf)));
        rows.push(row);
    }
    rows
}
