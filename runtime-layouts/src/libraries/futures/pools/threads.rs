//! `ThreadPool`: tasks that several threads run.
//!
//! Source: `futures-executor/src/{thread_pool,unpark_mutex}.rs` (0.3.24 to 0.3.34). A task that waits
//! lies in the `WakeHandle` that its wakers share, one that was spawned or woken in the pool's channel,
//! and one that is polled on the stack of its thread. So those that wait are found by their wakers.

use super::expected::{POOL_STATE, WAKE_HANDLE};
use super::{FUTURE_OBJECT, Found, running, runtime, task};
use crate::layout::name::plain_path;
use crate::libraries::rust_std::channels;
use crate::report::{
    Flavor, Pollers, QueuePlace, RunQueue, TaskIndex, TaskState, ThreadRef, Worker, WorkerState,
};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::stacks::beginning;
use crate::walk::waits::waker_sweep;

const FLAVOR: Flavor = Flavor::new("thread_pool", Pollers::Several).without_pool();
/// What polls a task until it waits, without generic arguments.
pub(in super::super) const RUN: &str = "futures_executor::thread_pool::Task::run";
/// What a task is while it waits (`WAITING`, `unpark_mutex.rs`).
const WAITING: u64 = 0;

/// Tasks in the queue of one pool that are looked at.
const MAX_QUEUED: usize = 1 << 16;

const INCOMPLETE: &str = "it keeps no list of its tasks: shown are those that are queued or polled, \
                          and those that wait of which a waker was found in memory";

/// Adds the pools that variables lead to, and their tasks.
pub(super) fn add(inspection: &mut Inspection<'_>, variables: &[Found]) {
    let program = inspection.program;
    let mut pools: Vec<(Value, Vec<ThreadRef>)> = Vec::new();
    for variable in variables {
        let pool = variable.value.find_through_pointers(program, POOL_STATE.newest());
        let Ok(Some(pool)) = pool else { continue };
        let at = pools.iter().position(|(known, _)| known.address == pool.address);
        let at = at.or_else(|| {
            is_sound(program, pool).then(|| {
                pools.push((pool, Vec::new()));
                pools.len() - 1
            })
        });
        let Some(at) = at.filter(|_| variable.is_own && works(program, variable.thread)) else {
            continue;
        };
        if !pools[at].1.contains(&variable.thread) {
            pools[at].1.push(variable.thread);
        }
    }
    if pools.is_empty() {
        return;
    }
    let known = pools.iter().map(|(pool, _)| pool.address);
    let handles = waker_sweep::woken_by(program, known, &is_wake);
    for (pool, threads) in pools {
        add_pool(inspection, pool, &threads, &handles);
    }
}

/// Whether a thread is one of a pool's: others may hold the pool and call it.
fn works(program: &Program<'_>, thread: ThreadRef) -> bool {
    const WORK: &str = "futures_executor::thread_pool::PoolState::work";
    let mut threads = program.target().threads().iter();
    let Some(thread) = threads.find(|known| known.tid == thread.tid) else { return false };
    let frames = program.stack(thread);
    beginning::calls_of(program, &frames).iter().any(|on| *on.call.function.name == *WORK)
}

/// A variable may not be set yet.
fn is_sound(program: &Program<'_>, pool: Value) -> bool {
    let size = pool.member(program, "size").and_then(|size| size.unsigned(program));
    size.is_ok_and(|size| (1..1 << 16).contains(&size))
}

/// `wake_arc_raw` of `futures-task/src/waker.rs`.
fn is_wake(function: &str) -> bool {
    function.starts_with("futures_task::") && function.contains(WAKE_HANDLE.newest())
}

fn add_pool(inspection: &mut Inspection<'_>, pool: Value, threads: &[ThreadRef], handles: &[u64]) {
    let mut runtime = runtime(inspection, FLAVOR, pool);
    runtime.incomplete.push(INCOMPLETE.to_string());
    let first = inspection.tasks.len();
    for thread in threads {
        let is_run = |function: &str| plain_path(function) == RUN;
        let chain = inspection.native_chain(*thread, &is_run);
        runtime.workers.push(Worker {
            index: runtime.workers.len(),
            thread: Some(*thread),
            state: if chain.is_some() { WorkerState::Running } else { WorkerState::Parked },
            task: None,
            queued: None,
        });
        if let Some(chain) = chain {
            let task = running(inspection, *thread, chain);
            inspection.tasks.push(task);
        }
    }
    for handle in handles {
        if inspection.interrupted() {
            runtime.incomplete.push("interrupted".into());
            break;
        }
        if let Some(object) = waiting(inspection.program, pool, *handle) {
            let mut task = task(inspection, Some(object), TaskState::Idle);
            task.address = *handle;
            inspection.tasks.push(task);
        }
    }
    let queue = queued(inspection, pool);
    runtime.injected = queue.as_ref().map(|queue| queue.len() as u64);
    if let Some(tasks) = queue.filter(|tasks| !tasks.is_empty()) {
        runtime.queues.push(RunQueue { place: QueuePlace::Shared, tasks });
    }
    runtime.listed_tasks = (inspection.tasks.len() - first) as u64;
    inspection.runtimes.push(runtime);
}

/// Adds the tasks that were spawned or woken and that no thread has taken yet, which a channel of
/// threads has; `None` where that cannot be read.
fn queued(inspection: &mut Inspection<'_>, pool: Value) -> Option<Vec<TaskIndex>> {
    let program = inspection.program;
    let receiver = pool.member(program, "rx").ok()?;
    let messages = channels::messages(program, receiver, MAX_QUEUED).ok()?;
    let mut found = Vec::new();
    for message in messages {
        if inspection.interrupted() {
            break;
        }
        // Others tell a thread to end.
        let Ok(Some(object)) = message.find_inline(program, FUTURE_OBJECT) else { continue };
        let mut task = task(inspection, Some(object), TaskState::Scheduled);
        if let Ok(Some(handle)) = message.find_through_pointers(program, WAKE_HANDLE.newest()) {
            task.address = handle.address;
        }
        found.push(TaskIndex(u32::try_from(inspection.tasks.len()).unwrap_or(u32::MAX)));
        inspection.tasks.push(task);
    }
    Some(found)
}

/// The future in a handle that wakers share, if it is one of that pool's and the task waits: memory
/// that was freed may have been a handle.
fn waiting(program: &Program<'_>, pool: Value, address: u64) -> Option<Value> {
    const COUNTED: &str = "alloc::sync::ArcInner<futures_executor::thread_pool::WakeHandle>";
    let layouts = program.layouts(pool.ty.module);
    let ty = |name| {
        let id = *layouts.types_named(name, None).ok()?.first()?;
        Some(Ty { module: pool.ty.module, id })
    };
    let counted = ty(COUNTED)?;
    let data = program.type_of(counted).ok()?.member("data")?.offset;
    let counted = Value { ty: counted, address: address.wrapping_sub(data) };
    let owners = counted.member(program, "strong").ok()?.unsigned(program).ok()?;
    let weak = counted.member(program, "weak").ok()?.unsigned(program).ok()?;
    let is_alive = (1..1 << 24).contains(&owners) && (1..1 << 24).contains(&weak);
    let handle = counted.member(program, "data").ok().filter(|_| is_alive)?;
    let of = handle.member(program, "exec").ok()?;
    let of = of.find_through_pointers(program, POOL_STATE.newest()).ok()??;
    let mutex = handle.member(program, "mutex").ok()?;
    let status = mutex.member(program, "status").ok()?.unsigned(program).ok()?;
    if of.address != pool.address || status != WAITING {
        return None;
    }
    mutex.member(program, "inner").ok()?.find_inline(program, FUTURE_OBJECT).ok()?
}
