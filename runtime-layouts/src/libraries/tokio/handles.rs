//! Handles: runtimes and tasks that only a handle leads to.
//!
//! If no thread is inside a runtime, a `Runtime` or `Handle` in the variables of a task or thread
//! leads to it, or the handle of one of its tasks. No list has a task that ended: only its
//! `JoinHandle` leads to it.
//!
//! Source: `tokio/src/runtime/{runtime,handle,task/join}.rs` (tokio 1.54.1).

use std::collections::HashMap;

use rustc_hash::FxHashSet;

use super::context::ThreadContext;
use super::expected::{HANDLE, HEADER};
use super::scheduler::{self, Scheduler};
use super::task::TaskReader;
use super::{block_on_stack, number};
use crate::layout::Type;
use crate::report::{TaskId, TaskKind, TaskState, ThreadRef};
use crate::value::path::{self, Reach};
use crate::value::{Program, Value};
use crate::walk::Inspection;

/// Types that lead to a runtime or a task.
pub(crate) const HANDLES: [&str; 4] = [
    "tokio::runtime::runtime::Runtime",
    "tokio::runtime::local_runtime::runtime::LocalRuntime",
    "tokio::runtime::handle::Handle",
    "tokio::runtime::task::join::JoinHandle",
];

const JOIN: &str = "tokio::runtime::task::join::JoinHandle<";

/// A runtime that a task spawned on another one may have a handle of, and so on: no further.
const DEEPEST_HANDLES: usize = 16;

/// Adds the runtimes and tasks that handles of the tokio in one module lead to; its tasks are those
/// from the first one on.
pub(super) fn follow(
    inspection: &mut Inspection<'_>,
    module: usize,
    first_task: usize,
    contexts: &[ThreadContext],
    schedulers: &mut Vec<Scheduler>,
    polled: &HashMap<u64, ThreadRef>,
) {
    let mut first = first_task;
    let mut handles = of_threads(inspection, contexts);
    let mut of_tasks = Vec::new();
    for _ in 0..DEEPEST_HANDLES {
        let (last, known) = (inspection.tasks.len(), of_tasks.len());
        inspection.handles_in(first..last, &mut of_tasks);
        first = last;
        handles.extend_from_slice(&of_tasks[known..]);
        for handle in handles.drain(..).filter(|handle| handle.ty.module == module) {
            if inspection.interrupted() {
                return;
            }
            let Some(found) = scheduler_of(inspection.program, handle) else { continue };
            if !schedulers.iter().any(|known| known.address == found.address) {
                scheduler::add(inspection, &found, contexts, polled);
                schedulers.push(found);
            }
        }
        if inspection.tasks.len() == last {
            break;
        }
    }
    add_ended(inspection, module, first_task, &of_tasks);
}

/// Handles in the variables of threads that are inside no runtime.
fn of_threads(inspection: &mut Inspection<'_>, contexts: &[ThreadContext]) -> Vec<Value> {
    let mut found = Vec::new();
    let target = inspection.program.target();
    for (index, thread) in target.threads().iter().enumerate() {
        if contexts.iter().any(|context| context.index == index && context.handle.is_some()) {
            continue;
        }
        if inspection.interrupted() {
            break;
        }
        for frame in inspection.program.stack(thread).iter() {
            let program = &inspection.program;
            let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
            let variables = program.layouts(module).variables_at(address).unwrap_or_default();
            let values: Vec<Value> = variables
                .iter()
                .filter_map(|variable| block_on_stack::place(program, module, variable, frame))
                .map(|(_, value)| value)
                .collect();
            for value in values {
                inspection.handles_of(value, &mut found);
            }
        }
    }
    found
}

/// The scheduler that a handle leads to.
fn scheduler_of(program: &Program<'_>, handle: Value) -> Option<Scheduler> {
    let mut is_handle = |ty: &Type| HANDLE.is(ty);
    let layout = program.type_of(handle.ty).ok()?;
    if layout.name.starts_with(JOIN) {
        let header = header_of(program, handle)?;
        return TaskReader::default().scheduler(program, header);
    }
    let path = path::find(program, handle.ty, Reach::RUNTIME, &mut is_handle)?;
    let value = path.follow(program, handle).ok()??;
    scheduler::of_handle(program, value).ok()?
}

/// The header of a handle's task.
fn header_of(program: &Program<'_>, handle: Value) -> Option<Value> {
    let mut is_header = |ty: &Type| HEADER.is(ty);
    let path = path::find(program, handle.ty, Reach::RUNTIME, &mut is_header)?;
    path.follow(program, handle).ok()?
}

/// Adds the tasks that have ended but whose handles are still there, among these.
fn add_ended(inspection: &mut Inspection<'_>, module: usize, first_task: usize, handles: &[Value]) {
    let program = inspection.program;
    let is_join = |handle: &Value| {
        let layout = program.type_of(handle.ty);
        handle.ty.module == module && layout.is_ok_and(|layout| layout.name.starts_with(JOIN))
    };
    let mut handles = handles.iter().copied().filter(is_join).peekable();
    if handles.peek().is_none() {
        return;
    }
    let tasks = &inspection.tasks[first_task..];
    let mut known: FxHashSet<u64> = tasks.iter().map(|task| task.address).collect();
    let mut ids: FxHashSet<TaskId> = tasks.iter().map(|task| task.id.clone()).collect();
    let mut reader = TaskReader::default();
    let first = inspection.tasks.len();
    for handle in handles {
        if program.is_interrupted() {
            break;
        }
        let Some(header) = header_of(program, handle) else { continue };
        if !known.insert(header.address) {
            continue;
        }
        let Ok((_, task)) = reader.task(inspection, header, None, TaskKind::Task) else {
            continue;
        };
        if matches!(task.state, TaskState::Complete | TaskState::Cancelled)
            && (task.id.0.is_empty() || ids.insert(task.id.clone()))
        {
            inspection.tasks.push(task);
        }
    }
    number(inspection, first, &[]);
}
