//! The types of the ends around one shared value.

use std::rc::Rc;

use rustc_hash::FxHashSet;

use super::shared::SharedPointer;
use crate::knowledge::expectation::compiler;
use crate::layout::Type;
use crate::layout::name::base_path;
use crate::value::path::{self, Path, Reach};
use crate::value::{Program, Ty};

/// What is an end: a type of one of the libraries that has one of the shared pointers in it, or such a
/// pointer itself.
#[derive(Clone, Default)]
pub(crate) struct EndTypes {
    /// The names of the pointers' types.
    pointers: FxHashSet<Rc<str>>,
    /// The first parts of the paths of the types that wait.
    crates: FxHashSet<Rc<str>>,
}

impl EndTypes {
    /// Wakers instead of ends.
    pub(crate) fn wakers() -> Self {
        Self::named(compiler::WAKER.names())
    }

    /// Values of these types instead of ends.
    pub(crate) fn named(types: impl Iterator<Item = &'static str>) -> Self {
        Self { pointers: types.map(Into::into).collect(), crates: FxHashSet::default() }
    }

    pub(crate) fn add(&mut self, program: &Program<'_>, pointer: &SharedPointer, leaf: Ty) {
        if let (Ok(handle), Ok(leaf)) = (program.type_of(pointer.handle.ty), program.type_of(leaf))
        {
            self.pointers.insert(handle.name.as_ref().into());
            self.crates.insert(crate_of(&leaf.name).into());
        }
    }

    /// Whether a type is an end.
    pub(crate) fn are(&self, program: &Program<'_>, ty: Ty, layout: &Type) -> bool {
        self.pointers.contains(&*layout.name)
            || (self.crates.contains(crate_of(&layout.name))
                && self.pointer_in(program, ty).is_some())
    }

    /// The way from an end to its pointer.
    pub(crate) fn pointer_in(&self, program: &Program<'_>, ty: Ty) -> Option<Path> {
        let mut wanted = |ty: &Type| self.pointers.contains(&*ty.name);
        path::find(program, ty, Reach::INLINE, &mut wanted)
    }
}

/// The crate of a type, by its path.
fn crate_of(type_name: &str) -> &str {
    base_path(type_name).split("::").next().unwrap_or_default()
}
