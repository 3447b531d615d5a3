//! The threads that run executors, and what their stacks show.

use std::ops::Range;

use super::executors::Executors;
use super::expected::STATE;
use super::{is_running, polled, queues, task};
use crate::report::{Chain, TaskKind, ThreadRef};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::stacks::{beginning, stack_future};

/// Types whose values lead to an executor or a task, as parts of their names.
const LEADING: [&str; 2] = ["async_executor::", "async_task::task::Task<"];
/// The beginnings of the paths of the futures that run an executor.
const RUNNING: &str = "async_executor::";

/// The executors and the handles of tasks that the threads' stacks lead to, and which threads run
/// which.
pub(super) fn seeds(
    inspection: &mut Inspection<'_>,
    found: &mut Executors,
    handles: &mut Vec<Value>,
) {
    run_by_tasks(inspection, 0..inspection.tasks.len(), found);
    let blocked = 0..inspection.tasks.len();
    let mut kept = Vec::new();
    inspection.handles_in(blocked, &mut kept);
    handles.extend(kept.iter().filter(|kept| !kept.may_be_moved).map(|kept| kept.value));
    for module in 0..inspection.program.modules().len() {
        for name in super::STATICS {
            for value in inspection.static_variables(module, name) {
                if let Some(state) = executor_of(inspection.program, value) {
                    found.add(state);
                    mark_static(inspection.program, value, state, found);
                }
            }
        }
    }
    let target = inspection.program.target();
    for thread in target.threads() {
        if inspection.interrupted() {
            return;
        }
        let reference = ThreadRef { number: thread.number, tid: thread.tid };
        let program = inspection.program;
        let mut values = Vec::new();
        for frame in program.stack(thread).iter() {
            let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
            let layouts = program.layouts(module);
            for variable in layouts.variables_at(address).unwrap_or_default() {
                let ty = Ty { module, id: variable.ty };
                let leads = program
                    .type_of(ty)
                    .is_ok_and(|layout| LEADING.iter().any(|part| layout.name.contains(part)));
                if !leads {
                    continue;
                }
                let place = stack_future::place(program, module, &variable, frame);
                let is_own = runs(&variable.function);
                values.extend(place.map(|(_, value)| (value, is_own)));
            }
        }
        for (value, is_own) in values {
            if let Some(state) = executor_of(program, value) {
                mark_static(program, value, state, found);
            }
            match executor_of(program, value) {
                // Code of the executor's own on a stack runs it.
                Some(state) if is_own => _ = found.add_thread(state, reference),
                Some(state) => _ = found.add(state),
                None => inspection.handles_of(value, handles),
            }
        }
    }
}

/// Whether that is a function of an executor's which runs it: not one that spawns.
fn runs(function: &str) -> bool {
    let parts = ["run", "tick", "Runner", "Ticker"];
    function.starts_with(RUNNING) && parts.iter().any(|part| function.contains(part))
}

/// The executor that a value is or has a pointer to; `None` for a future, which may have many, and
/// for a handle.
fn executor_of(program: &Program<'_>, value: Value) -> Option<Value> {
    let layout = value.layout(program).ok()?;
    if layout.name.contains("{async_") || layout.name.contains("async_task::") {
        return None;
    }
    let state = value.find_through_pointers(program, STATE.newest()).ok()??;
    is_sound(program, state).then_some(state)
}

/// Takes note of an executor that was made to be static, by the type of what leads to it.
fn mark_static(program: &Program<'_>, value: Value, state: Value, found: &mut Executors) {
    const STATIC: &str = "async_executor::static_executors::";
    if value.layout(program).is_ok_and(|layout| layout.name.contains(STATIC)) {
        found.set_static(state);
    }
}

/// Whether that can be an executor: a variable may not be set yet.
fn is_sound(program: &Program<'_>, state: Value) -> bool {
    let notified = state.member(program, "notified").and_then(|it| it.unsigned(program));
    matches!(notified, Ok(0 | 1))
}

/// The executors that the futures of tasks run, or that threads run by blocking on a future.
pub(super) fn run_by_tasks(
    inspection: &Inspection<'_>,
    tasks: Range<usize>,
    found: &mut Executors,
) {
    if !inspection.has_sites_of(&[RUNNING]) {
        return;
    }
    let program = inspection.program;
    for task in &inspection.tasks[tasks] {
        if program.is_interrupted() {
            return;
        }
        let mut states = Vec::new();
        run_by_chain(inspection, &task.chain, &mut states);
        for (value, state, queue) in states {
            mark_static(program, value, state, found);
            match task.thread.filter(|_| task.kind == TaskKind::BlockOn) {
                Some(thread) => {
                    let runs = found.add_thread(state, thread);
                    runs.queue = runs.queue.or(queue);
                }
                None => _ = found.add(state),
            }
        }
    }
}

fn run_by_chain(
    inspection: &Inspection<'_>,
    chain: &Chain,
    states: &mut Vec<(Value, Value, Option<u64>)>,
) {
    let program = inspection.program;
    for frame in chain.frames.iter().filter(|frame| frame.address != 0) {
        let Some(ty) = inspection.type_of_site(frame.site) else { continue };
        if !inspection.site(frame.site).type_name.starts_with(RUNNING) {
            continue;
        }
        let value = Value { ty, address: frame.address };
        let state = value.find_through_pointers(program, STATE.newest()).ok().flatten();
        let state = state.filter(|state| is_sound(program, *state));
        states.extend(state.map(|state| (value, state, queues::own(program, value))));
    }
    chain.branches.iter().for_each(|branch| run_by_chain(inspection, branch, states));
}

/// Says which threads poll which of the tasks from the first one on, with the frames of their stacks.
pub(super) fn join(inspection: &mut Inspection<'_>, first: usize, found: &mut Executors) {
    if !inspection.tasks[first..].iter().any(is_running) {
        return;
    }
    let polled = polled::find(inspection);
    for (header, thread) in polled::show(inspection, first, &found.futures, &polled) {
        if let Some(executor) = found.of_task(header) {
            let state = found.all[executor].state;
            found.add_thread(state, thread).task = Some(header);
        }
    }
}

/// Leaves out the futures by which threads of a library run executors: nobody waits for them, and the
/// table of workers has their threads. A thread of the user's own has user's code around it.
pub(super) fn leave_out_loops(inspection: &mut Inspection<'_>, found: &Executors) {
    let target = inspection.program.target();
    let mut loops = Vec::new();
    for (at, task) in inspection.tasks.iter().enumerate() {
        let Some(thread) = task.thread.filter(|_| task.kind == TaskKind::BlockOn) else { continue };
        let runs = found
            .all
            .iter()
            .any(|executor| executor.threads.iter().any(|runs| runs.thread == thread));
        if !runs || inspection.is_main(thread) || has_users_frames(inspection, &task.chain) {
            continue;
        }
        let native = target.threads().iter().find(|known| known.tid == thread.tid);
        let is_users = native.is_some_and(|native| is_users_thread(inspection.program, native));
        if !is_users {
            loops.push(at);
        }
    }
    let mut number = 0;
    inspection.retain_tasks(|_| {
        number += 1;
        !loops.contains(&(number - 1))
    });
}

fn has_users_frames(inspection: &Inspection<'_>, chain: &Chain) -> bool {
    chain.frames.iter().any(|frame| inspection.is_in_users_file(frame.site))
        || chain.branches.iter().any(|branch| has_users_frames(inspection, branch))
}

/// Whether a thread was started by code of the user's: a function of it is on the stack outside of
/// every task.
fn is_users_thread(program: &Program<'_>, thread: &crate::target::Thread) -> bool {
    let frames = program.stack(thread);
    let calls = beginning::calls_of(program, &frames);
    let outside = calls.iter().rposition(|on| task::is_run(&on.call.function.name));
    calls[outside.map_or(0, |at| at + 1)..].iter().any(|on| {
        let place = on.call.location.as_ref();
        place.is_some_and(|place| place.file.origin() == crate::layout::origin::Origin::User)
    })
}
