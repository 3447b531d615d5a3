//! Runtimes and their workers.

use std::io::{self, Write};

use super::Look;
use super::counts::{counted, tasks_text};
use super::problems::write_problems;
use super::style::{Out, Style};
use super::table::{Cell, Column, Cut, Table};
use runtime_layouts::report::{
    BlockingPool, Flavor, Pollers, QueuePlace, Report, RunQueue, Runtime, Task, TaskIndex,
    TaskKind, TaskState, WorkerState,
};

/// Tasks of one queue that are named, at most.
const MAX_QUEUED: usize = 24;

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
        let title = format!("Runtime {}: {}", runtime.id, summary(report, runtime));
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
        if runtime.flavor == Flavor::BLOCKING_POOL {
            // Its threads are no workers.
        } else if rows.is_empty() {
            out.line(match runtime.flavor.pollers {
                Pollers::Unknown => "  No thread was found that runs it.",
                Pollers::One | Pollers::Several => "  No thread runs it now.",
            })?;
        } else {
            table.headings("  ", out)?;
        }
        for row in &rows {
            table.row("  ", row, out)?;
        }
        write_queues(report, runtime, out)?;
        if let Some(pool) = runtime.blocking {
            out.line(pool_text(&pool))?;
            write_closures(report, runtime, out)?;
        }
        if runtime.shutdown.is_some() {
            out.line("  It is being dropped.")?;
        }
    }
    Ok(())
}

/// What waits to be polled, and where.
fn write_queues(report: &Report, runtime: &Runtime, out: &mut Out<'_>) -> io::Result<()> {
    for queue in &runtime.queues {
        let place = match queue.place {
            QueuePlace::Lifo(worker) => format!("In the LIFO slot of worker {worker}"),
            QueuePlace::Worker(worker) => format!("In the queue of worker {worker}"),
            QueuePlace::Shared | QueuePlace::Blocking => continue,
        };
        out.line(format_args!("  {place}: {}.", tasks_in(report, queue)))?;
    }
    if let Some(injected) = runtime.injected {
        let shared = runtime.queues.iter().find(|queue| queue.place == QueuePlace::Shared);
        let tasks = shared.map(|queue| format!(" ({})", tasks_in(report, queue)));
        let tasks = tasks.unwrap_or_default();
        out.line(format_args!("  Queued for any worker: {injected}{tasks}."))?;
    }
    Ok(())
}

/// The closures on the threads for blocking work, and those that wait for one.
fn write_closures(report: &Report, runtime: &Runtime, out: &mut Out<'_>) -> io::Result<()> {
    let runs = |task: &&Task| {
        task.kind == TaskKind::Blocking
            && task.state == TaskState::Running
            && task.runtime == Some(runtime.id)
    };
    let running: Vec<TaskIndex> = report.tasks.iter().filter(runs).map(|task| task.index).collect();
    if !running.is_empty() {
        out.line(format_args!("    It runs {}.", in_order(report, "closure", &running)))?;
    }
    let queues = runtime.queues.iter().filter(|queue| queue.place == QueuePlace::Blocking);
    for queue in queues {
        let queued = in_order(report, "closure", &queue.tasks);
        out.line(format_args!("    In its queue: {queued}."))?;
    }
    Ok(())
}

/// `task 5`, `tasks 5, 6, 7`, those that come next first.
fn tasks_in(report: &Report, queue: &RunQueue) -> String {
    in_order(report, "task", &queue.tasks)
}

/// `task 5`, `tasks 5, 6, 7`, `tasks 5, 6, … and 12 more`.
fn in_order(report: &Report, what: &str, tasks: &[TaskIndex]) -> String {
    let shown = &tasks[..tasks.len().min(MAX_QUEUED)];
    let ids: Vec<&str> = shown.iter().map(|task| report.task(*task).id.0.as_str()).collect();
    let more = match tasks.len() - shown.len() {
        0 => String::new(),
        more => format!(", … and {more} more"),
    };
    let plural = if tasks.len() == 1 { "" } else { "s" };
    format!("{what}{plural} {}{more}", ids.join(", "))
}

/// `Blocking pool: 2 of 2 threads, 0 idle; 1 closure queued: it is full.` The limit is said where it
/// is near.
fn pool_text(pool: &BlockingPool) -> String {
    let full = if pool.is_full() { ": it is full" } else { "" };
    format!(
        "  Blocking pool: {}, {} idle; {} queued{full}.",
        threads_text(pool),
        pool.idle,
        counted(pool.queued, "closure")
    )
}

/// `2 of 2 threads`, `3 threads`.
fn threads_text(pool: &BlockingPool) -> String {
    match pool.limit.filter(|limit| pool.threads.saturating_mul(2) >= *limit) {
        Some(limit) => format!("{} of {}", pool.threads, counted(limit, "thread")),
        None => counted(pool.threads, "thread"),
    }
}

/// `tokio 1.54.1 · multi_thread · 2 workers, both parked · 6 tasks`.
pub(crate) fn summary(report: &Report, runtime: &Runtime) -> String {
    let name = match &runtime.version {
        Some(version) => format!("{} {version}", runtime.library),
        None => runtime.library.to_string(),
    };
    let object = runtime.object.as_deref().map_or_else(String::new, |path| {
        format!(" in {}", path.rsplit('/').next().unwrap_or(path))
    });
    let mut tasks =
        usize::try_from(runtime.listed_tasks).map_or_else(|_| String::new(), tasks_text);
    let local = report.local_sets.iter().flat_map(|set| &set.tasks);
    let local = local.filter(|task| report.task(**task).runtime == Some(runtime.id)).count();
    if local > 0 {
        let local = counted(local as u64, "local task");
        tasks = if runtime.listed_tasks == 0 { local } else { format!("{tasks} and {local}") };
    }
    if let Some(pool) = runtime.blocking.filter(|_| runtime.flavor == Flavor::BLOCKING_POOL) {
        let closures = counted(runtime.listed_tasks, "closure");
        return format!(
            "{name}{object} · {}, {} idle · {closures}",
            threads_text(&pool),
            pool.idle
        );
    }
    let end = if runtime.shutdown.is_some() { " · is being dropped" } else { "" };
    let flavor = match runtime.flavor {
        Flavor::UNKNOWN => String::new(),
        known => format!(" · {known}"),
    };
    format!("{name}{object}{flavor} · {} · {tasks}{end}", workers_text(runtime))
}

fn workers_text(runtime: &Runtime) -> String {
    let count = runtime.workers.len();
    let in_state = |state| runtime.workers.iter().filter(|worker| worker.state == state).count();
    let workers = match count {
        0 => return "no worker found".to_string(),
        1 => "1 worker".to_string(),
        _ => format!("{count} workers"),
    };
    let states = [
        (WorkerState::Parked, "parked"),
        (WorkerState::Running, "running"),
        (WorkerState::Blocked, "blocked"),
        (WorkerState::Ended, "ended"),
        (WorkerState::Unknown, "unknown"),
    ];
    let states = states.map(|(state, word)| (in_state(state), word));
    let some: Vec<String> = states
        .iter()
        .filter(|(some, _)| *some > 0)
        .map(|(some, word)| match (*some == count, count) {
            (true, 1) => (*word).to_string(),
            (true, 2) => format!("both {word}"),
            (true, _) => format!("all {word}"),
            (false, _) => format!("{some} {word}"),
        })
        .collect();
    format!("{workers}, {}", some.join(", "))
}

pub(super) fn state_text(state: WorkerState) -> &'static str {
    match state {
        WorkerState::Parked => "parked",
        WorkerState::Running => "running",
        WorkerState::Blocked => "blocked",
        WorkerState::Ended => "ended",
        WorkerState::Unknown => "unknown",
    }
}
