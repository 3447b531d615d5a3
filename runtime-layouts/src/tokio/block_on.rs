//! The futures that threads block on: they are in no list, only in a stack frame.
//!
//! Source: `tokio/src/runtime/park.rs` (`CachedParkThread::block_on`) and
//! `scheduler/current_thread/mod.rs` (`CoreGuard::block_on`, tokio 1.54.1): both pin the future in
//! their own frame and poll it from there.

use super::context::ThreadContext;
use super::scheduler::{self, Scheduler};
use super::workers;
use crate::layout::{Base, Place, PlacedVariable, TypeKind};
use crate::report::{Task, TaskId, TaskKind, TaskState, WorkerState};
use crate::target::NativeFrame;
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;

/// Native frames that are looked at, innermost first.
const DEEPEST_STACK: usize = 256;

/// Adds the future of every thread that is inside `block_on`.
pub(super) fn add(
    inspection: &mut Inspection<'_>,
    contexts: &[ThreadContext],
    schedulers: &[Scheduler],
    first_runtime: usize,
) {
    let target = inspection.program.target();
    for context in contexts {
        let drives_multi_thread = context.worker.as_ref().is_some_and(|worker| {
            schedulers.iter().any(|scheduler| {
                scheduler.address == worker.scheduler && scheduler.flavor == "multi_thread"
            })
        });
        if !context.entered || context.handle.is_none() || drives_multi_thread {
            continue;
        }
        if inspection.interrupted() {
            return;
        }
        let thread = &target.threads()[context.index];
        let frames = target.native_frames(thread, DEEPEST_STACK);
        if frames.is_empty() {
            inspection.problem(format!(
                "thread {} (tid {}): its stack cannot be unwound, so the future that it blocks on \
                 is not shown",
                thread.number, thread.tid
            ));
            continue;
        }
        let Some(future) = pinned_future(&inspection.program, &frames) else {
            inspection.problem(format!(
                "thread {} (tid {}) is inside a runtime, but the future that it blocks on was not \
                 found in its stack",
                thread.number, thread.tid
            ));
            continue;
        };
        let runtime = scheduler::entered(inspection, context).and_then(|entered| {
            schedulers.iter().position(|known| known.address == entered.address)
        });
        let chain = inspection.chain(future);
        let is_main = target.identity().pid.map_or(thread.number == 1, |pid| pid == thread.tid);
        inspection.tasks.push(Task {
            id: TaskId(if is_main { "main".into() } else { format!("b{}", thread.number) }),
            runtime: runtime.map(|index| first_runtime + index),
            kind: TaskKind::BlockOn,
            state: state(&inspection.program, context),
            root: chain.frames.first().map(|frame| frame.site),
            address: future.address,
            thread: Some(context.thread),
            spawned_at: None,
            chain,
            problems: Vec::new(),
        });
    }
}

/// Whether the thread is polling the future now, or sleeps or polls something else.
fn state(program: &Program<'_>, context: &ThreadContext) -> TaskState {
    let parked = match &context.worker {
        Some(worker) => workers::current_thread_state(program, worker.context)
            .map(|state| state == WorkerState::Parked)
            .ok(),
        None => context.parked,
    };
    match (parked, context.current_task) {
        (Some(true), _) | (_, Some(_)) => TaskState::Idle,
        (Some(false), None) => TaskState::Running,
        (None, None) => TaskState::Unknown,
    }
}

/// The future in the innermost frame of a `block_on`.
fn pinned_future(program: &Program<'_>, frames: &[NativeFrame]) -> Option<Value> {
    for (index, frame) in frames.iter().enumerate() {
        // A return address may be the first of the next line or function.
        let pc = if index == 0 { frame.pc } else { frame.pc.wrapping_sub(1) };
        let Some((module, address)) = program.module_at(pc) else { continue };
        let Ok(variables) = program.layouts(module).variables_at(address) else { continue };
        let found = variables
            .iter()
            .filter(|variable| is_block_on(&variable.function) && is_future_name(&variable.name))
            .find_map(|variable| place(program, module, variable, frame));
        if found.is_some() {
            return found;
        }
    }
    None
}

fn is_block_on(function: &str) -> bool {
    function.starts_with("tokio::runtime::")
        && crate::layout::name::path_segments(function)
            .iter()
            .any(|segment| segment.text == "block_on")
}

fn is_future_name(variable: &str) -> bool {
    matches!(variable, "f" | "future")
}

/// A variable as a value in memory. A reference that lives in a register is followed at once.
fn place(
    program: &Program<'_>,
    module: usize,
    variable: &PlacedVariable,
    frame: &NativeFrame,
) -> Option<Value> {
    let base = |base| match base {
        Base::Register(number) => frame.register(number),
        Base::FrameAddress => frame.frame_address,
    };
    let ty = Ty { module, id: variable.ty };
    match variable.place {
        Place::Memory(from, offset) => {
            Some(Value { ty, address: base(from)?.wrapping_add_signed(offset) })
        }
        Place::Indirect(from, first, second) => {
            let pointer = program.read_pointer(base(from)?.wrapping_add_signed(first)).ok()?;
            Some(Value { ty, address: pointer.wrapping_add_signed(second) })
        }
        Place::Value(from, offset) => {
            let address = base(from)?.wrapping_add_signed(offset);
            Some(Value { ty: pinned_target(program, ty)?, address })
        }
    }
}

/// What `Pin<&mut F>` or `&mut F` points to.
fn pinned_target(program: &Program<'_>, ty: Ty) -> Option<Ty> {
    let mut at = ty;
    for _ in 0..4 {
        let layout = program.type_of(at).ok()?;
        match &layout.kind {
            TypeKind::Pointer { target: Some(target) } => {
                return Some(Ty { module: ty.module, id: *target });
            }
            TypeKind::Struct { members } if members.len() == 1 => {
                at = Ty { module: ty.module, id: members[0].ty };
            }
            _ => return None,
        }
    }
    None
}
