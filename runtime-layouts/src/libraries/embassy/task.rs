//! Tasks: their states, and the futures in their places.
//!
//! Source: `embassy-executor/src/raw/{mod,state_atomics,state_atomics_arm,
//! state_critical_section}.rs` (0.5.1 to 0.10.0).

use super::executor;
use super::pools::Slot;
use crate::report::{
    Chain, FrameSource, FutureType, Task, TaskId, TaskIndex, TaskKind, TaskState, TaskWakers, Trust,
};
use crate::value::{Program, Value, ValueError};
use crate::walk::Inspection;

/// `STATE_SPAWNED`, `STATE_RUN_QUEUED`.
const SPAWNED: u64 = 1;
const RUN_QUEUED: u64 = 1 << 1;

/// Adds the task in a place, if one is there.
pub(super) fn add(inspection: &mut Inspection<'_>, slot: &Slot, first_runtime: usize) {
    let address = slot.header.address;
    match state(inspection.program, slot.header) {
        Ok(None) => {}
        Ok(Some(state)) => match executor::of_task(inspection, slot.header, first_runtime) {
            Ok(runtime) => {
                let task = task(inspection, slot, state, runtime);
                inspection.tasks.push(task);
            }
            Err(error) => inspection.problem(format!("the task at {address:#x}: {error}")),
        },
        Err(error) => inspection.problem(format!("the task at {address:#x}: {error}")),
    }
}

/// The state of a task; `None` where none is spawned. A task that is being polled is like one that
/// waits: only stacks tell.
fn state(program: &Program<'_>, header: Value) -> Result<Option<TaskState>, ValueError> {
    let state = header.member(program, "state")?;
    // On Cortex-M each of them is a byte of its own.
    let spawned = state.find_number(program, "spawned")?;
    let (is_spawned, is_queued) = match (spawned, state.find_number(program, "run_queued")?) {
        (Some(spawned), Some(queued)) => (spawned != 0, queued != 0),
        _ => {
            let bits = state.unsigned(program)?;
            (bits & SPAWNED != 0, bits & RUN_QUEUED != 0)
        }
    };
    let state = if is_queued { TaskState::Scheduled } else { TaskState::Idle };
    Ok(is_spawned.then_some(state))
}

fn task(
    inspection: &mut Inspection<'_>,
    slot: &Slot,
    state: TaskState,
    runtime: Option<usize>,
) -> Task {
    let mut problems = Vec::new();
    if slot.future.is_none() {
        problems.push("the debug information does not describe its future".to_string());
    }
    if runtime.is_none() {
        problems.push("it was made, but not given to an executor yet".to_string());
    }
    Task {
        id: TaskId(String::new()),
        runtime,
        kind: TaskKind::Task,
        state,
        root: slot.future.and_then(|future| inspection.site_of_type(future.ty)),
        address: slot.header.address,
        thread: None,
        spawned_at: None,
        chain: slot.future.map_or_else(Chain::default, |future| inspection.chain(future)),
        trust: match slot.future {
            Some(_) => Trust { future: slot.future_type, ..Trust::of(FrameSource::StateMachines) },
            None => Trust { future: FutureType::Unknown, ..Trust::of(FrameSource::Nothing) },
        },
        siblings_of_stack: None,
        panic: None,
        wakers: TaskWakers::default(),
        index: TaskIndex(0),
        problems,
    }
}
