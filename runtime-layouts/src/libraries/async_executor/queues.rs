//! Run queues: the tasks that were woken and wait to be polled.
//!
//! Source: `async-executor/src/lib.rs` (1.5.0 and 1.14.1): one queue of all, and one of each `run`,
//! from which the others steal.

use std::collections::HashMap;

use crate::layout::Type;
use crate::libraries::concurrent_queue;
use crate::report::{QueuePlace, RunQueue, TaskIndex};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};

const RUNNABLE: &str = "async_task::runnable::Runnable";
const QUEUE: &str = "concurrent_queue::ConcurrentQueue<async_task::runnable::Runnable";
/// More tasks of one queue than this are not looked at.
const MAX_QUEUED: usize = 1 << 16;

/// The queues of an executor that have tasks in them, and how many are in that of all. What cannot be
/// read has none: tasks are listed with their states all the same.
///
/// `local` are the queues of those that run it, and the addresses of those of its workers as far as these
/// were found.
pub(super) fn of(
    program: &Program<'_>,
    state: Value,
    (local, own): (&[Value], &[Option<u64>]),
    tasks: &HashMap<u64, TaskIndex>,
) -> (Vec<RunQueue>, Option<u64>) {
    let mut found = Vec::new();
    let shared = state.member(program, "queue").and_then(|queue| headers(program, queue)).ok();
    let injected = shared.as_ref().map(|headers| headers.len() as u64);
    let mut add = |place, headers: Vec<u64>| {
        let tasks: Vec<TaskIndex> =
            headers.iter().filter_map(|header| tasks.get(header).copied()).collect();
        if !tasks.is_empty() {
            found.push(RunQueue { place, tasks });
        }
    };
    add(QueuePlace::Shared, shared.unwrap_or_default());
    for queue in local {
        let known = own.iter().position(|own| *own == Some(queue.address));
        // There is but one of each.
        let only = (local.len() == 1 && own.len() == 1).then_some(0);
        if let Some(number) = known.or(only) {
            add(QueuePlace::Worker(number), headers(program, *queue).unwrap_or_default());
        }
    }
    (found, injected)
}

/// The headers of the tasks in the queue of all.
pub(super) fn shared(program: &Program<'_>, state: Value) -> Vec<u64> {
    let queue = state.member(program, "queue");
    queue.and_then(|queue| headers(program, queue)).unwrap_or_default()
}

/// The queues of those that run an executor.
pub(super) fn local(program: &Program<'_>, state: Value) -> Result<Vec<Value>, ValueError> {
    let queues = state.member(program, "local_queues")?;
    let mut is_queue = |ty: &Type| ty.name.starts_with(QUEUE);
    let mut found = Vec::new();
    let Some(path) = path::find(program, queues.ty, Reach::INLINE, &mut |ty: &Type| {
        ty.name.starts_with("alloc::vec::Vec<")
    }) else {
        return Ok(found);
    };
    let Some(vector) = path.follow(program, queues)? else { return Ok(found) };
    let layout =
        crate::value::slices::SliceLayout::of_vec(program, vector.ty, vector.layout(program)?)?;
    let Some(layout) = layout else { return Ok(found) };
    let slice = layout.read(program, vector)?;
    let Some(to_queue) = path::find(program, slice.element, Reach::RUNTIME, &mut is_queue) else {
        return Ok(found);
    };
    for index in 0..slice.count.min(1 << 12) {
        let address = slice.start.wrapping_add(index.wrapping_mul(slice.size));
        found.extend(to_queue.follow(program, Value { ty: slice.element, address })?);
    }
    Ok(found)
}

/// The address of the queue of its own that what runs an executor has; `None` where it has none.
pub(super) fn own(program: &Program<'_>, runs: Value) -> Option<u64> {
    const RUNNER: &str = "async_executor::Runner";
    let runner = runs.find_inline(program, RUNNER).ok()??;
    let local = runner.member(program, "local").ok()?;
    let mut is_queue = |ty: &Type| ty.name.starts_with(QUEUE);
    let path = path::find(program, local.ty, Reach::RUNTIME, &mut is_queue)?;
    path.follow(program, local).ok()?.map(|queue| queue.address)
}

/// The headers of the tasks in a queue.
fn headers(program: &Program<'_>, queue: Value) -> Result<Vec<u64>, ValueError> {
    let Some(runnable) = queue.layout(program)?.type_parameter("T") else { return Ok(Vec::new()) };
    let runnable = Ty { module: queue.ty.module, id: runnable };
    if !program.type_of(runnable)?.name.starts_with(RUNNABLE) {
        return Ok(Vec::new());
    }
    let queued = concurrent_queue::elements(program, queue, runnable, MAX_QUEUED)?;
    queued
        .into_iter()
        .map(|runnable| {
            let pointer = runnable.member(program, "ptr")?;
            Ok(program.read_pointer(pointer.address)?)
        })
        .collect()
}
