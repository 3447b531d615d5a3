//! Which tasks are being polled, and on which threads executors run: stacks tell.
//!
//! An interrupt is on top of the stack that it interrupts, so one stack may show polls of several
//! tasks, each of another executor.

use super::pools::is_poll;
use crate::layout::name::plain_path;
use crate::layout::{Call, Function, Type};
use crate::report::{
    FrameSource, Pollers, SiblingsOfStack, Task, TaskState, ThreadRef, Worker, WorkerState,
};
use crate::target::{NativeFrame, Thread};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::stacks::stack_future;

/// What polls the tasks of an executor, and what calls that, without generic arguments.
const EXECUTOR: &str = "embassy_executor::";
/// What looks for tasks to poll, once there may be some.
const BUSY: [&str; 2] = [
    "embassy_executor::raw::SyncExecutor::poll",
    "embassy_executor::raw::run_queue::RunQueue::dequeue_all",
];
const TASK_REF: &str = "embassy_executor::raw::TaskRef";
const SYNC_EXECUTOR: &str = "embassy_executor::raw::SyncExecutor";

/// A poll on a stack.
struct Poll {
    /// The type of the future.
    future: Ty,
    /// The header of the task; `None` where the variable is optimized away.
    header: Option<u64>,
}

/// Marks the tasks that threads are polling, and says which thread runs which executor.
pub(super) fn mark(inspection: &mut Inspection<'_>, first_task: usize, first_runtime: usize) {
    let program = inspection.program;
    for thread in program.target().threads() {
        if inspection.interrupted() {
            return;
        }
        let frames = program.stack(thread);
        let look = look(program, &frames);
        let reference = ThreadRef { number: thread.number, tid: thread.tid };
        for (depth, poll) in look.polls.iter().enumerate() {
            if let Some(task) = polled(inspection, first_task, poll) {
                show_running(inspection, task, reference, depth == 0);
            }
        }
        if look.is_inside {
            add_worker(inspection, thread, &look, (first_task, first_runtime));
        }
    }
    // An interrupt runs one only now and then, and a stack need not be described: that no thread is
    // found says nothing.
    for runtime in &mut inspection.runtimes[first_runtime..] {
        if runtime.workers.is_empty() {
            runtime.flavor.pollers = Pollers::Unknown;
        }
    }
}

/// What a stack shows of executors.
#[derive(Default)]
struct Look {
    /// The polls of tasks, the innermost first.
    polls: Vec<Poll>,
    /// The executors that its frames refer to.
    executors: Vec<u64>,
    /// Whether an executor's code is on it.
    is_inside: bool,
    /// Whether that looks for tasks to poll.
    is_busy: bool,
}

fn look(program: &Program<'_>, frames: &[NativeFrame]) -> Look {
    let mut found = Look::default();
    for frame in frames {
        if program.is_interrupted() {
            break;
        }
        let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
        let calls = program.layouts(module).calls_at(address).unwrap_or_default();
        let is_own = |call: &Call| call.function.name.starts_with(EXECUTOR);
        if !calls.iter().any(is_own) {
            continue;
        }
        found.is_inside = true;
        found.is_busy |= calls.iter().any(|call| BUSY.contains(&&*plain_path(&call.function.name)));
        let variables = program.layouts(module).variables_at(address).unwrap_or_default();
        let places =
            || variables.iter().filter_map(|it| stack_future::place(program, module, it, frame));
        found.executors.extend(places().filter_map(|(_, value)| executor_of(program, value)));
        let poll = calls.iter().find(|call| is_poll(&call.function.name));
        if let Some(future) = poll.and_then(|call| future_of(module, &call.function)) {
            let header = places().find_map(|(_, value)| header_of(program, value));
            found.polls.push(Poll { future, header });
        }
    }
    found
}

fn future_of(module: usize, function: &Function) -> Option<Ty> {
    function.type_parameters.first().map(|parameter| Ty { module, id: parameter.ty })
}

/// The header that a variable of type `TaskRef` points to.
fn header_of(program: &Program<'_>, value: Value) -> Option<u64> {
    let is_reference = &*program.type_of(value.ty).ok()?.name == TASK_REF;
    is_reference.then(|| program.read_pointer(value.address).ok())?
}

/// The executor that a variable is a reference to: `self` of `run` or `poll`.
fn executor_of(program: &Program<'_>, value: Value) -> Option<u64> {
    let mut is_executor = |ty: &Type| &*ty.name == SYNC_EXECUTOR;
    let pointer = program.type_of(value.ty).ok()?;
    if !pointer.name.starts_with('&') || !pointer.name.contains(EXECUTOR) {
        return None;
    }
    let target = value.pointee(program).ok()??;
    let path = path::find(program, target.ty, Reach::INLINE, &mut is_executor)?;
    Some(path.follow(program, target).ok()??.address)
}

/// The task that is polled there: by its header, or as the only one that has such a future.
fn polled(inspection: &Inspection<'_>, first_task: usize, poll: &Poll) -> Option<usize> {
    let mut tasks = (first_task..).zip(&inspection.tasks[first_task..]);
    if let Some(header) = poll.header {
        return tasks.find(|(_, task)| task.address == header).map(|(index, _)| index);
    }
    let program = inspection.program;
    let name = |ty: Ty| program.type_of(ty).ok().map(|layout| &*layout.name);
    let wanted = name(poll.future)?;
    let has_type = |task: &Task| {
        let root = task.root.and_then(|root| inspection.type_of_site(root));
        root.and_then(name) == Some(wanted)
    };
    let mut of_type = tasks.filter(|(_, task)| has_type(task));
    let (found, _) = of_type.next()?;
    of_type.next().is_none().then_some(found)
}

/// Shows a task as one that a thread polls: with that thread's frames, where no other task's are on
/// top of them.
fn show_running(
    inspection: &mut Inspection<'_>,
    task: usize,
    thread: ThreadRef,
    is_innermost: bool,
) {
    let chain = if is_innermost { inspection.native_chain(thread, &is_poll) } else { None };
    let task = &mut inspection.tasks[task];
    task.state = TaskState::Running;
    task.thread = Some(thread);
    task.trust.is_stale = true;
    if let Some(chain) = chain {
        let stored = std::mem::replace(&mut task.chain, chain);
        task.siblings_of_stack = SiblingsOfStack::stored(stored);
        task.trust.source = FrameSource::NativeStack;
    }
}

/// Says that a thread runs an executor: the one that its frames refer to, or the only one there is.
fn add_worker(
    inspection: &mut Inspection<'_>,
    thread: &Thread,
    look: &Look,
    (first_task, first_runtime): (usize, usize),
) {
    let reference = ThreadRef { number: thread.number, tid: thread.tid };
    let polls: Vec<usize> = inspection.tasks[first_task..]
        .iter()
        .filter(|task| task.thread == Some(reference))
        .filter_map(|task| task.runtime)
        .collect();
    let runtimes = &mut inspection.runtimes[first_runtime..];
    let is_only = runtimes.len() == 1;
    for runtime in runtimes {
        let is_polling = polls.contains(&runtime.id);
        if is_only || is_polling || look.executors.contains(&runtime.address) {
            let is_busy = is_polling || look.is_busy;
            let state = if is_busy { WorkerState::Running } else { WorkerState::Parked };
            let index = runtime.workers.len();
            runtime.workers.push(Worker {
                index,
                thread: Some(reference),
                state,
                task: None,
                queued: None,
            });
        }
    }
}
