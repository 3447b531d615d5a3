//! Schedulers: the way from a runtime handle to the tasks that it owns.
//!
//! Source: `tokio/src/runtime/scheduler/{mod,current_thread/mod,multi_thread/handle}.rs` (tokio
//! 1.54.1).

use std::collections::HashMap;

use super::context::ThreadContext;
use super::expected::{OLD_SHARED, OWNED_TASKS};
use super::task::TaskReader;
use super::{blocking, number, owned_list, running_on, task, worker_threads, workers};
use crate::layout::{Type, TypeKind};
use crate::report::{Flavor, Runtime, Task, TaskKind, TaskState, ThreadRef};
use crate::value::path::{self, Reach};
use crate::value::{Program, Value, ValueError};
use crate::walk::chains::read_tasks::ReadTasks;
use crate::walk::{Inspection, Walker};

const INJECT_SHARED: &str = "tokio::runtime::scheduler::inject::shared::Shared<";

/// What is to be said where the workers keep the lists.
const UNPOLLED: &str = "Tasks that were spawned but never polled are not listed: before tokio 1.9 \
                        the runtime's lists do not hold them.";

/// One scheduler.
pub(super) struct Scheduler {
    /// The address of its identity.
    pub(super) address: u64,
    /// How it schedules.
    pub(super) flavor: Flavor,
    /// `scheduler::Handle`.
    pub(super) handle: Value,
    /// Its list of tasks, or what its workers share where each of them has a list.
    pub(super) identity: Value,
}

/// The scheduler that a thread is inside of; `None` when it is in none.
pub(super) fn entered(
    inspection: &mut Inspection<'_>,
    context: &ThreadContext,
) -> Option<Scheduler> {
    let handle = context.handle?;
    match of_handle(inspection.program, handle) {
        Ok(scheduler) => scheduler,
        Err(error) => {
            inspection.problem(format!(
                "thread {} (tid {}): its runtime handle cannot be read: {error}",
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
        // The second spellings were those of `Spawner`, until 1.21.
        "CurrentThread" | "Basic" => Flavor::CURRENT_THREAD,
        "MultiThread" | "ThreadPool" => Flavor::MULTI_THREAD,
        _ => Flavor::UNKNOWN,
    };
    let identity = identity_of(program, fields)?;
    Ok(identity.map(|identity| {
        let address = identity.address;
        Scheduler { address, flavor, handle: fields, identity }
    }))
}

/// What tells a scheduler from others, reached from a value: a handle or a scheduler context. Its
/// list of tasks, and before 1.9, where there is none, what its workers share.
pub(super) fn identity_of(program: &Program<'_>, from: Value) -> Result<Option<Value>, ValueError> {
    for wanted in [OWNED_TASKS, OLD_SHARED] {
        if let Some(path) = path::find(program, from.ty, Reach::RUNTIME, &mut |ty| wanted.is(ty)) {
            return path.follow(program, from);
        }
    }
    Ok(None)
}

/// Adds a scheduler and its tasks to the report.
pub(super) fn add(
    inspection: &mut Inspection<'_>,
    scheduler: &Scheduler,
    contexts: &[ThreadContext],
    polled: &HashMap<u64, ThreadRef>,
) {
    let runtime = inspection.runtimes.len();
    let entry = without_tasks(inspection.program, scheduler, contexts, runtime);
    inspection.runtimes.push(entry);
    let (lists, mut incomplete) = owned_list::lists(inspection, scheduler, contexts);
    if lists != [scheduler.identity] && !inspection.caveats.iter().any(|said| said == UNPOLLED) {
        inspection.caveats.push(UNPOLLED.to_string());
    }
    let owned = owned_list::headers(inspection, &lists);
    incomplete.extend(owned.incomplete);
    let first = inspection.tasks.len();
    let mut have_ids = true;
    let version = read_all(
        inspection,
        &owned.headers,
        runtime,
        &mut |inspection, header, found| match found {
            Ok((id, mut task)) => {
                task.thread = running_on(task.state, id, polled).or_else(|| {
                    let workers = worker_threads(contexts, scheduler.address);
                    task::polling_thread(inspection, &task, header, workers)
                });
                task::show_running(inspection, &mut task);
                have_ids &= id.is_some();
                inspection.tasks.push(task);
            }
            Err(error) => incomplete.push(format!("the task at {:#x}: {error}", header.address)),
        },
    );
    if inspection.interrupted() {
        incomplete.push("interrupted".into());
    }
    if !have_ids {
        number(inspection, first, &owned.order);
    }
    let tasks = &inspection.tasks[first..];
    let entry = &mut inspection.runtimes[runtime];
    if tasks.iter().any(|task| task.state == TaskState::Running) {
        workers::assign(&mut entry.workers, tasks);
    }
    entry.version = version;
    entry.listed_tasks = tasks.len() as u64;
    entry.incomplete = incomplete;
    blocking::add_queued(inspection, scheduler, runtime);
}

/// The runtime of a scheduler, before any of its tasks is read.
fn without_tasks(
    program: &Program<'_>,
    scheduler: &Scheduler,
    contexts: &[ThreadContext],
    id: usize,
) -> Runtime {
    let workers = workers::of(program, scheduler, contexts);
    Runtime {
        id,
        library: "tokio",
        version: None,
        object: None,
        flavor: scheduler.flavor,
        address: scheduler.address,
        driver: workers::driver(program, scheduler, contexts, &workers),
        workers,
        injected: injected(program, scheduler).ok().flatten(),
        queues: Vec::new(),
        blocking: blocking::pool(program, scheduler, contexts).ok().flatten(),
        shutdown: None,
        counted_tasks: owned_list::count(program, scheduler.identity),
        listed_tasks: 0,
        incomplete: Vec::new(),
    }
}

/// A task's number and the task, or why it cannot be read.
type TaskRead = Result<(Option<u64>, Task), ValueError>;

/// Reads tasks, by several threads where there are many, and hands them over in their order.
/// Returns tokio's version.
fn read_all<'t>(
    inspection: &mut Inspection<'t>,
    headers: &[Value],
    runtime: usize,
    hand_over: &mut dyn FnMut(&mut Inspection<'t>, Value, TaskRead),
) -> Option<String> {
    let mut version = None;
    let read =
        |program: &Program<'_>, walker: &mut Walker, reader: &mut TaskReader, header: Value| {
            let found = reader.read(program, walker, header, Some(runtime), TaskKind::Task);
            (found, reader.version.clone())
        };
    let job = ReadTasks {
        begin: &TaskReader::default,
        read: &read,
        task: |(found, _): &mut (TaskRead, _)| found.as_mut().ok().map(|(_, task)| task),
    };
    job.run(inspection, headers, &mut |inspection, header, (found, of)| {
        version = version.take().or(of);
        hand_over(inspection, header, found);
    });
    version
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
