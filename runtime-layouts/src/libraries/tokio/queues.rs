//! Run queues: the tasks that were woken and wait to be polled.
//!
//! Source: `tokio/src/runtime/scheduler/multi_thread/{worker,queue}.rs`,
//! `scheduler/inject/synced.rs`, `scheduler/current_thread/mod.rs`, `task/local.rs` (tokio 1.54.1).

use rustc_hash::FxHashMap;

use super::context::ThreadContext;
use super::expected::{
    CURRENT_THREAD_CORE, HEADER, INJECTED, LOCAL_CONTEXT, LOCAL_SHARED, MULTI_THREAD_CORE,
    QUEUE_INNER,
};
use super::scheduler::Scheduler;
use super::{worker_threads, workers};
use crate::knowledge::expectation::Expectation;
use crate::layout::{Type, TypeKind};
use crate::report::{QueuePlace, RunQueue, TaskIndex};
use crate::value::path::{self, Reach};
use crate::value::vec_deque::VecDequeElements;
use crate::value::{Program, Value, ValueError};
use crate::walk::Inspection;

/// `LOCAL_QUEUE_CAPACITY` (`multi_thread/queue.rs`; unchanged since tokio 1.0).
const CAPACITY: u64 = 256;
/// More tasks of one queue than this are not looked at.
const MAX_QUEUED: u64 = 1 << 16;

const VEC_DEQUE: &str = "alloc::collections::vec_deque::VecDeque<tokio::runtime::task::Notified<";

/// A queue with the headers of the tasks in it.
pub(super) struct Queue {
    /// The index of the runtime.
    pub(super) runtime: usize,
    place: QueuePlace,
    headers: Vec<u64>,
}

/// The queues of a scheduler that have tasks in them. What cannot be read has none: tasks are
/// listed with their states all the same.
pub(super) fn of(
    program: &Program<'_>,
    scheduler: &Scheduler,
    contexts: &[ThreadContext],
    runtime: usize,
) -> Vec<Queue> {
    let mut queues = Vec::new();
    let mut add = |place, headers: Result<Vec<u64>, ValueError>| {
        if let Ok(headers) = headers
            && !headers.is_empty()
        {
            queues.push(Queue { runtime, place, headers });
        }
    };
    for context in worker_threads(contexts, scheduler.address) {
        let Some(worker) = &context.worker else { continue };
        add(QueuePlace::Lifo(worker.index), lifo(program, worker.context));
        let core = part(program, worker.context, CURRENT_THREAD_CORE);
        if let Ok(Some(core)) = core {
            let queue = core.member(program, "tasks");
            add(QueuePlace::Worker(worker.index), queue.and_then(|queue| deque(program, queue)));
        }
    }
    let remotes = workers::remotes(program, scheduler.handle).ok().flatten().unwrap_or_default();
    for (index, remote) in (0..).zip(remotes) {
        add(QueuePlace::Worker(index), ring(program, remote));
    }
    add(QueuePlace::Shared, injected(program, scheduler.handle));
    let closures = super::blocking::queued(program, scheduler.handle);
    let headers = |closures: Vec<Value>| closures.iter().map(|header| header.address).collect();
    add(QueuePlace::Blocking, closures.map(headers));
    queues
}

/// Adds queues to their runtimes, when the tasks from the first one on have their places in the
/// report.
pub(super) fn finish(inspection: &mut Inspection<'_>, queues: Vec<Queue>, first_task: usize) {
    let wanted = queues.iter().flat_map(|queue| &queue.headers);
    let mut places: FxHashMap<u64, Option<TaskIndex>> =
        wanted.map(|header| (*header, None)).collect();
    if places.is_empty() {
        return;
    }
    for (index, task) in (0..).map(TaskIndex).zip(&inspection.tasks).skip(first_task) {
        if let Some(place) = places.get_mut(&task.address) {
            *place = Some(index);
        }
    }
    for queue in queues {
        let tasks: Vec<TaskIndex> =
            queue.headers.iter().filter_map(|header| *places.get(header)?).collect();
        if !tasks.is_empty() {
            let found = RunQueue { place: queue.place, tasks };
            inspection.runtimes[queue.runtime].queues.push(found);
        }
    }
}

/// The headers of the tasks of a local set that were woken: those that its own thread woke, then
/// those of others (`LocalState::local_queue`, `Shared::queue`). Until 1.26 the first queue was in
/// `Context`.
pub(super) fn of_local_set(program: &Program<'_>, from: Value) -> Result<Vec<u64>, ValueError> {
    let mut headers = Vec::new();
    let mut is_owner = |ty: &Type| LOCAL_CONTEXT.is(ty) || LOCAL_SHARED.is(ty);
    let Some(path) = path::find(program, from.ty, Reach::RUNTIME, &mut is_owner) else {
        return Ok(headers);
    };
    let Some(owner) = path.follow(program, from)? else { return Ok(headers) };
    let mut is_queue = |ty: &Type| ty.name.starts_with(VEC_DEQUE);
    let shared = part(program, owner, LOCAL_SHARED)?;
    let mut queues = Vec::new();
    for owner in [Some(owner), shared].into_iter().flatten() {
        // Two members have the same type: the paths differ in where they begin.
        for member in owner.layout(program)?.members() {
            let value = owner.member(program, &member.name)?;
            if let Some(path) = path::find(program, value.ty, Reach::INLINE, &mut is_queue)
                && let Some(queue) = path.follow(program, value)?
                && !queues.contains(&queue.address)
            {
                queues.push(queue.address);
                headers.extend(deque(program, queue)?);
            }
        }
    }
    Ok(headers)
}

fn part(
    program: &Program<'_>,
    from: Value,
    wanted: Expectation,
) -> Result<Option<Value>, ValueError> {
    match path::find(program, from.ty, Reach::RUNTIME, &mut |ty: &Type| wanted.is(ty)) {
        Some(path) => path.follow(program, from),
        None => Ok(None),
    }
}

/// The task in a worker's LIFO slot, which is in the core: a thread has that while it polls a task
/// or sleeps.
fn lifo(program: &Program<'_>, context: Value) -> Result<Vec<u64>, ValueError> {
    let Some(core) = part(program, context, MULTI_THREAD_CORE)? else { return Ok(Vec::new()) };
    let slot = core.member(program, "lifo_slot")?;
    Ok(task_in(program, slot)?.into_iter().collect())
}

/// The header that a `Notified`, a `RawTask` or a pointer to it leads to, or an `Option` of one.
fn task_in(program: &Program<'_>, value: Value) -> Result<Option<u64>, ValueError> {
    let mut is_header = |ty: &Type| HEADER.is(ty);
    match path::find(program, value.ty, Reach::RUNTIME, &mut is_header) {
        Some(path) => Ok(path.follow(program, value)?.map(|header| header.address)),
        None => Ok(None),
    }
}

/// The tasks in a worker's own queue, a ring of pointers to headers: from the head that owners move,
/// the low half of `head`, to `tail`.
fn ring(program: &Program<'_>, remote: Value) -> Result<Vec<u64>, ValueError> {
    let Some(inner) = part(program, remote, QUEUE_INNER)? else { return Ok(Vec::new()) };
    let tail = inner.member(program, "tail")?;
    let bits = tail.layout(program)?.size.saturating_mul(8);
    let mask = 1_u64.checked_shl(u32::try_from(bits).unwrap_or(64)).map_or(u64::MAX, |bit| bit - 1);
    let head = inner.member(program, "head")?.unsigned(program)? & mask;
    let length = (tail.unsigned(program)?.wrapping_sub(head) & mask).min(CAPACITY);
    if length == 0 {
        return Ok(Vec::new());
    }
    // A thin pointer to an array, or a fat one, whose first word is the data pointer too.
    let start = program.read_pointer(inner.member(program, "buffer")?.address)?;
    let size = u64::from(program.pointer_size());
    let slots = (0..length).map(|at| head.wrapping_add(at) % CAPACITY);
    slots
        .map(|slot| Ok(program.read_pointer(start.wrapping_add(slot.wrapping_mul(size)))?))
        .collect()
}

/// The tasks in a `VecDeque<Notified<S>>`.
fn deque(program: &Program<'_>, queue: Value) -> Result<Vec<u64>, ValueError> {
    let mut headers = Vec::new();
    let Some(elements) = VecDequeElements::of(program, queue)? else { return Ok(headers) };
    for index in 0..elements.length.min(MAX_QUEUED) {
        if program.is_interrupted() {
            break;
        }
        headers.extend(task_in(program, elements.get(index))?);
    }
    Ok(headers)
}

/// The tasks in the queue that all workers take from, a list through their headers.
fn injected(program: &Program<'_>, handle: Value) -> Result<Vec<u64>, ValueError> {
    let mut headers = Vec::new();
    let Some(queue) = part(program, handle, INJECTED)? else { return Ok(headers) };
    let head = queue.member(program, "head")?;
    let mut is_header = |ty: &Type| HEADER.is(ty);
    let Some(path) = path::find(program, head.ty, Reach::RUNTIME, &mut is_header) else {
        return Ok(headers);
    };
    let mut next = path.follow(program, head)?;
    while let Some(header) = next.filter(|_| !program.is_interrupted()) {
        // A list that comes back ends at the limit.
        if header.address == 0 || headers.len() as u64 >= MAX_QUEUED {
            break;
        }
        headers.push(header.address);
        let link = header.member(program, "queue_next")?;
        let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { target: Some(_) });
        let Some(to_pointer) = path::find(program, link.ty, Reach::INLINE, &mut is_pointer) else {
            break;
        };
        next = match to_pointer.follow(program, link)? {
            Some(pointer) => match program.read_pointer(pointer.address)? {
                0 => None,
                address => Some(Value { address, ..header }),
            },
            None => None,
        };
    }
    Ok(headers)
}
