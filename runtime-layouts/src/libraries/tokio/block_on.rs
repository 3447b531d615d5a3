//! The futures of `block_on` calls. No list has them: only a stack frame does.
//!
//! Source: `tokio/src/runtime/park.rs` (`CachedParkThread::block_on`) and
//! `scheduler/current_thread/mod.rs` (`CoreGuard::block_on`, tokio 1.54.1): both pin the future in
//! their own frame and poll it from there. So do the calls of channels and locks for threads outside
//! of a runtime, as `Sender::blocking_send` (`future/block_on.rs`, `runtime/context/blocking.rs`).

use super::block_on_stack::Doing;
use super::context::ThreadContext;
use super::scheduler::Scheduler;
use super::{block_on_stack, workers};
use crate::report::{
    Flavor, FrameSource, SiblingsOfStack, Task, TaskId, TaskIndex, TaskKind, TaskState, TaskWakers,
    Trust, WorkerState,
};
use crate::target::NativeFrame;
use crate::value::Program;
use crate::walk::Inspection;
use crate::walk::stacks::stack_future::StackFuture;

/// Adds the future of every thread that is inside `block_on`.
pub(super) fn add(
    inspection: &mut Inspection<'_>,
    module: usize,
    contexts: &[ThreadContext],
    schedulers: &[Scheduler],
    first_runtime: usize,
) {
    for context in contexts.iter().filter(|context| may_block_on(context, schedulers)) {
        if inspection.interrupted() {
            return;
        }
        let Some(frames) = frames_of(inspection, module, context) else { continue };
        if drops_a_runtime(inspection.program, &frames) {
            continue;
        }
        let state = state(inspection.program, context, &frames);
        // Without a `block_on` on its stack the thread is a worker, or holds an `enter` guard.
        let Some(found) = block_on_stack::future(inspection, &frames, state) else { continue };
        let runtime = context.scheduler(inspection).and_then(|entered| {
            schedulers.iter().position(|known| known.address == entered.address)
        });
        let runtime = runtime.map(|index| first_runtime + index);
        let task = task(inspection, context, found, state, runtime);
        inspection.tasks.push(task);
    }
}

/// Whether a thread is inside a runtime, but not as one of its multi-threaded workers alone, or may
/// wait for a channel or a lock outside of one: a thread for blocking work, or one of the program's.
fn may_block_on(context: &ThreadContext, schedulers: &[Scheduler]) -> bool {
    if is_outside(context) {
        return true;
    }
    let drives_multi_thread = context.worker.as_ref().is_some_and(|worker| {
        schedulers.iter().any(|scheduler| {
            scheduler.address == worker.scheduler && scheduler.flavor == Flavor::MULTI_THREAD
        })
    });
    // A worker blocks on a future inside of a task that is in `block_in_place`: with a handle it enters
    // the runtime again, as `Mutex::blocking_lock` it does not.
    let is_in_place = context.current_task.is_some();
    let is_inside = context.entered && context.handle.is_some();
    (is_inside && !drives_multi_thread) || ((is_inside || !context.entered) && is_in_place)
}

/// Whether a thread waits for the threads of a runtime that it drops: of that the runtime tells
/// (`runtime/blocking/shutdown.rs`, tokio 1.0 to 1.54).
fn drops_a_runtime(program: &Program<'_>, frames: &[NativeFrame]) -> bool {
    const WAITS: &str = "tokio::runtime::blocking::shutdown::";
    frames.iter().any(|frame| {
        let Some((module, address)) = program.module_at(frame.pc.lookup()) else { return false };
        let calls = program.layouts(module).calls_at(address).unwrap_or_default();
        calls.iter().any(|call| call.function.name.starts_with(WAITS))
    })
}

/// Whether a thread drives no runtime.
fn is_outside(context: &ThreadContext) -> bool {
    !context.entered && context.worker.is_none()
}

/// The native frames of a thread in one module's code; `None`, with a problem on the inspection for a
/// thread that surely blocks on a future, when its stack cannot be unwound.
fn frames_of(
    inspection: &mut Inspection<'_>,
    module: usize,
    context: &ThreadContext,
) -> Option<Vec<NativeFrame>> {
    let target = inspection.program.target();
    let thread = &target.threads()[context.index];
    let mut frames = inspection.program.stack(thread).to_vec();
    if frames.is_empty() && is_outside(context) {
        return None;
    }
    if frames.is_empty() {
        inspection.problem(format!(
            "thread {} (tid {}): unhang cannot unwind its stack, so the future that it blocks \
             on is not shown",
            thread.number, thread.tid
        ));
        return None;
    }
    inspection.is_inside(context.thread);
    // A thread may block on a future of one tokio within a call that another one made.
    let program = &inspection.program;
    frames.retain(|frame| program.module_at(frame.pc.lookup()).is_none_or(|(of, _)| of == module));
    Some(frames)
}

/// The task of a future that a thread blocks on. While the thread polls it, its native stack shows
/// more than the future's saved state.
fn task(
    inspection: &mut Inspection<'_>,
    context: &ThreadContext,
    found: StackFuture,
    state: TaskState,
    runtime: Option<usize>,
) -> Task {
    let StackFuture { address, mut chain, mut source } = found;
    let root = chain.frames.first().map(|frame| frame.site);
    let mut siblings_of_stack = None;
    if state == TaskState::Running
        && let Some(native) =
            inspection.native_chain(context.thread, &block_on_stack::is_block_on_name)
    {
        siblings_of_stack = SiblingsOfStack::stored(std::mem::replace(&mut chain, native));
        source = FrameSource::NativeStack;
    }
    let is_main = inspection.is_main(context.thread);
    Task {
        id: TaskId(if is_main { "main".into() } else { format!("b{}", context.thread.number) }),
        runtime,
        kind: TaskKind::BlockOn,
        state,
        root,
        address,
        thread: Some(context.thread),
        spawned_at: None,
        chain,
        trust: Trust { is_stale: state == TaskState::Running, ..Trust::of(source) },
        siblings_of_stack,
        panic: None,
        wakers: wakers(context, state, address),
        index: TaskIndex(0),
        problems: Vec::new(),
    }
}

/// The wakers of the future at that address that a thread blocks on. One that drives a scheduler itself
/// is woken through that one, to which others refer too.
fn wakers(context: &ThreadContext, state: TaskState, future: u64) -> TaskWakers {
    let parker = context.parker.filter(|_| context.worker.is_none());
    let is_idle = state == TaskState::Idle && parker.is_some_and(|parker| parker.is_parked);
    // Without its frames it is not known whether the future was made to wait for ever.
    let counts = is_idle && future != 0;
    TaskWakers {
        at_most: parker.and_then(|parker| parker.wakers).filter(|_| counts),
        parker: parker.map(|parker| parker.address),
        ..TaskWakers::default()
    }
}

/// Whether the thread is polling the future now, or sleeps or polls something else.
fn state(program: &Program<'_>, context: &ThreadContext, frames: &[NativeFrame]) -> TaskState {
    let parked = match &context.worker {
        Some(worker) => workers::current_thread_state(program, worker.context)
            .map(|state| state == WorkerState::Parked)
            .ok(),
        None => context.parker.map(|parker| parker.is_parked),
    };
    // Before 1.18 a current-thread scheduler does not say it, and before 1.22 no thread says which
    // task it polls.
    let doing = block_on_stack::doing(program, frames);
    let parked = parked.or_else(|| doing.map(|doing| doing == Doing::Parks));
    match (parked, context.current_task) {
        _ if doing == Some(Doing::PollsTask) => TaskState::Idle,
        (Some(true), _) | (_, Some(_)) => TaskState::Idle,
        // It was woken, or does not sleep yet: it goes on either way.
        (Some(false), None) if doing == Some(Doing::Parks) => TaskState::Scheduled,
        (Some(false), None) => TaskState::Running,
        (None, None) => TaskState::Unknown,
    }
}
