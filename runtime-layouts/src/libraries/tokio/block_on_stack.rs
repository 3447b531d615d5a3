//! The future of a `block_on`, found on its thread's stack.
//!
//! In a debug build the frame has a variable `f` or `future` of type `Pin<&mut F>`; else it is
//! searched for (`walk::stacks::stack_future`).

use super::running::is_polling;
use crate::knowledge::children::Part;
use crate::layout::Call;
use crate::layout::name::path_segments;
use crate::report::{Chain, Frame, FrameSource, FutureState, TaskState};
use crate::target::NativeFrame;
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::search::coroutine;
use crate::walk::stacks::stack_future::{self, StackFuture};

/// The future that the innermost `block_on` of a stack polls: when its place is not found, without
/// an address and with its type alone. `None` when the stack shows no `block_on`.
pub(super) fn future(
    inspection: &mut Inspection<'_>,
    frames: &[NativeFrame],
    state: TaskState,
) -> Option<StackFuture> {
    let program = &inspection.program;
    let (first, module, calls) = frames.iter().enumerate().find_map(|(index, frame)| {
        let (module, address) = program.module_at(frame.pc.lookup())?;
        let calls = program.layouts(module).calls_at(address).unwrap_or_default();
        calls.iter().any(is_block_on).then_some((index, module, calls))
    })?;
    let ty = calls
        .iter()
        .filter(|call| is_block_on(call))
        .find_map(|call| call.function.type_parameters.iter().find(|p| &*p.name == "F"))
        .map(|parameter| Ty { module, id: parameter.ty });
    let named = named_places(program, module, &frames[first]);
    let polls_set = polls_local_set(program, frames);
    for value in named {
        let chain = inspection.chain(value);
        let source = FrameSource::StateMachines;
        let found = StackFuture { address: value.address, chain, source };
        if is_possible(inspection, &found, state) {
            return Some(found);
        }
        let first = found.chain.frames.first().filter(|_| polls_set);
        let root = first.and_then(|frame| {
            let is_new = inspection.site(frame.site).state == FutureState::Unresumed;
            Some((inspection.type_of_site(frame.site).filter(|_| is_new)?, frame.address))
        });
        if let Some((ty, address)) = root
            && let Some(awaitee) = only_awaitee(inspection.program, ty)
        {
            let part = Value { ty: awaitee.ty, address: address.wrapping_add(awaitee.offset) };
            let chain = inspection.chain(part);
            return Some(below(inspection, ty, address, chain, FrameSource::StateMachines));
        }
    }
    // `CurrentThread::block_on` pins the future, and the inner `block_on` has a pointer to it.
    let ty = ty.map(|ty| stack_future::pinned_target(inspection.program, ty).unwrap_or(ty))?;
    let ty = inside_generator(inspection.program, ty);
    if polls_set
        && let Some(awaitee) = only_awaitee(inspection.program, ty)
        && let Some(found) =
            stack_future::search(inspection, awaitee.ty, frames, first, &is_block_on)
    {
        let address = found.address.wrapping_sub(awaitee.offset);
        return Some(below(inspection, ty, address, found.chain, found.source));
    }
    Some(stack_future::search(inspection, ty, frames, first, &is_block_on).unwrap_or_else(|| {
        let frame = inspection.site_of_type(ty).map(|site| Frame {
            site,
            address: 0,
            problem: Some("its location on the stack was optimized away".into()),
        });
        let chain = Chain { frames: frame.into_iter().collect(), ..Chain::default() };
        StackFuture { address: 0, chain, source: FrameSource::TypeAlone }
    }))
}

/// A future that is polled for the first time, with what it awaits below it: it has stored no state
/// yet, but what it awaits lies in it already.
fn below(
    inspection: &mut Inspection<'_>,
    ty: Ty,
    address: u64,
    mut chain: Chain,
    source: FrameSource,
) -> StackFuture {
    if let Some(site) = inspection.site_of_type(ty) {
        chain.frames.insert(0, Frame { site, address, problem: None });
    }
    StackFuture { address, chain, source }
}

/// What a state machine with one await point awaits there; `None` for another one, and for one that
/// the debug information does not describe.
fn only_awaitee(program: &Program<'_>, ty: Ty) -> Option<Part> {
    if !coroutine::is_coroutine(program.type_of(ty).ok()?) {
        return None;
    }
    let states = coroutine::states(program, ty).ok()?;
    let mut suspended = states.into_iter().filter(|state| state.kind == FutureState::Suspended);
    let only = suspended.next()?;
    suspended.next().is_none().then_some(only.awaitee).flatten()
}

/// Whether the thread polls a task of a local set inside of its innermost `block_on`: then what it
/// blocks on is being polled too, and was suspended below the set before
/// (`RunUntil::poll`, `task/local.rs`, tokio 1.54.1).
fn polls_local_set(program: &Program<'_>, frames: &[NativeFrame]) -> bool {
    let mut polls = false;
    for frame in frames {
        let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
        for call in program.layouts(module).calls_at(address).unwrap_or_default() {
            if is_block_on(&call) {
                return false;
            }
            polls |= is_polling(&call.function.name);
            if polls && call.function.name.starts_with("tokio::task::local::") {
                return true;
            }
        }
    }
    false
}

/// The state machine in what rustc before 1.67 wraps it in.
fn inside_generator(program: &Program<'_>, ty: Ty) -> Ty {
    let inside = program.type_of(ty).ok().and_then(|layout| {
        let is_wrapper = layout.name.starts_with("core::future::from_generator::GenFuture<");
        Some(layout.members().first()?.ty).filter(|_| is_wrapper)
    });
    inside.map_or(ty, |id| Ty { module: ty.module, id })
}

fn is_block_on(call: &Call) -> bool {
    is_block_on_name(&call.function.name)
}

/// Whether that function polls a future until it is ready. `tokio::park` was moved into
/// `tokio::runtime` in 1.22.
pub(super) fn is_block_on_name(function: &str) -> bool {
    (function.starts_with("tokio::runtime::") || function.starts_with("tokio::park::"))
        && path_segments(function).last().is_some_and(|last| last.text == "block_on")
}

/// What a thread does inside of `block_on`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    /// It sleeps in a runtime's `park`.
    Parks,
    /// It polls a task.
    PollsTask,
    /// Something else: it polls the future, or is between two of these.
    Other,
}

/// What a thread does inside of its innermost `block_on`; `None` when its stack shows none, or when
/// nothing is known of the functions inside.
pub(super) fn doing(program: &Program<'_>, frames: &[NativeFrame]) -> Option<Doing> {
    let is_park = |function: &str| {
        let is_tokio = function.starts_with("tokio::runtime::")
            || function.starts_with("tokio::park::")
            || function.starts_with("tokio::io::driver::");
        let last = || path_segments(function).last().map_or("", |last| last.text);
        is_tokio && matches!(last(), "park" | "park_timeout")
    };
    // A layout file knows no other functions than `block_on`: then nothing can be said.
    let mut doing = None;
    for frame in frames {
        let Some((module, address)) = program.module_at(frame.pc.lookup()) else { continue };
        for call in program.layouts(module).calls_at(address).unwrap_or_default() {
            if is_block_on(&call) {
                return doing;
            }
            if is_polling(&call.function.name) {
                doing = Some(Doing::PollsTask);
            } else if is_park(&call.function.name) {
                doing = Some(Doing::Parks);
            }
            if !path_segments(&call.function.name)
                .iter()
                .any(|part| part.text.starts_with("block_on"))
            {
                doing = doing.or(Some(Doing::Other));
            }
        }
    }
    None
}

/// The variables that hold or reference the future, those that reference it first: the parameter
/// itself may have been moved from.
fn named_places(program: &Program<'_>, module: usize, frame: &NativeFrame) -> Vec<Value> {
    let Some((_, address)) = program.module_at(frame.pc.lookup()) else { return Vec::new() };
    let variables = program.layouts(module).variables_at(address).unwrap_or_default();
    let mut places: Vec<(bool, Value)> = variables
        .iter()
        .filter(|v| is_block_on_name(&v.function) && matches!(&*v.name, "f" | "future"))
        .filter_map(|variable| stack_future::place(program, module, variable, frame))
        .collect();
    places.sort_by_key(|(is_reference, _)| !is_reference);
    places.into_iter().map(|(_, value)| value).collect()
}

/// Whether this can be the future that a thread blocks on: what it sleeps for was polled before. A
/// copy that was moved from was not.
fn is_possible(inspection: &Inspection<'_>, found: &StackFuture, state: TaskState) -> bool {
    let is_whole = found.chain.frames.iter().all(|frame| frame.problem.is_none());
    let root = found.chain.frames.first().map(|frame| inspection.site(frame.site).state);
    match root {
        Some(FutureState::Unresumed) => state == TaskState::Running && is_whole,
        root => root.is_some(),
    }
}
