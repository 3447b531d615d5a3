//! The executors of futures that tasks are spawned on: `LocalPool` and `ThreadPool`.
//!
//! Nothing but variables on stacks leads to either. Of a `LocalPool` these have its tasks, in a
//! `FuturesUnordered`. A `ThreadPool` keeps none: a task that waits is owned by its own wakers.
//!
//! Source: `futures-executor/src/{local_pool,thread_pool,unpark_mutex}.rs`,
//! `futures-task/src/future_obj.rs` (0.3.24 to 0.3.34).

mod expected;
mod local;
mod threads;

pub(super) use self::expected::{EXPECTATIONS, NAMED_TYPES};
pub(super) use self::local::POLL;
pub(super) use self::threads::RUN;
use crate::knowledge::naming::version_in_path;
use crate::report::{
    Chain, Driver, Flavor, FrameSource, FutureType, Runtime, SiteId, Task, TaskId, TaskIndex,
    TaskKind, TaskState, TaskWakers, ThreadRef, Trust,
};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::stacks::beginning;
use crate::walk::stacks::stack_future;

const NAME: &str = "futures";
/// What all of it has in its paths.
const PATH: &str = "futures_executor::";
const FUTURE_OBJECT: &str = "futures_task::future_obj::LocalFutureObj<";

/// Finds the pools and their tasks.
pub(in crate::libraries) fn discover(inspection: &mut Inspection<'_>) {
    let has_pools = |module: &crate::target::Module| {
        let known = |name: &str| {
            let types = module.layouts.types_named(name, None);
            types.is_ok_and(|types| !types.is_empty())
        };
        EXPECTATIONS.iter().any(|expected| expected.names().any(known))
    };
    if !inspection.program.modules().iter().any(has_pools) {
        return;
    }
    let variables = variables(inspection.program);
    let first = inspection.tasks.len();
    let prefix = if inspection.has_spawned_tasks() { "f" } else { "" };
    local::add(inspection, &variables);
    threads::add(inspection, &variables);
    // It has no ids of its own: the numbers are in the order in which the pools have the tasks.
    for (number, task) in (1..).zip(&mut inspection.tasks[first..]) {
        task.id = TaskId(format!("{prefix}{number}"));
    }
    let ids: Vec<_> = inspection.tasks[first..]
        .iter()
        .filter_map(|task| Some((task.runtime?, task.thread?, task.id.clone())))
        .collect();
    for (runtime, thread, id) in ids {
        let workers = &mut inspection.runtimes[runtime].workers;
        let of_thread = workers.iter_mut().filter(|worker| worker.thread == Some(thread));
        of_thread.for_each(|worker| worker.task = Some(id.clone()));
    }
}

/// A variable on a stack whose type has a pool's in its name.
struct Found {
    thread: ThreadRef,
    value: Value,
    /// Whether a function of the pool's own has it, which runs it.
    is_own: bool,
    /// Whether the thread is in a method of a `LocalPool`: there may be nothing left of the variables of
    /// inlined ones.
    is_inside: bool,
}

fn variables(program: &Program<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for thread in program.target().threads() {
        let reference = ThreadRef { number: thread.number, tid: thread.tid };
        let frames = program.stack(thread);
        let calls = beginning::calls_of(program, &frames);
        let is_inside = calls.iter().any(|on| on.call.function.name.starts_with(local::METHODS));
        for frame in frames.iter() {
            if program.is_interrupted() {
                return found;
            }
            let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
            for variable in program.layouts(module).variables_at(address).unwrap_or_default() {
                let ty = Ty { module, id: variable.ty };
                let leads = program.type_of(ty).is_ok_and(|layout| leads(&layout.name));
                let place = leads.then(|| stack_future::place(program, module, &variable, frame));
                if let Some((_, value)) = place.flatten() {
                    let is_own = variable.function.starts_with(PATH);
                    found.push(Found { thread: reference, value, is_own, is_inside });
                }
            }
        }
    }
    found
}

/// Whether a type of that name is a pool, refers to one or has one in it: no future, which may have
/// anything.
fn leads(name: &str) -> bool {
    name.contains(PATH) && name.contains("Pool") && !name.contains("{async_")
}

/// A task that a thread polls, with what its stack shows.
fn running(inspection: &mut Inspection<'_>, thread: ThreadRef, chain: Chain) -> Task {
    let mut task = task(inspection, None, TaskState::Running);
    task.thread = Some(thread);
    // Its own future, not what a pool has it in.
    let is_pools = |site: &SiteId| {
        let name = &inspection.site(*site).type_name;
        name.starts_with("futures_") || name.contains("FutureObj<")
    };
    task.root = chain.frames.iter().map(|frame| frame.site).find(|site| !is_pools(site));
    task.chain = chain;
    task.trust = Trust { is_stale: true, ..Trust::of(FrameSource::NativeStack) };
    task
}

/// A task with that future, the object of a trait that owns it.
fn task(inspection: &mut Inspection<'_>, object: Option<Value>, state: TaskState) -> Task {
    let mut task = Task {
        id: TaskId(String::new()),
        runtime: Some(inspection.runtimes.len()),
        kind: TaskKind::Task,
        state,
        root: None,
        address: 0,
        thread: None,
        spawned_at: None,
        chain: Chain::default(),
        trust: Trust { future: FutureType::Unknown, ..Trust::of(FrameSource::Nothing) },
        siblings_of_stack: None,
        panic: None,
        wakers: TaskWakers::default(),
        index: TaskIndex(0),
        problems: Vec::new(),
    };
    let program = inspection.program;
    let pointer = object.and_then(|object| object.member(program, "future").ok());
    let Some(future) = pointer.and_then(|pointer| inspection.behind_object(pointer)) else {
        let text = "the debug information does not name the type of its future";
        task.problems.extend(object.map(|_| text.to_string()));
        return task;
    };
    task.address = future.address;
    task.chain = inspection.chain(future);
    // Of an object of a trait the type is its own.
    let is_object = program.type_of(future.ty).is_ok_and(|layout| {
        let inside = layout.name.strip_prefix("core::pin::Pin<alloc::boxed::Box<");
        inside.is_some_and(|inside| inside.starts_with("dyn ") || inside.starts_with("(dyn "))
    });
    let first = task.chain.frames.first().map(|frame| frame.site).filter(|_| is_object);
    let root = first.or_else(|| inspection.site_of_type(future.ty));
    task.root = root.map(|site| inspection.named_root(site));
    task.trust = Trust::of(FrameSource::StateMachines);
    task
}

fn runtime(inspection: &Inspection<'_>, flavor: Flavor, pool: Value) -> Runtime {
    let module = pool.ty.module;
    Runtime {
        id: inspection.runtimes.len(),
        library: NAME,
        version: inspection.source_files(module).find_map(version_in),
        object: (module > 0).then(|| inspection.program.layouts(module).provenance().path),
        flavor,
        address: pool.address,
        workers: Vec::new(),
        driver: Driver::Unknown,
        injected: None,
        queues: Vec::new(),
        shutdown: None,
        blocking: None,
        counted_tasks: None,
        listed_tasks: 0,
        incomplete: Vec::new(),
    }
}

/// The version in the path of one of its files: `…/futures-executor-0.3.34/src/lib.rs`.
fn version_in(file: &str) -> Option<String> {
    version_in_path(file, "futures-executor")
}
