//! Pointers that share what they own: `Arc` and `Rc`.

use crate::layout::Type;
use crate::layout::TypeKind;
use crate::layout::name::base_path;
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value};

/// An `Arc` or `Rc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SharedPointer {
    /// The pointer.
    pub(crate) handle: Value,
    /// What it points to: its counts and the value behind them.
    pub(crate) counted: Value,
}

/// How many pointers there are to something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    /// Those that own it.
    pub(crate) strong: u64,
    /// Those that may become owners.
    pub(crate) weak: u64,
}

impl SharedPointer {
    /// The pointer in a handle, with what it points to; `None` where it leads to nothing.
    pub(crate) fn at(program: &Program<'_>, handle: Value) -> Option<Self> {
        let members = program.type_of(handle.ty).ok()?.members();
        let of = |id| Ty { module: handle.ty.module, id };
        let target = members.iter().find_map(|member| shared_target(program, of(member.ty)))?;
        let address = program.read_pointer(handle.address).ok().filter(|address| *address != 0)?;
        Some(Self { handle, counted: Value { ty: target, address } })
    }

    /// How many there are like it; `None` where that cannot be read.
    pub(crate) fn counts(&self, program: &Program<'_>) -> Option<Counts> {
        let count = |name| self.counted.find_number(program, name).ok().flatten();
        // All that own it count as one weak pointer together (`library/alloc/src/{sync,rc}.rs`,
        // Rust 1.95).
        Some(Counts { strong: count("strong")?, weak: count("weak")?.checked_sub(1)? })
    }
}

/// Real counts are below this; an address, or other data that is read as a count, is mostly above it.
const TOO_MANY_OWNERS: u64 = 1 << 26;

/// Whether a type is what an `Arc` points to: `ArcInner` (`library/alloc/src/sync.rs`, Rust 1.95).
pub(crate) fn is_arc_inner(ty: &Type) -> bool {
    ["strong", "weak", "data"].into_iter().all(|member| ty.member(member).is_some())
}

/// Whether it can be something that lives. What was dropped has no owners, and what an allocator or
/// somebody else has put there since are other numbers. `None` where that cannot be read.
pub(crate) fn may_live(program: &Program<'_>, counted: Value) -> Option<bool> {
    if !counted.address.is_multiple_of(u64::from(program.pointer_size())) {
        return Some(false);
    }
    let count = |name| counted.find_number(program, name).ok().flatten();
    let counts = [count("strong")?, count("weak")?];
    Some(counts.iter().all(|count| (1..TOO_MANY_OWNERS).contains(count)))
}

/// Whether a type is a pointer that shares what it owns.
pub(crate) fn is_shared(name: &str) -> bool {
    matches!(base_path(name), "alloc::sync::Arc" | "alloc::rc::Rc")
}

/// What the pointer in an `Arc` or `Rc` points to: the counts, and the value behind them.
pub(crate) fn shared_target(program: &Program<'_>, ty: Ty) -> Option<Ty> {
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let pointer = path::find(program, ty, Reach::INLINE, &mut is_pointer)?;
    match program.type_of(pointer.end).ok()?.kind {
        TypeKind::Pointer { target: Some(id) } => Some(Ty { module: ty.module, id }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};

    /// The counts of a runtime that lives, of one whose last owner has gone, of one whose memory the
    /// allocator has marked as free, and of other things in its place, as they were seen.
    #[test]
    fn what_was_dropped_has_other_counts() {
        let mut layouts = FakeLayouts::new();
        let word = layouts.integer(8);
        let members = [("strong", 0, word), ("weak", 8, word), ("data", 16, word)];
        let counted = layouts.structure("alloc::sync::ArcInner<u64>", 24, &members);
        let mut memory = FakeMemory::new();
        let objects = [
            (0x1000, [3, 1], Some(true)),
            (0x2000, [0, 1], Some(false)),
            (0x3000, [0x5_55ae_f9a2, 0xac56_ef85_e94b_215c], Some(false)),
            (0x4000, [0x5_55ae_f9a2, 1], Some(false)),
            (0x5003, [1, 1], Some(false)),
        ];
        for (address, counts, _) in objects {
            memory.put(address, counts.map(u64::to_le_bytes).concat());
        }
        let target = FakeTarget::new(layouts, memory, 0);
        let program = Program::new(&target);
        let at = |address| Value { ty: Ty { module: 0, id: counted }, address };
        for (address, _, expected) in objects {
            assert_eq!(may_live(&program, at(address)), expected, "{address:#x}");
        }
        assert_eq!(may_live(&program, at(0x6000)), None, "nothing can be read there");
    }
}
