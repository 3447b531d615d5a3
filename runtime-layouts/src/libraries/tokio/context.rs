//! The runtime context of a thread: the thread-local `tokio::runtime::context::CONTEXT`.
//!
//! Source: `tokio/src/runtime/context.rs` (tokio 1.54.1). Before 1.22 the thread-local held the
//! runtime's handle alone.

use super::expected::{
    self, CONTEXT_TYPE, ENTERED, HANDLE, PARK_INNER, PARKER, SCHEDULER_CONTEXT, SCOPED,
    SCOPED_CONTEXTS, TASK_ID, WORKER,
};
use super::scheduler::{self, Scheduler};
use crate::knowledge::expectation::Expectation;
use crate::layout::{Type, TypeKind};
use crate::report::ThreadRef;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::Inspection;
use crate::walk::search::shared::is_arc_inner;

/// What one thread's context says.
pub(super) struct ThreadContext {
    /// The thread.
    pub(super) thread: ThreadRef,
    /// Its index in the target's list.
    pub(super) index: usize,
    /// The `scheduler::Handle` of the runtime that it is inside of; `None` when it is in none.
    pub(super) handle: Option<Value>,
    /// The task that it polls; `None` when it polls none.
    pub(super) current_task: Option<u64>,
    /// Whether it would say which task it polls: not before 1.22.
    pub(super) names_task: bool,
    /// Whether the thread drives a runtime: as a worker, or in `block_on`.
    pub(super) entered: bool,
    /// What it sleeps with in `block_on`; `None` when that is not known.
    pub(super) parker: Option<Parker>,
    /// The scheduler whose worker it is; `None` when it is none.
    pub(super) worker: Option<WorkerContext>,
}

impl ThreadContext {
    /// The scheduler that the thread is inside of; `None` when it is in none.
    pub(super) fn scheduler(&self, inspection: &mut Inspection<'_>) -> Option<Scheduler> {
        let handle = self.handle?;
        match scheduler::of_handle(inspection.program, handle) {
            Ok(scheduler) => scheduler,
            Err(error) => {
                inspection.problem(format!(
                    "thread {} (tid {}): its runtime handle cannot be read: {error}",
                    self.thread.number, self.thread.tid
                ));
                None
            }
        }
    }
}

/// What a thread sleeps with that blocks on a future outside of a scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Parker {
    /// Where it is: the data pointer of the wakers of that future.
    pub(super) address: u64,
    /// Whether the thread sleeps, and nothing has woken it.
    pub(super) is_parked: bool,
    /// How many wakers of the future exist, at most; `None` when that is not known.
    pub(super) wakers: Option<u32>,
}

/// A thread's role as a worker.
pub(super) struct WorkerContext {
    /// The address of the scheduler's identity.
    pub(super) scheduler: u64,
    /// Its index among the scheduler's workers.
    pub(super) index: usize,
    /// The scheduler's context on that thread.
    pub(super) context: Value,
}

/// The contexts that threads have of the runtimes in one module, as far as they can be read.
pub(super) fn of_all_threads(inspection: &mut Inspection<'_>, module: usize) -> Vec<ThreadContext> {
    let mut contexts = Vec::new();
    let threads = inspection.program.target().threads();
    for (index, storage) in thread_locals_of(inspection, module, &expected::CONTEXT) {
        let thread = ThreadRef { number: threads[index].number, tid: threads[index].tid };
        match read(inspection.program, storage, thread, index) {
            Ok(Some(context)) => contexts.push(context),
            Ok(None) => {}
            Err(error) => inspection.problem(format!(
                "thread {} (tid {}): its tokio context cannot be read: {error}",
                thread.number, thread.tid
            )),
        }
    }
    for (index, storage) in thread_locals_of(inspection, module, &ENTERED) {
        if let Some(context) = contexts.iter_mut().find(|context| context.index == index) {
            context.entered = is_entered(inspection.program, storage).unwrap_or(true);
        }
    }
    for (index, storage) in thread_locals_of(inspection, module, &PARKER) {
        if let Some(context) = contexts.iter_mut().find(|context| context.index == index) {
            context.parker = parker(inspection.program, storage).ok().flatten();
        }
    }
    for (path, of_type) in SCOPED.names().zip(SCOPED_CONTEXTS.names()) {
        for (index, pointer) in inspection.thread_locals(module, path) {
            let Some(context) = contexts.iter_mut().find(|context| context.index == index) else {
                continue;
            };
            if context.worker.is_none() {
                let found = scoped_worker(inspection.program, pointer, of_type);
                context.worker = found.ok().flatten();
            }
        }
    }
    contexts
}

/// The worker whose context the untyped pointer in a thread-local points to.
fn scoped_worker(
    program: &Program<'_>,
    storage: Value,
    of_type: &str,
) -> Result<Option<WorkerContext>, ValueError> {
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let Some(path) = path::find(program, storage.ty, Reach::INLINE, &mut is_pointer) else {
        return Ok(None);
    };
    let Some(pointer) = path.follow(program, storage)? else { return Ok(None) };
    let address = program.read_pointer(pointer.address)?;
    let module = storage.ty.module;
    let types = program.layouts(module).types_named(of_type, Some(storage.ty.id))?;
    let Some(id) = types.first().filter(|_| address != 0) else { return Ok(None) };
    worker_of(program, Value { ty: Ty { module, id: *id }, address })
}

/// Every thread's copy of a thread-local, whatever its spelling, with the thread's index.
pub(super) fn thread_locals_of(
    inspection: &mut Inspection<'_>,
    module: usize,
    expected: &Expectation,
) -> Vec<(usize, Value)> {
    expected.names().flat_map(|path| inspection.thread_locals(module, path)).collect()
}

/// The parker that a thread-local keeps (`runtime/park.rs`, `Inner`).
///
/// `CachedParkThread::block_on` has a waker of its own as long as it runs, and the thread-local is one
/// more that owns it: all others are wakers that somebody keeps.
fn parker(program: &Program<'_>, storage: Value) -> Result<Option<Parker>, ValueError> {
    const PARKED: u64 = 1;
    const OWN: u64 = 2;
    let Some(path) = path::find(program, storage.ty, Reach::RUNTIME, &mut is_arc_inner) else {
        return Ok(None);
    };
    let Some(counted) = path.follow(program, storage)? else { return Ok(None) };
    let inner = counted.member(program, "data")?;
    if !PARK_INNER.is(inner.layout(program)?) {
        return Ok(None);
    }
    let owners = counted.find_number(program, "strong")?;
    let wakers = owners.and_then(|count| count.checked_sub(OWN));
    Ok(Some(Parker {
        address: inner.address,
        is_parked: inner.member(program, "state")?.unsigned(program)? == PARKED,
        wakers: wakers.and_then(|count| u32::try_from(count).ok()),
    }))
}

fn read(
    program: &Program<'_>,
    storage: Value,
    thread: ThreadRef,
    index: usize,
) -> Result<Option<ThreadContext>, ValueError> {
    let named = |wanted: Expectation| move |ty: &Type| wanted.is(ty);
    let to_context = path::find(program, storage.ty, Reach::INLINE, &mut named(CONTEXT_TYPE));
    let context = match to_context {
        Some(path) => path.follow(program, storage)?,
        // Before 1.22: the handle, and nothing around it.
        None => Some(storage),
    };
    let Some(context) = context else { return Ok(None) };
    let handle = match path::find(program, context.ty, Reach::INLINE, &mut named(HANDLE)) {
        Some(path) => path.follow(program, context)?,
        None => None,
    };
    let current_task = match context.member(program, "current_task_id") {
        Ok(cell) => match path::find(program, cell.ty, Reach::INLINE, &mut named(TASK_ID)) {
            Some(path) => match path.follow(program, cell)? {
                Some(id) => Some(id.unsigned(program)?),
                None => None,
            },
            None => None,
        },
        Err(_) => None,
    };
    Ok(Some(ThreadContext {
        thread,
        index,
        handle,
        current_task,
        names_task: context.member(program, "current_task_id").is_ok(),
        entered: match context.member(program, "runtime") {
            Ok(cell) => is_entered(program, cell)?,
            Err(_) => true,
        },
        parker: None,
        worker: worker(program, context)?,
    }))
}

/// `Context::runtime` is `Cell<EnterRuntime>`, with the variants `Entered` and `NotEntered`; before
/// 1.22 the thread-local `ENTERED` was `Cell<EnterContext>` with the same.
fn is_entered(program: &Program<'_>, cell: Value) -> Result<bool, ValueError> {
    let is_enum =
        |ty: &Type| ty.name.ends_with("::EnterRuntime") || ty.name.ends_with("::EnterContext");
    let Some(path) = path::find(program, cell.ty, Reach::INLINE, &mut { is_enum }) else {
        return Ok(true);
    };
    let Some(state) = path.follow(program, cell)? else { return Ok(true) };
    let layout = state.layout(program)?;
    let TypeKind::Enum { variants, .. } = &layout.kind else { return Ok(true) };
    let (active, _) = state.active_variant(program)?;
    Ok(&*variants[active].name == "Entered")
}

/// The scheduler's own context, which is set while a thread runs a worker.
fn worker(program: &Program<'_>, context: Value) -> Result<Option<WorkerContext>, ValueError> {
    let Ok(scoped) = context.member(program, "scheduler") else { return Ok(None) };
    let mut is_context = |ty: &Type| SCHEDULER_CONTEXT.is(ty);
    let Some(path) = path::find(program, scoped.ty, Reach::RUNTIME, &mut is_context) else {
        return Ok(None);
    };
    let Some(scheduler) = path.follow(program, scoped)? else { return Ok(None) };
    let (_, fields) = scheduler.active_variant(program)?;
    worker_of(program, fields)
}

/// The worker that a scheduler's own context is of.
fn worker_of(program: &Program<'_>, fields: Value) -> Result<Option<WorkerContext>, ValueError> {
    let Some(identity) = scheduler::identity_of(program, fields)? else { return Ok(None) };
    let mut is_worker = |ty: &Type| WORKER.is(ty);
    let index = match path::find(program, fields.ty, Reach::RUNTIME, &mut is_worker) {
        Some(path) => match path.follow(program, fields)? {
            Some(worker) => worker.member(program, "index")?.unsigned(program)?,
            None => 0,
        },
        None => 0,
    };
    Ok(Some(WorkerContext {
        scheduler: identity.address,
        index: usize::try_from(index).unwrap_or(usize::MAX),
        context: fields,
    }))
}
