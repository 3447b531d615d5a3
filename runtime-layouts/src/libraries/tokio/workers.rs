//! Workers: the threads that run a scheduler's tasks.
//!
//! Source: `tokio/src/runtime/scheduler/multi_thread/{worker,park,queue}.rs` and
//! `scheduler/current_thread/mod.rs` (tokio 1.54.1).

use super::block_on_stack::{self, Doing};
use super::context::ThreadContext;
use super::expected::{CURRENT_THREAD_CORE, MULTI_THREAD_SHARED, QUEUE_INNER, REMOTE, WORKER_PARK};
use super::scheduler::Scheduler;
use super::worker_threads;
use crate::knowledge::expectation::Expectation;
use crate::layout::Type;
use crate::report::{Driver, Flavor, Task, TaskState, Worker, WorkerState};
use crate::value::path::{self, Reach};
use crate::value::{Program, Value, ValueError};

/// Before 1.21 `multi_thread` was `thread_pool`.
const MULTI_THREAD_CORES: [&str; 2] = [
    "core::option::Option<alloc::boxed::Box<tokio::runtime::scheduler::multi_thread::worker::Core",
    "core::option::Option<alloc::boxed::Box<tokio::runtime::thread_pool::worker::Core",
];

/// `park.rs`: the worker's thread sleeps on its condition variable, or in the driver.
const PARKED_CONDVAR: u64 = 1;
const PARKED_DRIVER: u64 = 2;

/// The workers of a scheduler, by index.
pub(super) fn of(
    program: &Program<'_>,
    scheduler: &Scheduler,
    contexts: &[ThreadContext],
) -> Vec<Worker> {
    let mut workers = match multi_thread(program, scheduler.handle) {
        Ok(Some(workers)) => workers,
        _ => Vec::new(),
    };
    for context in worker_threads(contexts, scheduler.address) {
        let Some(role) = &context.worker else { continue };
        if role.index >= workers.len() {
            // A current-thread scheduler keeps no list of its one worker.
            let state = current_thread_state(program, role.context)
                .unwrap_or_else(|_| state_on_stack(program, context));
            workers.push(Worker {
                index: workers.len(),
                thread: None,
                state,
                task: None,
                queued: None,
            });
        }
        let at = role.index.min(workers.len() - 1);
        // Another thread goes on as this worker while a task is in `block_in_place`, and has its
        // core; the task's thread keeps the role without it.
        if workers[at].thread.is_none() || has_core(program, role.context).unwrap_or(true) {
            workers[at].thread = Some(context.thread);
        }
    }
    workers
}

/// Whether a worker's context has the core that it runs tasks with. `true` also when that is not
/// known.
fn has_core(program: &Program<'_>, context: Value) -> Result<bool, ValueError> {
    let mut is_option = |ty: &Type| MULTI_THREAD_CORES.iter().any(|name| ty.name.starts_with(name));
    let Some(path) = path::find(program, context.ty, Reach::INLINE, &mut is_option) else {
        return Ok(true);
    };
    let Some(option) = path.follow(program, context)? else { return Ok(true) };
    let layout = option.layout(program)?;
    let crate::layout::TypeKind::Enum { variants, .. } = &layout.kind else { return Ok(true) };
    Ok(&*variants[option.active_variant(program)?.0].name == "Some")
}

/// Says which worker runs which of the scheduler's tasks. Called when the tasks are known: the
/// thread of a multi-threaded scheduler's worker is itself inside a blocking task, whose id is the
/// current one while it runs no other.
pub(super) fn assign(workers: &mut [Worker], tasks: &[Task]) {
    for task in tasks.iter().filter(|task| task.state == TaskState::Running) {
        for worker in workers.iter_mut() {
            if worker.thread.is_some() && worker.thread == task.thread {
                worker.task = Some(task.id.clone());
                worker.state = WorkerState::Running;
            }
        }
    }
}

/// What a multi-threaded scheduler has of each of its workers; `None` for another one.
pub(super) fn remotes(
    program: &Program<'_>,
    handle: Value,
) -> Result<Option<Vec<Value>>, ValueError> {
    let mut is_shared = |ty: &Type| MULTI_THREAD_SHARED.is(ty);
    let Some(path) = path::find(program, handle.ty, Reach::RUNTIME, &mut is_shared) else {
        return Ok(None);
    };
    let Some(shared) = path.follow(program, handle)? else { return Ok(None) };
    let remotes = shared.member(program, "remotes")?;
    let mut is_remote = |ty: &Type| REMOTE.is(ty);
    let Some(path) = path::find(program, remotes.ty, Reach::RUNTIME, &mut is_remote) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    path.each(program, remotes, &mut |remote| found.push(remote))?;
    Ok(Some(found))
}

/// How many workers a multi-threaded scheduler has; `None` for another one.
pub(super) fn count(program: &Program<'_>, handle: Value) -> Option<u64> {
    remotes(program, handle).ok()?.map(|remotes| remotes.len() as u64)
}

/// Who waits for a scheduler's timers and sockets. Of several workers one sleeps in the driver; the
/// others on a condition variable of their own (`multi_thread/park.rs`, `current_thread/mod.rs`).
pub(super) fn driver(
    program: &Program<'_>,
    scheduler: &Scheduler,
    contexts: &[ThreadContext],
    workers: &[Worker],
) -> Driver {
    if scheduler.flavor == Flavor::CURRENT_THREAD {
        let mut threads = worker_threads(contexts, scheduler.address);
        return if threads.next().is_some() { Driver::Worker(0) } else { Driver::Nobody };
    }
    let Ok(Some(remotes)) = remotes(program, scheduler.handle) else { return Driver::Unknown };
    let states: Vec<Option<u64>> =
        remotes.iter().map(|remote| park_state(program, *remote).ok()).collect();
    match states.iter().position(|state| *state == Some(PARKED_DRIVER)) {
        Some(index) => Driver::Worker(index),
        None if workers.is_empty() || states.contains(&None) => Driver::Unknown,
        None => Driver::Nobody,
    }
}

fn multi_thread(program: &Program<'_>, handle: Value) -> Result<Option<Vec<Worker>>, ValueError> {
    let Some(remotes) = remotes(program, handle)? else { return Ok(None) };
    let mut workers = Vec::new();
    for remote in remotes {
        workers.push(Worker {
            index: workers.len(),
            thread: None,
            state: parked(program, remote).unwrap_or(WorkerState::Unknown),
            task: None,
            queued: queued(program, remote).ok(),
        });
    }
    Ok(Some(workers))
}

fn part(program: &Program<'_>, from: Value, wanted: Expectation) -> Result<Value, ValueError> {
    let mut is_wanted = |ty: &Type| wanted.is(ty);
    let found = match path::find(program, from.ty, Reach::RUNTIME, &mut is_wanted) {
        Some(path) => path.follow(program, from)?,
        None => None,
    };
    found.ok_or_else(|| ValueError::Shape {
        type_name: "a worker".to_string(),
        wanted: wanted.newest().to_string(),
    })
}

fn park_state(program: &Program<'_>, remote: Value) -> Result<u64, ValueError> {
    let inner = part(program, remote, WORKER_PARK)?;
    inner.member(program, "state")?.unsigned(program)
}

fn parked(program: &Program<'_>, remote: Value) -> Result<WorkerState, ValueError> {
    Ok(match park_state(program, remote)? {
        PARKED_CONDVAR | PARKED_DRIVER => WorkerState::Parked,
        _ => WorkerState::Running,
    })
}

/// The length of a run queue: from the head that owners move (the low half of `head`) to `tail`.
fn queued(program: &Program<'_>, remote: Value) -> Result<u64, ValueError> {
    let inner = part(program, remote, QUEUE_INNER)?;
    let tail = inner.member(program, "tail")?;
    let bits = tail.layout(program)?.size.saturating_mul(8);
    let mask = 1_u64.checked_shl(u32::try_from(bits).unwrap_or(64)).map_or(u64::MAX, |bit| bit - 1);
    let head = inner.member(program, "head")?.unsigned(program)? & mask;
    Ok(tail.unsigned(program)?.wrapping_sub(head) & mask)
}

/// Before 1.18 a current-thread scheduler's state is to be seen on its thread's stack alone.
fn state_on_stack(program: &Program<'_>, context: &ThreadContext) -> WorkerState {
    let thread = &program.target().threads()[context.index];
    let frames = program.stack(thread);
    match block_on_stack::doing(program, &frames) {
        Some(Doing::Parks) => WorkerState::Parked,
        Some(_) => WorkerState::Running,
        None => WorkerState::Unknown,
    }
}

/// A current-thread scheduler takes the driver out of its core while it is parked.
pub(super) fn current_thread_state(
    program: &Program<'_>,
    context: Value,
) -> Result<WorkerState, ValueError> {
    let core = part(program, context, CURRENT_THREAD_CORE)?;
    let driver = core.member(program, "driver")?;
    let layout = driver.layout(program)?;
    let (active, _) = driver.active_variant(program)?;
    let crate::layout::TypeKind::Enum { variants, .. } = &layout.kind else {
        return Ok(WorkerState::Unknown);
    };
    Ok(match &*variants[active].name {
        "None" => WorkerState::Parked,
        _ => WorkerState::Running,
    })
}
