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
use super::expected::{HANDLE, HEADER, LOCAL_SHARED};
use super::local_set::{self, FoundBy, LocalSets};
use super::scheduler::{self, Scheduler};
use super::task::{self, TaskReader};
use super::{join, number, panics, runtime};
use crate::layout::Type;
use crate::layout::name::is_of_standard_library;
use crate::report::{FrameRef, TaskId, TaskKind, TaskState, ThreadRef};
use crate::value::path::{self, Reach};
use crate::value::{Program, Value};
use crate::walk::stacks::stack_future;
use crate::walk::{Inspection, LiveValue};

/// Types that lead to a runtime or a task.
pub(crate) const HANDLES: [&str; 6] = [
    "tokio::runtime::runtime::Runtime",
    "tokio::runtime::local_runtime::runtime::LocalRuntime",
    "tokio::runtime::handle::Handle",
    "tokio::runtime::task::join::JoinHandle",
    "tokio::task::join_set::JoinSet",
    local_set::SET,
];

const JOIN: &str = "tokio::runtime::task::join::JoinHandle<";
const JOIN_SET: &str = "tokio::task::join_set::JoinSet<";

/// The future that a closure of the blocking pool is.
const BLOCKING_TASK: &str = "tokio::runtime::blocking::task::BlockingTask<";

/// A runtime that a task spawned on another one may have a handle of, and so on: no further.
const DEEPEST_HANDLES: usize = 16;

/// What is known when handles are followed.
pub(super) struct Known<'k> {
    /// The tokio's module.
    pub(super) module: usize,
    /// The place of its first task.
    pub(super) first_task: usize,
    /// The number of its first runtime.
    pub(super) first_runtime: usize,
    /// Its threads.
    pub(super) contexts: &'k [ThreadContext],
    /// The tasks that threads poll.
    pub(super) polled: &'k HashMap<u64, ThreadRef>,
}

/// Adds the runtimes and tasks that handles of the tokio in one module lead to, and the local sets
/// in variables.
pub(super) fn follow(
    inspection: &mut Inspection<'_>,
    known: &Known<'_>,
    schedulers: &mut Vec<Scheduler>,
    sets: &mut LocalSets,
) {
    let mut first = known.first_task;
    let mut handles = of_threads(inspection, known.contexts);
    let mut of_tasks = Vec::new();
    let mut doubtful = Vec::new();
    let mut moved: Vec<LiveValue>;
    for _ in 0..DEEPEST_HANDLES {
        let last = inspection.tasks.len();
        let mut found = Vec::new();
        inspection.handles_in(first..last, &mut found);
        first = last;
        found.retain(|kept| kept.value.ty.module == known.module);
        add_kept_sets(inspection, known, &found, sets, &mut doubtful);
        let (doubtful, certain) = found.into_iter().partition(|kept| kept.may_be_moved);
        (found, moved) = (certain, doubtful);
        handles.extend(found.iter().map(|kept| kept.value));
        for handle in handles.drain(..).filter(|handle| handle.ty.module == known.module) {
            if inspection.interrupted() {
                return;
            }
            let Some(found) = scheduler_of(inspection.program, handle) else { continue };
            if !schedulers.iter().any(|known| known.address == found.address) {
                runtime::add(inspection, &found, known.contexts, known.polled);
                schedulers.push(found);
            }
        }
        of_tasks.extend(found);
        // Of these only tells what has panicked, by its own words.
        of_tasks.append(&mut moved);
        add_unlisted(inspection, known, &of_tasks, schedulers, sets);
        if inspection.tasks.len() == last {
            break;
        }
    }
    for (value, place) in doubtful {
        sets.place(inspection.program, value, place);
    }
    if sets.has_unplaced() {
        place_on_stacks(inspection, sets);
    }
}

/// Adds the local sets that frames keep. What a variable that was moved away has left behind may
/// lead anywhere: it is doubtful, and only tells where a set is that something else leads to.
fn add_kept_sets(
    inspection: &mut Inspection<'_>,
    known: &Known<'_>,
    found: &[LiveValue],
    sets: &mut LocalSets,
    doubtful: &mut Vec<(Value, local_set::Kept)>,
) {
    for kept in found {
        if !is_set(inspection.program, kept.value) {
            continue;
        }
        let place = local_set::Kept {
            frame: kept.frame,
            thread: None,
            variable: kept.variable.clone(),
            may_be_moved: kept.may_be_moved,
            is_shared: !kept.shared.is_empty(),
        };
        if kept.may_be_moved {
            doubtful.push((kept.value, place));
        } else {
            sets.add(inspection, kept.value, FoundBy::Keeper(place), None, known.polled);
        }
    }
}

fn is_set(program: &Program<'_>, value: Value) -> bool {
    program.type_of(value.ty).is_ok_and(|layout| &*layout.name == local_set::SET)
}

/// Says which thread keeps the sets that nothing else leads to in a variable.
fn place_on_stacks(inspection: &mut Inspection<'_>, sets: &mut LocalSets) {
    let target = inspection.program.target();
    for thread in target.threads() {
        if inspection.interrupted() {
            return;
        }
        let thread_ref = ThreadRef { number: thread.number, tid: thread.tid };
        for frame in inspection.program.stack(thread).iter() {
            let program = &inspection.program;
            let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
            let layouts = program.layouts(module);
            for variable in layouts.variables_at(address).unwrap_or_default() {
                let place = stack_future::place(inspection.program, module, &variable, frame);
                let Some((_, value)) = place else { continue };
                let mut values = Vec::new();
                inspection.handles_of(value, &mut values);
                values.retain(|value| is_set(inspection.program, *value));
                let calls = layouts.calls_at(address).unwrap_or_default();
                let call = calls.iter().find(|call| call.function.name == variable.function);
                let Some(call) = call.filter(|_| !values.is_empty()) else { continue };
                let site = inspection.site_of_call(module, call);
                for value in values {
                    let kept = local_set::Kept {
                        frame: FrameRef { site, address: frame.pc.get() },
                        thread: Some(thread_ref),
                        variable: Some(std::sync::Arc::clone(&variable.name)),
                        may_be_moved: false,
                        is_shared: false,
                    };
                    sets.place(inspection.program, value, kept);
                }
            }
        }
    }
}

/// Handles in the variables of threads that are inside no runtime.
///
/// No drop flag tells which of them were moved away or dropped. What the standard library's functions
/// have they pass on (`spawn_unchecked` the thread's closure, `library/std/src/thread/lifecycle.rs`,
/// Rust 1.96), and the place serves for other things then; of other variables the scheduler that
/// they lead to has to have owners.
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
                .filter(|variable| !is_of_standard_library(&variable.function))
                .filter_map(|variable| stack_future::place(program, module, variable, frame))
                .map(|(_, value)| value)
                .collect();
            for value in values {
                inspection.handles_of(value, &mut found);
            }
        }
    }
    let program = inspection.program;
    found.retain(|handle| {
        let scheduler = scheduler_of(program, *handle);
        scheduler.is_none_or(|scheduler| scheduler.may_live(program) != Some(false))
    });
    found
}

/// The scheduler that a handle leads to.
fn scheduler_of(program: &Program<'_>, handle: Value) -> Option<Scheduler> {
    let mut is_handle = |ty: &Type| HANDLE.is(ty);
    let layout = program.type_of(handle.ty).ok()?;
    if layout.name.starts_with(JOIN) || layout.name.starts_with(JOIN_SET) {
        let header = joined(program, handle).first().copied()?;
        return TaskReader::default().scheduler(program, header);
    }
    if &*layout.name == local_set::SET {
        return None;
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

/// The headers of the tasks that a `JoinHandle` or a `JoinSet` leads to; of other handles none.
fn joined(program: &Program<'_>, handle: Value) -> Vec<Value> {
    let Ok(layout) = program.type_of(handle.ty) else { return Vec::new() };
    if layout.name.starts_with(JOIN) {
        return header_of(program, handle).into_iter().collect();
    }
    if layout.name.starts_with(JOIN_SET) {
        return join::headers(program, handle).unwrap_or_default();
    }
    Vec::new()
}

/// A task that a handle leads to.
struct Joined {
    header: Value,
    /// Whether that is a `JoinSet`.
    is_of_set: bool,
    /// Whether the handle may have been moved away.
    may_be_moved: bool,
}

/// The tasks that handles lead to.
fn headers_of(program: &Program<'_>, handles: &[LiveValue]) -> Vec<Joined> {
    let handles = handles.iter().take_while(|_| !program.is_interrupted());
    let of_handle = |handle: &LiveValue| {
        let layout = program.type_of(handle.value.ty);
        let is_of_set = layout.is_ok_and(|layout| layout.name.starts_with(JOIN_SET));
        let may_be_moved = handle.may_be_moved;
        let headers = joined(program, handle.value).into_iter();
        headers.map(move |header| Joined { header, is_of_set, may_be_moved })
    };
    handles.flat_map(of_handle).collect()
}

/// What a `LocalSet` shares with its tasks; `None` for a task of a scheduler.
fn local_set_of(program: &Program<'_>, header: Value) -> Option<Value> {
    let scheduler = task::scheduler_in(program, header)?;
    let mut is_shared = |ty: &Type| LOCAL_SHARED.is(ty);
    let path = path::find(program, scheduler.ty, Reach::RUNTIME, &mut is_shared)?;
    path.follow(program, scheduler).ok()?
}

/// Adds the tasks that handles lead to and that are in no list: those that have ended, and those of
/// a scheduler or a local set that nothing else leads to. A closure that runs on a thread of the
/// blocking pool is in no list either.
fn add_unlisted(
    inspection: &mut Inspection<'_>,
    known: &Known<'_>,
    handles: &[LiveValue],
    schedulers: &[Scheduler],
    sets: &mut LocalSets,
) {
    let program = inspection.program;
    let headers = headers_of(program, handles);
    if headers.is_empty() {
        return;
    }
    let tasks = &inspection.tasks[known.first_task..];
    let mut listed: FxHashSet<u64> = tasks.iter().map(|task| task.address).collect();
    let mut ids: FxHashSet<TaskId> = tasks.iter().map(|task| task.id.clone()).collect();
    let mut reader = TaskReader::default();
    let first = inspection.tasks.len();
    for Joined { header, is_of_set, may_be_moved } in headers {
        if program.is_interrupted() {
            break;
        }
        if may_be_moved && panics::of(program, header).is_none() {
            continue;
        }
        if !listed.insert(header.address) {
            continue;
        }
        let Ok((_, mut task)) = reader.task(inspection, header, None, TaskKind::Task) else {
            continue;
        };
        if !task.id.0.is_empty() && ids.contains(&task.id) {
            continue;
        }
        if matches!(task.state, TaskState::Complete | TaskState::Cancelled) {
            task.panic = panics::of(program, header);
            // A set may keep many that have ended, which say nothing.
            if !is_of_set || task.panic.is_some() {
                ids.insert(task.id.clone());
                inspection.tasks.push(task);
            }
            continue;
        }
        let is_closure = |site| inspection.site(site).type_name.starts_with(BLOCKING_TASK);
        if task.root.is_some_and(is_closure) {
            continue;
        }
        if let Some(shared) = local_set_of(program, header) {
            let before = inspection.tasks.len();
            sets.add(inspection, shared, FoundBy::Task, None, known.polled);
            listed.extend(inspection.tasks[before..].iter().map(|task| task.address));
            ids.extend(inspection.tasks[before..].iter().map(|task| task.id.clone()));
            if inspection.tasks[before..].iter().any(|task| task.address == header.address) {
                continue;
            }
            task.kind = TaskKind::Local;
            sets.add_task(shared, header.address);
        } else {
            let of = reader.scheduler(program, header);
            let number =
                of.and_then(|of| schedulers.iter().position(|known| known.address == of.address));
            task.runtime = number.map(|number| known.first_runtime + number);
            if number.is_none() {
                task.problems.push("it is in no list of tasks that was found".into());
            }
        }
        ids.insert(task.id.clone());
        inspection.tasks.push(task);
    }
    number(inspection, first, &[]);
}
