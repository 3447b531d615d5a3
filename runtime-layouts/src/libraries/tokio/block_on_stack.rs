//! The future of a `block_on`, found on its thread's stack.
//!
//! In a debug build the frame has a variable `f` or `future` of type `Pin<&mut F>`. An optimized
//! build keeps the future in memory too, since it is pinned, but drops that variable's location.
//! There this module searches the stack frames of `block_on` for a value that can be an `F`: a
//! suspended coroutine with a suspended awaitee, and so on down to a leaf.

use super::task::is_polling;
use crate::layout::name::path_segments;
use crate::layout::{Call, LocationBase, PlacedVariable, TypeKind, VariableLocation};
use crate::report::{Chain, Frame, FrameSource, FutureState, TaskState};
use crate::target::NativeFrame;
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;

/// Bytes of stack that are searched, at most.
const LARGEST_SEARCH: u64 = 1 << 20;
/// Futures of fewer bytes are not searched for: an async fn without variables is one byte, which
/// any byte of the stack may look like (seen in `tests/fixtures/shapes`, now and then).
const SMALLEST_SEARCHED: u64 = 16;

/// A future on a stack.
pub(super) struct StackFuture {
    pub(super) address: u64,
    pub(super) chain: Chain,
    /// How it was found.
    pub(super) source: FrameSource,
}

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
    for value in named {
        let chain = inspection.chain(value);
        let source = FrameSource::StateMachines;
        let found = StackFuture { address: value.address, chain, source };
        if is_possible(inspection, &found, state) {
            return Some(found);
        }
    }
    // `CurrentThread::block_on` pins the future, and the inner `block_on` has a pointer to it.
    let ty = ty.map(|ty| pinned_target(inspection.program, ty).unwrap_or(ty))?;
    let ty = inside_generator(inspection.program, ty);
    Some(search(inspection, ty, frames, first).unwrap_or_else(|| {
        let frame = inspection.site_of_type(ty).map(|site| Frame {
            site,
            address: 0,
            problem: Some("its location on the stack was optimized away".into()),
        });
        let chain = Chain { frames: frame.into_iter().collect(), ..Chain::default() };
        StackFuture { address: 0, chain, source: FrameSource::TypeAlone }
    }))
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
        .filter_map(|variable| place(program, module, variable, frame))
        .collect();
    places.sort_by_key(|(is_reference, _)| !is_reference);
    places.into_iter().map(|(_, value)| value).collect()
}

/// A variable as a value in memory, and whether it is a reference. One that lives in a register is
/// followed at once.
pub(super) fn place(
    program: &Program<'_>,
    module: usize,
    variable: &PlacedVariable,
    frame: &NativeFrame,
) -> Option<(bool, Value)> {
    let base = |base| match base {
        LocationBase::Register(number) => frame.register(number),
        LocationBase::FrameAddress => frame.frame_address,
    };
    let ty = Ty { module, id: variable.ty };
    let target = pinned_target(program, ty);
    let value = match variable.location {
        VariableLocation::Memory(from, offset) => {
            Value { ty, address: base(from)?.wrapping_add_signed(offset) }
        }
        VariableLocation::Indirect(from, first, second) => {
            let pointer = program.read_pointer(base(from)?.wrapping_add_signed(first)).ok()?;
            Value { ty, address: pointer.wrapping_add_signed(second) }
        }
        VariableLocation::Value(from, offset) => {
            Value { ty: target?, address: base(from)?.wrapping_add_signed(offset) }
        }
    };
    Some((target.is_some(), value))
}

/// What `Pin<&mut F>` or `&mut F` points to; `None` for other types.
fn pinned_target(program: &Program<'_>, ty: Ty) -> Option<Ty> {
    let mut at = ty;
    for _ in 0..4 {
        let layout = program.type_of(at).ok()?;
        match &layout.kind {
            TypeKind::Pointer { target: Some(target) } if layout.name.starts_with("&mut ") => {
                return Some(Ty { module: ty.module, id: *target });
            }
            TypeKind::Struct { members } if layout.name.starts_with("core::pin::Pin<") => {
                at = Ty { module: ty.module, id: members.first()?.ty };
            }
            _ => return None,
        }
    }
    None
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

/// Looks for an `F` in the frames from that of the innermost `block_on` to that of the outermost.
fn search(
    inspection: &mut Inspection<'_>,
    ty: Ty,
    frames: &[NativeFrame],
    first: usize,
) -> Option<StackFuture> {
    let program = &inspection.program;
    let layout = program.type_of(ty).ok()?;
    if layout.size < SMALLEST_SEARCHED {
        return None;
    }
    let last = frames.iter().skip(first).rev().find(|frame| {
        let Some((module, address)) = program.module_at(frame.pc.lookup()) else { return false };
        let calls = program.layouts(module).calls_at(address).unwrap_or_default();
        calls.iter().any(is_block_on)
    });
    // A frame ends where the stack pointer of its caller is; the innermost starts where that of
    // the frame it calls ends.
    let start = match first.checked_sub(1) {
        Some(inner) => frames[inner].frame_address?,
        None => return None,
    };
    let end = last?.frame_address?.min(start.saturating_add(LARGEST_SEARCH));
    let step = usize::try_from(layout.align.unwrap_or(8).clamp(1, 64)).ok()?;
    let mut best: Option<StackFuture> = None;
    for address in (start..end.saturating_sub(layout.size)).step_by(step) {
        if inspection.interrupted() {
            return None;
        }
        let chain = inspection.chain(Value { ty, address });
        if !is_suspended_throughout(inspection, &chain) {
            continue;
        }
        let found = StackFuture { address, chain, source: FrameSource::StackSearch };
        match &best {
            Some(known) if length(&known.chain) > length(&found.chain) => {}
            // Two that differ leave it open which is the one.
            Some(known)
                if length(&known.chain) == length(&found.chain)
                    && !stands_alike(&known.chain, &found.chain) =>
            {
                return None;
            }
            Some(known) if length(&known.chain) == length(&found.chain) => {}
            _ => best = Some(found),
        }
    }
    best
}

/// Whether every state machine of a chain stands at an await point, and nothing in it is broken.
fn is_suspended_throughout(inspection: &Inspection<'_>, chain: &Chain) -> bool {
    let mut machines = chain.frames.iter().map(|frame| inspection.site(frame.site).state);
    let whole = chain.frames.iter().all(|frame| frame.problem.is_none());
    let suspended =
        machines.all(|state| matches!(state, FutureState::Suspended | FutureState::Unknown));
    let any = chain
        .frames
        .iter()
        .any(|frame| inspection.site(frame.site).state == FutureState::Suspended);
    whole && suspended && any
}

fn length(chain: &Chain) -> usize {
    chain.frames.len() + chain.branches.iter().map(length).sum::<usize>()
}

fn stands_alike(one: &Chain, other: &Chain) -> bool {
    one.frames.iter().map(|frame| frame.site).eq(other.frames.iter().map(|frame| frame.site))
        && one.branches.len() == other.branches.len()
        && one.branches.iter().zip(&other.branches).all(|(a, b)| stands_alike(a, b))
}
