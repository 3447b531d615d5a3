//! Runtimes: what is to be told of a scheduler, and the tasks that it owns.
//!
//! Source: `tokio/src/runtime/scheduler/{mod,current_thread/mod,multi_thread/handle}.rs` (tokio
//! 1.54.1).

use std::collections::HashMap;

use super::context::ThreadContext;
use super::scheduler::Scheduler;
use super::task::TaskReader;
use super::{blocking, number, owned_list, running, running_on, worker_threads, workers};
use crate::layout::Type;
use crate::report::{Runtime, Task, TaskKind, TaskState, ThreadRef};
use crate::value::path::{self, Reach};
use crate::value::{Program, Value, ValueError};
use crate::walk::chains::read_tasks::ReadTasks;
use crate::walk::{Inspection, Walker};

const INJECT_SHARED: &str = "tokio::runtime::scheduler::inject::shared::Shared<";

/// What is to be said where the workers keep the lists.
const UNPOLLED: &str = "Tasks that were spawned but never polled are not listed: before tokio 1.9 \
                        the runtime's lists do not hold them.";

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
                    running::polling_thread(inspection, &task, header, workers)
                });
                running::show_running(inspection, &mut task);
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
