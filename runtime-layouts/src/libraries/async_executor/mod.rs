//! async-executor and async-task: the executors of smol, async-std, async-global-executor, bevy_tasks,
//! zbus and others, and their tasks.
//!
//! No thread-local variable leads to an executor, and it has no list of its threads. What does: the
//! futures that threads block on, which borrow it while they run it; variables on the threads' stacks;
//! each of its tasks, by the function that schedules it; and so the handles of these.

mod executors;
mod expected;
pub(in crate::libraries) mod join;
pub(in crate::libraries) mod polled;
mod queues;
mod state;
pub(in crate::libraries) mod task;
mod threads;

use std::collections::HashMap;

use rustc_hash::FxHashSet;

use self::executors::{Executor, Executors};
use crate::knowledge::children::{Children, Part, Types};
use crate::knowledge::{CollectionType, Library, ResourceType, Runtime};
use crate::layout::Type;
use crate::layout::source::LayoutError;
use crate::report::{Task, TaskId, TaskIndex, TaskState};
use crate::value::{Program, Ty, Value};
use crate::walk::waits::waker_sweep;
use crate::walk::{Inspection, LiveValue};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    runtime: Some(Runtime {
        root: None,
        // In the paths of its panics, and in those of its tasks (4.0 to 4.7).
        text: b"async-task-",
        task_polls: &[task::RUN],
        pool_loops: &[POOL_LOOP],
    }),
    expectations: expected::EXPECTATIONS,
    named_types: expected::NAMED_TYPES,
    statics: &STATICS,
    defining_crates: &["async_executor", "async_task"],
    passing_on: &["async_task::", "async_executor::"],
    // `run`, and in 1.5 `spawn`; `async-std/src/task/builder.rs` (1.13.2).
    around: &["async_executor::", "async_std::task::builder::SupportTaskLocals<"],
    collections: &[&[CollectionType {
        types: Types::Of("futures_lite::future::Or"),
        children: beside,
    }]],
    public_paths: &[
        ("async_task::task::", "async_task::"),
        ("async_task::runnable::", "async_task::"),
    ],
    resources: &[
        ResourceType::of("async_task::task::Task", join::handle),
        ResourceType::of("async_task::task::FallibleTask", join::handle),
    ],
    handles: &["async_task::task::Task"],
    ..Library::named("async-executor")
};

/// What all of `blocking` has in its paths, whose closures are tasks of async-task too.
pub(in crate::libraries) const POOL: &str = "blocking::";
/// Where a thread of its pool takes one closure after the other.
pub(in crate::libraries) const POOL_LOOP: &str = "blocking::Executor::main_loop";

/// The types of static variables with an executor in them: of async-global-executor, smol 1 and 2, and
/// of programs.
const STATICS: [&str; 5] = [
    "async_executor::Executor",
    "async_executor::static_executors::StaticExecutor",
    "async_lock::once_cell::OnceCell<async_executor::Executor>",
    "once_cell::sync::OnceCell<async_executor::Executor>",
    "std::sync::once_lock::OnceLock<async_executor::Executor>",
];

/// Of what `run` awaits the future that it was given: the executor's own loop beside that one never ends,
/// and waits for nothing but tasks.
fn beside(program: &Program<'_>, ty: Ty, layout: &Type) -> Result<Option<Children>, LayoutError> {
    let (Some(first), Some(second)) = (layout.member("future1"), layout.member("future2")) else {
        return Ok(None);
    };
    let of = |id| Ty { module: ty.module, id };
    let second = &program.type_of(of(second.ty))?.name;
    let is_loop = second.starts_with("async_executor::")
        && second.contains("::run::{async_fn#0}::{async_block_env");
    let part = Part { offset: first.offset, ty: of(first.ty) };
    Ok(is_loop.then(|| Children::Parts(vec![part])))
}

/// A task that was spawned on an executor which a task of another one runs, and so on: no further.
const DEEPEST: usize = 16;

/// Finds every executor, and their tasks.
pub(super) fn discover(inspection: &mut Inspection<'_>) {
    let modules = inspection.program.modules();
    let has_state = |module: &crate::target::Module| {
        let types = module.layouts.types_named(expected::STATE.newest(), None);
        types.is_ok_and(|types| !types.is_empty())
    };
    if !modules.iter().any(has_state) {
        return;
    }
    inspection.knows_a_runtime = true;
    inspection.find_blocked_on();
    let first = inspection.tasks.len();
    let mut found = Executors::default();
    let (mut handles, mut seen) = (Vec::new(), FxHashSet::default());
    threads::seeds(inspection, &mut found, &mut handles);
    let mut read = first;
    for _ in 0..DEEPEST {
        if inspection.interrupted() {
            break;
        }
        executors::read_new(inspection, &mut found, &mut seen);
        add_unlisted(inspection, &mut found, std::mem::take(&mut handles), &mut seen);
        let until = inspection.tasks.len();
        if read == until && found.are_read() {
            break;
        }
        let mut kept: Vec<LiveValue> = Vec::new();
        inspection.handles_in(read..until, &mut kept);
        // What a moved variable left behind may lead anywhere.
        handles.extend(kept.iter().filter(|kept| !kept.may_be_moved).map(|kept| kept.value));
        threads::run_by_tasks(inspection, read..until, &mut found);
        read = until;
    }
    add_unkept(inspection, &mut found, &mut seen);
    threads::join(inspection, first, &mut found);
    finish(inspection, first, found);
}

/// Adds the tasks of handles that are in no list: those that have ended, and those of executors that
/// keep none.
fn add_unlisted(
    inspection: &mut Inspection<'_>,
    found: &mut Executors,
    handles: Vec<Value>,
    seen: &mut FxHashSet<u64>,
) {
    for handle in handles {
        if inspection.interrupted() {
            return;
        }
        let Ok(Some(header)) = join::header(inspection.program, handle) else { continue };
        if seen.contains(&header.address) {
            continue;
        }
        let (program, walker) = (inspection.program, &mut inspection.walker);
        let one = found.reader.read(program, walker, header, false);
        inspection.take_in_sites();
        let Ok(mut one) = one else { continue };
        inspection.numbers.apply_to_task(&mut one.task);
        let Some(executor) = one.executor else {
            // Of another library's, such as the pool of `blocking`, which finds its own closures.
            if one.is_of(program, POOL) {
                continue;
            }
            seen.insert(header.address);
            found.add_task(None, one.future, &one.task);
            inspection.tasks.push(one.task);
            continue;
        };
        let at = found.add(executor);
        if !found.is_read(at) {
            executors::read_new(inspection, found, seen);
        }
        if seen.insert(header.address) {
            found.add_task(Some(at), one.future, &one.task);
            inspection.tasks.push(one.task);
        }
    }
}

/// Adds the tasks of static executors, which keep no list: those in their queues, and those of which a
/// waker is in memory.
fn add_unkept(inspection: &mut Inspection<'_>, found: &mut Executors, seen: &mut FxHashSet<u64>) {
    if !found.have_static() {
        return;
    }
    let program = inspection.program;
    let kept = || found.all.iter().filter(|executor| executor.is_static);
    let queued = kept().flat_map(|executor| queues::shared(program, executor.state));
    let known = kept().map(|executor| executor.state.address);
    let known = known.chain(inspection.tasks.iter().map(|task| task.address));
    let woken = waker_sweep::woken_by(program, known, &task::is_wake);
    let headers: Vec<u64> = queued.chain(woken).collect();
    for address in headers {
        if inspection.interrupted() {
            return;
        }
        let modules = 0..program.modules().len();
        for header in modules.filter_map(|module| task::header_type(program, module)) {
            if seen.contains(&address) {
                break;
            }
            let header = Value { ty: header, address };
            if !task::may_be_alive(program, header) {
                continue;
            }
            let one = found.reader.read(program, &mut inspection.walker, header, false);
            inspection.take_in_sites();
            let Ok(mut one) = one else { continue };
            let executor = one.executor.map(|state| state.address);
            let at = found
                .all
                .iter()
                .position(|known| known.is_static && Some(known.state.address) == executor);
            let Some(at) = at.filter(|_| !is_ended(&one.task)) else { continue };
            inspection.numbers.apply_to_task(&mut one.task);
            seen.insert(address);
            found.add_task(Some(at), one.future, &one.task);
            inspection.tasks.push(one.task);
        }
    }
}

fn is_ended(task: &Task) -> bool {
    matches!(task.state, TaskState::Complete | TaskState::Cancelled)
}

/// Gives the tasks their executors and ids, in order.
fn finish(inspection: &mut Inspection<'_>, first: usize, found: Executors) {
    let group = first_group(&inspection.tasks[..first]);
    let kept = shown(&found.all);
    let mut numbers: HashMap<u64, (usize, usize)> = HashMap::new();
    let first_runtime = inspection.runtimes.len();
    for (order, executor) in kept.iter().enumerate() {
        for (task, number) in executor.numbers() {
            numbers.insert(task, (order, number));
        }
    }
    let others = kept.len();
    let mut unknown = 0;
    let mut places: Vec<((usize, usize), Task)> = Vec::new();
    for mut task in inspection.tasks.drain(first..) {
        let place = numbers.get(&task.address).copied().unwrap_or_else(|| {
            unknown += 1;
            (others, unknown)
        });
        task.id = id(group + place.0, place.1);
        task.runtime = (place.0 < others).then_some(first_runtime + place.0);
        places.push((place, task));
    }
    places.sort_by_key(|(place, _)| *place);
    inspection.tasks.extend(places.into_iter().map(|(_, task)| task));
    let mut by_address: HashMap<u64, TaskIndex> = HashMap::new();
    for (index, task) in (0..).map(TaskIndex).zip(&inspection.tasks).skip(first) {
        by_address.insert(task.address, index);
    }
    for (order, executor) in kept.iter().enumerate() {
        let runtime = executor.runtime(inspection, first_runtime + order, &by_address);
        inspection.runtimes.push(runtime);
    }
    threads::leave_out_loops(inspection, &found);
    if kept.iter().any(|executor| executor.has_tasks()) {
        inspection.caveats.push(CAVEAT.to_string());
    }
}

const CAVEAT: &str = "The ids of async-executor's tasks are their places in the executor's list: its \
                      tasks have no ids of their own.";

/// The executors that are shown: those with tasks. Each thread of async-std's has one of its own, mostly
/// without any; where none has any, the one that most threads run.
fn shown(all: &[Executor]) -> Vec<&Executor> {
    let kept: Vec<&Executor> = all.iter().filter(|executor| executor.has_tasks()).collect();
    match kept.is_empty() {
        true => {
            let run = all.iter().filter(|executor| !executor.threads.is_empty());
            run.max_by_key(|executor| executor.threads.len()).into_iter().collect()
        }
        false => kept,
    }
}

/// The number of the first executor among all that number their tasks: tokio's count first.
pub(in crate::libraries) fn first_group(tasks: &[Task]) -> usize {
    let group = |task: &Task| {
        let (group, number) = task.id.0.split_once('.').unwrap_or(("1", &task.id.0));
        number.parse::<u64>().ok()?;
        group.parse::<usize>().ok()
    };
    tasks.iter().filter_map(group).max().unwrap_or(0) + 1
}

/// The id of a task by the number of its executor and its own.
pub(in crate::libraries) fn id(group: usize, number: usize) -> TaskId {
    TaskId(match group {
        1 => number.to_string(),
        _ => format!("{group}.{number}"),
    })
}

/// Whether a task is being polled.
fn is_running(task: &Task) -> bool {
    task.state == TaskState::Running
}
