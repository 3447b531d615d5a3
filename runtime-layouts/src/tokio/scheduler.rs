//! Schedulers: from a runtime handle to its owned tasks.
//!
//! Source: `tokio/src/runtime/scheduler/{mod,current_thread/mod,multi_thread/handle}.rs` (tokio
//! 1.54.1).

use std::collections::HashMap;

use super::context::ThreadContext;
use super::task::TaskReader;
use super::{blocking, owned, running_on, task, task_id, workers};
use crate::layout::{Type, TypeKind};
use crate::report::{BlockingPool, Runtime, TaskKind, ThreadRef};
use crate::value::path::{self, Reach};
use crate::value::{Program, Value, ValueError};
use crate::walk::Inspection;

const OWNED_TASKS: &str = "tokio::runtime::task::list::OwnedTasks<";
const SPAWNER_METRICS: &str = "tokio::runtime::blocking::pool::SpawnerMetrics";
const INJECT_SHARED: &str = "tokio::runtime::scheduler::inject::shared::Shared<";

/// One scheduler.
pub(super) struct Scheduler {
    /// The address of its owned list, which is its identity.
    pub(super) address: u64,
    /// `current_thread` or `multi_thread`.
    pub(super) flavor: &'static str,
    /// `scheduler::Handle`.
    pub(super) handle: Value,
    pub(super) owned: Value,
}

/// The scheduler that a thread is inside of; `None` when it is in none.
pub(super) fn entered(
    inspection: &mut Inspection<'_>,
    context: &ThreadContext,
) -> Option<Scheduler> {
    let handle = context.handle?;
    match of_handle(&inspection.program, handle) {
        Ok(scheduler) => scheduler,
        Err(error) => {
            inspection.problem(format!(
                "thread {} (tid {}): its runtime handle is not readable: {error}",
                context.thread.number, context.thread.tid
            ));
            None
        }
    }
}

/// The scheduler of a `scheduler::Handle`.
pub(super) fn of_handle(
    program: &Program<'_>,
    handle: Value,
) -> Result<Option<Scheduler>, ValueError> {
    let layout = handle.layout(program)?;
    let TypeKind::Enum { variants, .. } = &layout.kind else { return Ok(None) };
    let (active, fields) = handle.active_variant(program)?;
    let flavor = match &*variants[active].name {
        "CurrentThread" => "current_thread",
        "MultiThread" => "multi_thread",
        _ => "unknown",
    };
    let owned = owned_of(program, fields)?;
    Ok(owned.map(|owned| Scheduler { address: owned.address, flavor, handle: fields, owned }))
}

/// The owned list that can be reached from a value: a handle's or a scheduler context's.
pub(super) fn owned_of(program: &Program<'_>, from: Value) -> Result<Option<Value>, ValueError> {
    let mut is_owned = |ty: &Type| ty.name.starts_with(OWNED_TASKS);
    match path::find(program, from.ty, Reach::RUNTIME, &mut is_owned) {
        Some(path) => path.follow(program, from),
        None => Ok(None),
    }
}

/// Adds a scheduler and its tasks to the report.
pub(super) fn add(
    inspection: &mut Inspection<'_>,
    scheduler: &Scheduler,
    contexts: &[ThreadContext],
    polled: &HashMap<u64, ThreadRef>,
) {
    let runtime = inspection.runtimes.len();
    inspection.runtimes.push(Runtime {
        id: runtime,
        library: "tokio",
        version: None,
        flavor: scheduler.flavor,
        address: scheduler.address,
        workers: workers::of(&inspection.program, scheduler, contexts),
        injected: injected(&inspection.program, scheduler).ok().flatten(),
        blocking: blocking_pool(&inspection.program, scheduler).ok().flatten(),
        counted_tasks: owned::count(&inspection.program, scheduler.owned),
        listed_tasks: 0,
        incomplete: Vec::new(),
    });
    let mut reader = TaskReader::default();
    let owned = owned::headers(inspection, scheduler.owned);
    let mut incomplete = owned.incomplete;
    let mut listed = 0_u64;
    for header in owned.headers {
        if inspection.interrupted() {
            incomplete.push("interrupted".into());
            break;
        }
        match reader.task(inspection, header, Some(runtime), TaskKind::Task) {
            Ok((number, mut task)) => {
                task.thread = running_on(task.state, number, polled);
                task.id = task_id(number);
                task::show_running(inspection, &mut task);
                inspection.tasks.push(task);
                listed += 1;
            }
            Err(error) => incomplete.push(format!("the task at {:#x}: {error}", header.address)),
        }
    }
    let entry = &mut inspection.runtimes[runtime];
    let first = inspection.tasks.len() - usize::try_from(listed).unwrap_or(0);
    workers::assign(&mut entry.workers, &inspection.tasks[first..]);
    entry.version = reader.version;
    entry.listed_tasks = listed;
    entry.incomplete = incomplete;
    blocking::add_queued(inspection, scheduler, runtime);
}

/// How many closures wait in the blocking pool, and how many threads it has.
fn blocking_pool(
    program: &Program<'_>,
    scheduler: &Scheduler,
) -> Result<Option<BlockingPool>, ValueError> {
    let mut is_metrics = |ty: &Type| &*ty.name == SPAWNER_METRICS;
    let from = scheduler.handle;
    let Some(path) = path::find(program, from.ty, Reach::RUNTIME, &mut is_metrics) else {
        return Ok(None);
    };
    let Some(metrics) = path.follow(program, from)? else { return Ok(None) };
    let number = |name| metrics.member(program, name)?.unsigned(program);
    Ok(Some(BlockingPool {
        threads: number("num_threads")?,
        idle: number("num_idle_threads")?,
        queued: number("queue_depth")?,
    }))
}

/// The length of the injection queue.
fn injected(program: &Program<'_>, scheduler: &Scheduler) -> Result<Option<u64>, ValueError> {
    let mut is_shared = |ty: &Type| ty.name.starts_with(INJECT_SHARED);
    let from = scheduler.handle;
    let Some(path) = path::find(program, from.ty, Reach::RUNTIME, &mut is_shared) else {
        return Ok(None);
    };
    match path.follow(program, from)? {
        Some(shared) => Ok(Some(shared.member(program, "len")?.unsigned(program)?)),
        None => Ok(None),
    }
}
