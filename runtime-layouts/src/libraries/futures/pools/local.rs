//! `LocalPool`: the tasks of one thread.
//!
//! Source: `futures-executor/src/local_pool.rs`, `futures-util/src/stream/futures_unordered/task.rs`
//! (0.3.24 to 0.3.34): those that were spawned and not taken into the set yet are `incoming`.

use super::expected::LOCAL_POOL;
use super::{FUTURE_OBJECT, Found, running, runtime, task};
use crate::layout::name::plain_path;
use crate::report::{Chain, Flavor, Pollers, TaskState, ThreadRef, Worker, WorkerState};
use crate::value::slices::SliceLayout;
use crate::value::{Program, Value, ValueError};
use crate::walk::Inspection;

const FLAVOR: Flavor = Flavor::new("local_pool", Pollers::One).without_pool();
/// The beginning of the names of its methods.
pub(super) const METHODS: &str = "futures_executor::local_pool::LocalPool::";
/// What polls those of its tasks that were woken, without generic arguments. One that is polled is not
/// in the set meanwhile.
pub(in super::super) const POLL: &str = "futures_executor::local_pool::LocalPool::poll_pool";
/// Tasks of one pool that are looked at.
const MAX_TASKS: usize = 1 << 20;

/// Adds the pools that variables are or refer to, and their tasks, oldest first.
pub(super) fn add(inspection: &mut Inspection<'_>, variables: &[Found]) {
    let program = inspection.program;
    let mut pools: Vec<(Value, Option<ThreadRef>)> = Vec::new();
    let mut inside: Vec<(u64, ThreadRef)> = Vec::new();
    for variable in variables {
        let pool = variable.value.find_through_pointers(program, LOCAL_POOL.newest());
        let Ok(Some(pool)) = pool else { continue };
        let thread = variable.is_own.then_some(variable.thread);
        let pair = (pool.address, variable.thread);
        if variable.is_inside && !inside.contains(&pair) {
            inside.push(pair);
        }
        match pools.iter_mut().find(|(known, _)| known.address == pool.address) {
            Some((_, known)) => *known = known.or(thread),
            None if is_sound(program, pool) => pools.push((pool, thread)),
            None => {}
        }
    }
    for (pool, thread) in pools {
        // Of several pools that a thread has it may be any.
        let of = |(address, _): &&(u64, ThreadRef)| *address == pool.address;
        let is_only = |(_, thread): &&(u64, ThreadRef)| {
            inside.iter().filter(|(_, other)| other == thread).count() == 1
        };
        let only = inside.iter().filter(of).find(is_only).map(|(_, thread)| *thread);
        let thread = thread.or(only);
        add_pool(inspection, pool, thread);
    }
}

/// A variable may not be set yet, or moved from: a pool that nobody has runs nothing.
fn is_sound(program: &Program<'_>, pool: Value) -> bool {
    let length = set_of(program, pool).and_then(|set| nodes(program, set, 1));
    length.is_ok() && incoming(program, pool).is_ok()
}

fn add_pool(inspection: &mut Inspection<'_>, pool: Value, thread: Option<ThreadRef>) {
    let program = inspection.program;
    let mut runtime = runtime(inspection, FLAVOR, pool);
    let nodes = set_of(program, pool).and_then(|set| nodes(program, set, MAX_TASKS));
    let nodes = nodes.unwrap_or_else(|error| {
        runtime.incomplete.push(format!("the list of its tasks: {error}"));
        Vec::new()
    });
    if nodes.len() == MAX_TASKS {
        runtime.incomplete.push("it has more tasks than unhang reads".into());
    }
    let waiting = incoming(program, pool).unwrap_or_default();
    let first = inspection.tasks.len();
    for node in nodes.into_iter().rev() {
        if inspection.interrupted() {
            runtime.incomplete.push("interrupted".into());
            break;
        }
        let Ok(future) = node.member(program, "future") else { continue };
        // The set's first node is a stub, and a task that has ended stays until it is taken out.
        let Ok(Some(object)) = future.find_inline(program, FUTURE_OBJECT) else { continue };
        let is_queued = node.member(program, "queued").and_then(|queued| queued.unsigned(program));
        let state = match is_queued {
            Ok(0) => TaskState::Idle,
            _ => TaskState::Scheduled,
        };
        let mut task = task(inspection, Some(object), state);
        // Its wakers point to the node.
        task.address = node.address;
        inspection.tasks.push(task);
    }
    for object in waiting {
        let task = task(inspection, Some(object), TaskState::Scheduled);
        inspection.tasks.push(task);
    }
    let is_poll = |function: &str| plain_path(function) == POLL;
    let polled = thread.and_then(|thread| inspection.native_chain(thread, &is_poll));
    let is_task = |chain: &Chain| {
        let mut names = chain.frames.iter().map(|frame| &inspection.site(frame.site).type_name);
        names.any(|name| name.contains("LocalFutureObj<"))
    };
    let polled = polled.filter(is_task);
    let state = if polled.is_some() { WorkerState::Running } else { WorkerState::Parked };
    if let Some((thread, chain)) = thread.zip(polled) {
        let task = running(inspection, thread, chain);
        inspection.tasks.push(task);
    }
    if thread.is_none() {
        // That no thread is found says nothing.
        runtime.flavor.pollers = Pollers::Unknown;
    }
    runtime.listed_tasks = (inspection.tasks.len() - first) as u64;
    // `LocalPool::new().run_until(…)`: the future that a thread blocks on is all that there is.
    if runtime.listed_tasks == 0 && runtime.incomplete.is_empty() {
        return;
    }
    runtime.workers.extend(thread.map(|thread| Worker {
        index: 0,
        thread: Some(thread),
        state,
        task: None,
        queued: None,
    }));
    inspection.runtimes.push(runtime);
}

fn set_of(program: &Program<'_>, pool: Value) -> Result<Value, ValueError> {
    pool.member(program, "pool")
}

/// The nodes of a set, the newest first.
fn nodes(program: &Program<'_>, set: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let head = set.member(program, "head_all")?;
    let mut is_pointer = |ty: &crate::layout::Type| {
        matches!(ty.kind, crate::layout::TypeKind::Pointer { target: Some(_) })
    };
    let reach = crate::value::path::Reach::INLINE;
    let path = crate::value::path::find(program, head.ty, reach, &mut is_pointer);
    let pointer = path.map(|path| path.follow(program, head)).transpose()?.flatten();
    let mut next = pointer.map(|pointer| pointer.pointee(program)).transpose()?.flatten();
    let mut found = Vec::new();
    while let Some(node) = next {
        if found.len() == most || program.is_interrupted() {
            break;
        }
        found.push(node);
        let address = node.member(program, "next_all")?.unsigned(program)?;
        next = (address != 0).then_some(Value { address, ..node });
    }
    Ok(found)
}

/// The futures that were spawned and not taken into the set yet.
fn incoming(program: &Program<'_>, pool: Value) -> Result<Vec<Value>, ValueError> {
    const VECTOR: &str = "alloc::vec::Vec<futures_task::future_obj::LocalFutureObj<";
    let vector = pool.member(program, "incoming")?.find_through_pointers(program, VECTOR)?;
    let Some(vector) = vector else { return Ok(Vec::new()) };
    let layout = SliceLayout::of_vec(program, vector.ty, vector.layout(program)?)?;
    let Some(layout) = layout else { return Ok(Vec::new()) };
    let slice = layout.read(program, vector)?;
    let at = |index: u64| Value {
        ty: slice.element,
        address: slice.start.wrapping_add(index.wrapping_mul(slice.size)),
    };
    Ok((0..slice.count.min(MAX_TASKS as u64)).map(at).collect())
}
