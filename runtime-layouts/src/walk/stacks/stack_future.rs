//! Futures on a thread's stack: in the frame of a function that polls one until it is ready.
//!
//! In a debug build a variable of that function says where it is. An optimized build keeps the future
//! in memory too, since it is pinned, but drops that variable's location: there the frames are
//! searched for a value that can be such a future, a suspended coroutine with a suspended awaitee,
//! and so on down to a leaf.

use std::cmp::Reverse;

use crate::knowledge::Reading;
use crate::layout::{Call, PlacedVariable, Type, TypeKind, VariableLocation};
use crate::report::{Chain, FrameSource, FutureState};
use crate::target::NativeFrame;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value};
use crate::walk::Inspection;
use crate::walk::search::coroutine;

/// Bytes of stack that are searched, at most.
const LARGEST_SEARCH: u64 = 1 << 20;
/// Futures of fewer bytes are not searched for: an async fn without variables is one byte, which
/// any byte of the stack may look like (seen in `tests/fixtures/shapes`, now and then).
const SMALLEST_SEARCHED: u64 = 16;
/// Different types of pointers in one value that are looked at, at most.
const MAX_POINTERS: usize = 16;

/// A future on a stack.
pub(crate) struct StackFuture {
    pub(crate) address: u64,
    pub(crate) chain: Chain,
    /// How it was found.
    pub(crate) source: FrameSource,
}

/// What a variable that is a reference leads to.
pub(crate) fn referent(
    program: &Program<'_>,
    module: usize,
    variable: &PlacedVariable,
    frame: &NativeFrame,
) -> Option<Value> {
    let layout = program.type_of(Ty { module, id: variable.ty }).ok()?;
    let TypeKind::Pointer { target: Some(target) } = layout.kind else { return None };
    let address = match variable.location {
        VariableLocation::Memory(from, offset) => {
            program.read_pointer(frame.base(from)?.wrapping_add_signed(offset)).ok()?
        }
        VariableLocation::Indirect(from, first, second) => {
            let at = program.read_pointer(frame.base(from)?.wrapping_add_signed(first)).ok()?;
            program.read_pointer(at.wrapping_add_signed(second)).ok()?
        }
        VariableLocation::Value(from, offset) => frame.base(from)?.wrapping_add_signed(offset),
    };
    Some(Value { ty: Ty { module, id: target }, address })
}

/// A variable as a value in memory, and whether it is a reference. One that lives in a register is
/// followed at once.
pub(crate) fn place(
    program: &Program<'_>,
    module: usize,
    variable: &PlacedVariable,
    frame: &NativeFrame,
) -> Option<(bool, Value)> {
    let ty = Ty { module, id: variable.ty };
    let target = pinned_target(program, ty);
    let value = match variable.location {
        VariableLocation::Memory(from, offset) => {
            Value { ty, address: frame.base(from)?.wrapping_add_signed(offset) }
        }
        VariableLocation::Indirect(from, first, second) => {
            let pointer =
                program.read_pointer(frame.base(from)?.wrapping_add_signed(first)).ok()?;
            Value { ty, address: pointer.wrapping_add_signed(second) }
        }
        VariableLocation::Value(from, offset) => {
            Value { ty: target?, address: frame.base(from)?.wrapping_add_signed(offset) }
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
    let mut longest: Vec<StackFuture> = Vec::new();
    for address in (start..end.saturating_sub(layout.size)).step_by(step) {
        if inspection.interrupted() {
            return None;
        }
        let chain = inspection.chain(Value { ty, address });
        if !is_suspended_throughout(inspection, &chain) || !has_places(inspection, &chain) {
            continue;
        }
        let known = longest.first().map_or(0, |known| length(&known.chain));
        if length(&chain) > known {
            longest.clear();
        }
        if length(&chain) >= known {
            longest.push(StackFuture { address, chain, source: FrameSource::StackSearch });
        }
    }
    only_one(inspection, longest)
}

/// The one of the futures that were found that it is: bytes that only look like a future mostly end in
/// one whose library finds nothing there. Of several that stand at the same place it is the one with the
/// most pointers that lead somewhere; `None` where they stand at different places.
fn only_one(inspection: &Inspection<'_>, mut found: Vec<StackFuture>) -> Option<StackFuture> {
    if found.iter().any(|it| has_readable_leaves(inspection, &it.chain)) {
        found.retain(|it| has_readable_leaves(inspection, &it.chain));
    }
    let first = found.first()?;
    let are_alike = found.iter().all(|other| stands_alike(&first.chain, &other.chain));
    // Of equals the first.
    let leading = |it: &StackFuture| Reverse(count_leading(inspection, &it.chain));
    found.into_iter().filter(|_| are_alike).min_by_key(leading)
}

/// Whether the innermost futures of a chain are what their libraries say, where one knows them.
fn has_readable_leaves(inspection: &Inspection<'_>, chain: &Chain) -> bool {
    if let [_, ..] = chain.branches.as_slice() {
        return chain.branches.iter().all(|branch| has_readable_leaves(inspection, branch));
    }
    let Some((leaf, ty)) = chain
        .frames
        .last()
        .and_then(|leaf| Some((leaf.address, inspection.type_of_site(leaf.site)?)))
    else {
        return true;
    };
    let program = inspection.program;
    let known = program.type_of(ty).ok().and_then(|it| inspection.libraries.resource(&it.name));
    let leaf = Value { ty, address: leaf };
    let reading = Reading::alone(program, leaf);
    known.is_none_or(|known| matches!(known.read(&reading, leaf), Ok(Some(_))))
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

/// Whether every reference, box and `NonNull` that a chain's frames surely have leads somewhere. Bytes
/// that only look like a future mostly have some that cannot: a task's handle in
/// `async { a.await; b.await }` is nothing but a pointer.
fn has_places(inspection: &Inspection<'_>, chain: &Chain) -> bool {
    let mut all = true;
    chain.visit_frames(&mut |frame| {
        if let Some(ty) = inspection.type_of_site(frame.site).filter(|_| all) {
            let value = Value { ty, address: frame.address };
            let kept = kept(inspection.program, value, Kept::Surely);
            all = kept.iter().all(|it| Leading::of(inspection.program, *it).is_whole);
        }
    });
    all
}

/// How many pointers of a chain's frames lead somewhere, with those in variables that may have been
/// moved away.
fn count_leading(inspection: &Inspection<'_>, chain: &Chain) -> usize {
    let mut count = 0;
    chain.visit_frames(&mut |frame| {
        if let Some(ty) = inspection.type_of_site(frame.site) {
            let value = Value { ty, address: frame.address };
            let kept = kept(inspection.program, value, Kept::Perhaps);
            count +=
                kept.iter().map(|it| Leading::of(inspection.program, *it).count).sum::<usize>();
        }
    });
    count
}

/// Which variables of a state machine are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// Those that were not moved away.
    Surely,
    /// All of them.
    Perhaps,
}

/// What a future has: a state machine what it awaits and its variables, any other one all that is in
/// it.
fn kept(program: &Program<'_>, future: Value, which: Kept) -> Vec<Value> {
    if !program.type_of(future.ty).is_ok_and(coroutine::is_coroutine) {
        return vec![future];
    }
    let (Ok((active, _)), Ok(states)) =
        (future.active_variant(program), coroutine::states(program, future.ty))
    else {
        return Vec::new();
    };
    let Some(state) = states.get(active) else { return Vec::new() };
    let is_meant = |moved: bool| which == Kept::Perhaps || !moved;
    let variables = state.variables.iter().filter(|it| is_meant(it.may_be_moved(program, future)));
    let parts = variables.map(|it| &it.part).chain(&state.awaitee);
    parts.map(|it| Value { ty: it.ty, address: future.address.wrapping_add(it.offset) }).collect()
}

/// What becomes of the pointers in a value that cannot be null.
struct Leading {
    /// Whether each of them leads somewhere.
    is_whole: bool,
    /// How many of them lead to memory.
    count: usize,
}

impl Leading {
    /// Follows each of them. One to nothing at all, which has no bytes, is a small number. What a union
    /// holds, only its code knows.
    fn of(program: &Program<'_>, value: Value) -> Self {
        const SMALL: u64 = 4096;
        let mut found = Self { is_whole: true, count: 0 };
        let mut is_union = |ty: &Type| matches!(ty.kind, TypeKind::Union { .. });
        if path::find(program, value.ty, Reach::INLINE, &mut is_union).is_some() {
            return found;
        }
        let mut is_pointer = |ty: &Type| {
            ["&", "alloc::boxed::Box<", "core::ptr::non_null::NonNull<"]
                .iter()
                .any(|name| ty.name.starts_with(name))
        };
        let paths = path::find_all(program, value.ty, Reach::INLINE, MAX_POINTERS, &mut is_pointer);
        for path in paths {
            let _ = path.each(program, value, &mut |pointer| match program
                .read_pointer(pointer.address)
            {
                Ok(0) | Err(_) => found.is_whole = false,
                Ok(small) if small < SMALL => {}
                Ok(address) if program.read_unsigned(address, 1).is_ok() => found.count += 1,
                Ok(_) => found.is_whole = false,
            });
        }
        found
    }
}

fn length(chain: &Chain) -> usize {
    chain.frames.len() + chain.branches.iter().map(length).sum::<usize>()
}

fn stands_alike(one: &Chain, other: &Chain) -> bool {
    one.frames.iter().map(|frame| frame.site).eq(other.frames.iter().map(|frame| frame.site))
        && one.branches.len() == other.branches.len()
        && one.branches.iter().zip(&other.branches).all(|(a, b)| stands_alike(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};

    const HANDLE: u64 = 0x5000;
    const TASK: u64 = 0x9000;

    /// What becomes of a handle with that address in it.
    fn handle(to: u64) -> Leading {
        let mut layouts = FakeLayouts::new();
        let word = layouts.integer(8);
        let pointer = layouts.pointer("*const Header", None);
        let path = "core::ptr::non_null::NonNull<Header>";
        let pointer = layouts.structure(path, 8, &[("pointer", 0, pointer)]);
        let handle = layouts.structure("Handle", 16, &[("id", 0, word), ("raw", 8, pointer)]);
        let mut memory = FakeMemory::new().with(HANDLE, vec![0; 16]).with(TASK, vec![0; 8]);
        memory.put_u64(HANDLE + 8, to);
        let target = FakeTarget::new(layouts, memory, 0);
        let value = Value { ty: Ty { module: 0, id: handle }, address: HANDLE };
        Leading::of(&Program::new(&target), value)
    }

    #[test]
    fn what_has_a_null_or_leads_nowhere_is_no_future() {
        let to = |address| (handle(address).is_whole, handle(address).count);
        assert_eq!(to(TASK), (true, 1));
        assert_eq!(to(8), (true, 0), "to a value without bytes");
        assert_eq!(to(0), (false, 0));
        assert_eq!(to(TASK + 0x1000), (false, 0), "no memory is there");
    }
}
