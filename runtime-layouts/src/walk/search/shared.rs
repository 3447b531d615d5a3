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
