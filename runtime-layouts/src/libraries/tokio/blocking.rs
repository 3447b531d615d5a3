//! The blocking pool: closures of `spawn_blocking`, running or queued.
//!
//! Source: `tokio/src/runtime/blocking/{pool,task}.rs` (tokio 1.54.1). No list has a running
//! closure: the context of its thread has its id, and the thread's stack shows what it does.

use super::context::ThreadContext;
use super::expected::{HEADER, POOL, POOL_STATE};
use super::running::is_polling;
use super::scheduler::Scheduler;
use super::task::TaskReader;
use super::{block_on_stack, number, task_id};
use crate::layout::Type;
use crate::report::{
    BlockingPool, Flavor, FrameSource, FutureType, SiteId, Task, TaskIndex, TaskKind, TaskState,
    TaskWakers, Trust,
};
use crate::value::path::{self, Reach};
use crate::value::vec_deque::VecDequeElements;
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::Inspection;
use crate::walk::stacks::native_stack::{self, NativeCall};

const QUEUE: &str = "alloc::collections::vec_deque::VecDeque<tokio::runtime::blocking::pool::Task";

/// More closures than this are not listed.
const MAX_QUEUED: u64 = 1 << 20;

/// Adds the closures that threads run: those whose context names a task that no list has and that
/// are no workers.
pub(super) fn add_running(
    inspection: &mut Inspection<'_>,
    contexts: &[ThreadContext],
    schedulers: &[Scheduler],
    first_runtime: usize,
) {
    admit_unnamed(inspection, contexts);
    for context in contexts.iter().filter(|context| context.worker.is_none()) {
        let Some(id) = context.current_task.map(task_id) else { continue };
        if inspection.tasks.iter().any(|task| task.id == id) {
            continue;
        }
        let chain = inspection.native_chain(context.thread, &is_polling);
        let problem = chain.is_none().then(|| "its thread's stack does not show it".into());
        let trust = match chain {
            Some(_) => Trust::of(FrameSource::NativeStack),
            None => Trust { future: FutureType::Unknown, ..Trust::of(FrameSource::Nothing) },
        };
        let chain = chain.unwrap_or_default();
        let runtime = context.scheduler(inspection).and_then(|entered| {
            schedulers.iter().position(|known| known.address == entered.address)
        });
        inspection.tasks.push(Task {
            id,
            runtime: runtime.map(|index| first_runtime + index),
            kind: TaskKind::Blocking,
            state: TaskState::Running,
            root: chain.frames.first().map(|frame| frame.site),
            address: 0,
            thread: Some(context.thread),
            spawned_at: None,
            chain,
            trust,
            siblings_of_stack: None,
            panic: None,
            wakers: TaskWakers::default(),
            index: TaskIndex(0),
            problems: problem.into_iter().collect(),
        });
    }
}

/// A scheduler's pool of threads; `None` where the debug information does not describe it. Its
/// numbers are in `SpawnerMetrics` since 1.23, and were in `Shared` before.
pub(super) fn pool(
    program: &Program<'_>,
    scheduler: &Scheduler,
    contexts: &[ThreadContext],
) -> Result<Option<BlockingPool>, ValueError> {
    let mut is_pool = |ty: &Type| POOL.is(ty);
    let from = scheduler.handle;
    let Some(path) = path::find(program, from.ty, Reach::RUNTIME, &mut is_pool) else {
        return Ok(None);
    };
    let Some(pool) = path.follow(program, from)? else { return Ok(None) };
    let number = |names: [&'static str; 2]| {
        let first = pool.find_number(program, names[0])?;
        first.map_or_else(|| pool.find_number(program, names[1]), |first| Ok(Some(first)))
    };
    let (Some(threads), Some(idle)) =
        (number(["num_threads", "num_th"])?, number(["num_idle_threads", "num_idle"])?)
    else {
        return Ok(None);
    };
    let queued = match pool.find_number(program, "queue_depth")? {
        Some(queued) => queued,
        None => queued(program, from)?.len() as u64,
    };
    // The workers of a multi-threaded scheduler are threads of the pool.
    let is_multi = scheduler.flavor == Flavor::MULTI_THREAD;
    let workers = contexts.iter().filter_map(|context| context.worker.as_ref());
    let workers = workers.filter(|worker| is_multi && worker.scheduler == scheduler.address);
    let workers = workers.count() as u64;
    let reserved = match is_multi {
        true => super::workers::count(program, from).unwrap_or(0),
        false => 0,
    };
    let limit = pool.find_number(program, "thread_cap")?;
    Ok(Some(BlockingPool {
        threads: threads.saturating_sub(workers),
        limit: limit.map(|limit| limit.saturating_sub(reserved)),
        idle,
        queued,
    }))
}

/// Whether a scheduler's pool ends; `None` where that is not known.
pub(super) fn is_shut_down(program: &Program<'_>, handle: Value) -> Option<bool> {
    let mut is_state = |ty: &Type| POOL_STATE.is(ty);
    let path = path::find(program, handle.ty, Reach::RUNTIME, &mut is_state)?;
    let state = path.follow(program, handle).ok()??;
    Some(state.member(program, "shutdown").ok()?.unsigned(program).ok()? != 0)
}

/// Says how many closures run that nothing leads to: before 1.22 a thread's context does not name
/// what it runs.
fn admit_unnamed(inspection: &mut Inspection<'_>, contexts: &[ThreadContext]) {
    let target = inspection.program.target();
    let runs = |context: &&ThreadContext| {
        let frames = inspection.program.stack(&target.threads()[context.index]);
        block_on_stack::doing(inspection.program, &frames).is_none()
            && native_stack::calls(inspection.program, &frames).iter().any(|call| match call {
                NativeCall::Known { call, .. } => is_polling(&call.function.name),
                NativeCall::Unknown { .. } => false,
            })
    };
    let unnamed = |context: &&ThreadContext| {
        !context.names_task && context.handle.is_some() && context.worker.is_none()
    };
    let count = contexts.iter().filter(unnamed).filter(runs).count();
    if count > 0 {
        let what = if count == 1 { "1 closure".to_string() } else { format!("{count} closures") };
        inspection.caveats.push(format!(
            "Running but not listed: {what} of `spawn_blocking`. Before tokio 1.22 a thread does \
             not name what it runs; its native stack shows it."
        ));
    }
}

/// Adds the closures that wait for a thread of a scheduler's pool.
pub(super) fn add_queued(inspection: &mut Inspection<'_>, scheduler: &Scheduler, runtime: usize) {
    let headers = match queued(inspection.program, scheduler.handle) {
        Ok(headers) => headers,
        Err(error) => {
            let reason = format!("the queue of the blocking pool: {error}");
            return inspection.runtimes[runtime].incomplete.push(reason);
        }
    };
    let mut reader = TaskReader::default();
    let first = inspection.tasks.len();
    for header in headers {
        if inspection.interrupted() {
            break;
        }
        match reader.task(inspection, header, Some(runtime), TaskKind::Blocking) {
            Ok((_, mut task)) => {
                task.state = TaskState::Scheduled;
                task.root = closure_of(inspection, &task).or(task.root);
                inspection.tasks.push(task);
            }
            Err(error) => inspection.runtimes[runtime]
                .incomplete
                .push(format!("the blocking closure at {:#x}: {error}", header.address)),
        }
    }
    number(inspection, first, &[]);
}

/// The closure itself: a `BlockingTask<T>` is a future around it.
fn closure_of(inspection: &mut Inspection<'_>, task: &Task) -> Option<SiteId> {
    let future = inspection.type_of_site(task.root?)?;
    let closure = inspection.program.type_of(future).ok()?.type_parameter("T")?;
    inspection.site_of_type(Ty { module: future.module, id: closure })
}

/// The headers of the closures in every queue of the pool, each a `VecDeque<Task>`, first come
/// first.
pub(super) fn queued(program: &Program<'_>, handle: Value) -> Result<Vec<Value>, ValueError> {
    let mut is_queue = |ty: &Type| ty.name.starts_with(QUEUE);
    let mut queues = Vec::new();
    for path in path::find_all(program, handle.ty, Reach::RUNTIME, 1, &mut is_queue) {
        path.each(program, handle, &mut |queue| queues.push(queue))?;
    }
    let mut headers = Vec::new();
    for queue in queues {
        elements(program, queue, &mut headers)?;
    }
    Ok(headers)
}

/// The headers that a `VecDeque` of them holds.
fn elements(program: &Program<'_>, queue: Value, found: &mut Vec<Value>) -> Result<(), ValueError> {
    let layout = queue.layout(program)?;
    let missing = |wanted: &str| ValueError::Shape {
        type_name: layout.name.to_string(),
        wanted: wanted.to_string(),
    };
    let queue = VecDequeElements::of(program, queue)?.ok_or_else(|| missing("elements"))?;
    let mut is_header = |ty: &Type| HEADER.is(ty);
    let to_header = path::find(program, queue.element, Reach::RUNTIME, &mut is_header)
        .ok_or_else(|| missing("task"))?;
    for index in 0..queue.length.min(MAX_QUEUED) {
        if program.is_interrupted() {
            break;
        }
        found.extend(to_header.follow(program, queue.get(index))?);
    }
    Ok(())
}
