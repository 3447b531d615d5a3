//! Futures on a thread's stack: in the frame of a function that polls one until it is ready.
//!
//! In a debug build a variable of that function says where it is. An optimized build keeps the future
//! in memory too, since it is pinned, but drops that variable's location: there the frames are
//! searched for a value that can be such a future, a suspended coroutine with a suspended awaitee,
//! and so on down to a leaf.

use crate::layout::{Call, LocationBase, PlacedVariable, TypeKind, VariableLocation};
use crate::report::{Chain, FrameSource, FutureState};
use crate::target::NativeFrame;
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;

/// Bytes of stack that are searched, at most.
const LARGEST_SEARCH: u64 = 1 << 20;
/// Futures of fewer bytes are not searched for: an async fn without variables is one byte, which
/// any byte of the stack may look like (seen in `tests/fixtures/shapes`, now and then).
const SMALLEST_SEARCHED: u64 = 16;

/// A future on a stack.
pub(crate) struct StackFuture {
    pub(crate) address: u64,
    pub(crate) chain: Chain,
    /// How it was found.
    pub(crate) source: FrameSource,
}

/// A variable as a value in memory, and whether it is a reference. One that lives in a register is
/// followed at once.
pub(crate) fn place(
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
pub(crate) fn pinned_target(program: &Program<'_>, ty: Ty) -> Option<Ty> {
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

/// Looks for a future of a type in the frames from the first one, which polls it, to the last one
/// that `polls` says does.
pub(crate) fn search(
    inspection: &mut Inspection<'_>,
    ty: Ty,
    frames: &[NativeFrame],
    first: usize,
    polls: &dyn Fn(&Call) -> bool,
) -> Option<StackFuture> {
    let program = &inspection.program;
    let layout = program.type_of(ty).ok()?;
    if layout.size < SMALLEST_SEARCHED {
        return None;
    }
    let last = frames.iter().skip(first).rev().find(|frame| {
        let Some((module, address)) = program.module_at(frame.pc.lookup()) else { return false };
        let calls = program.layouts(module).calls_at(address).unwrap_or_default();
        calls.iter().any(polls)
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
