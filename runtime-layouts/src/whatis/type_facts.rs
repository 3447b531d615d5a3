//! What a search asks of types again and again: there may be millions of values of one.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::knowledge::Libraries;
use crate::knowledge::children::Collection;
use crate::layout::name::base_path;
use crate::layout::{Type, TypeId, TypeKind};
use crate::value::{Program, Ty};
use crate::walk::search::coroutine::{self, CoroutineState};

/// What is learned about the types of a program.
pub(super) struct TypeFacts<'p> {
    program: &'p Program<'p>,
    libraries: Libraries,
    pointing: FxHashMap<Ty, bool>,
    states: FxHashMap<Ty, Option<Rc<Vec<CoroutineState>>>>,
    known: FxHashMap<Ty, KnownType>,
}

/// What libraries know of a type.
#[derive(Clone, Copy)]
pub(super) struct KnownType {
    /// Whether it is a handle of a runtime.
    pub(super) is_handle: bool,
    pub(super) collection: Option<Collection>,
}

impl<'p> TypeFacts<'p> {
    pub(super) fn of(program: &'p Program<'p>, libraries: Libraries) -> Self {
        let (pointing, states) = (FxHashMap::default(), FxHashMap::default());
        Self { program, libraries, pointing, states, known: FxHashMap::default() }
    }

    /// What libraries know of a type, whose name is compared with hundreds.
    pub(super) fn known(&mut self, ty: Ty, layout: &Type) -> KnownType {
        let libraries = self.libraries;
        *self.known.entry(ty).or_insert_with(|| KnownType {
            is_handle: libraries.is_handle(base_path(&layout.name)),
            collection: libraries.collection(&layout.name),
        })
    }

    /// Whether values of a type may have pointers in them.
    pub(super) fn may_point(&mut self, ty: Ty) -> bool {
        if let Some(known) = self.pointing.get(&ty) {
            return *known;
        }
        // A layout file may say that a type is a part of itself.
        self.pointing.insert(ty, false);
        let Ok(layout) = self.program.type_of(ty) else { return false };
        let of = |id: TypeId| Ty { module: ty.module, id };
        let may = match &layout.kind {
            TypeKind::Pointer { .. } => true,
            TypeKind::Struct { members } => members.iter().any(|it| self.may_point(of(it.ty))),
            TypeKind::Enum { variants, .. } => variants.iter().any(|it| self.may_point(of(it.ty))),
            TypeKind::Array { element, .. } => self.may_point(of(*element)),
            // What other unions hold, only their code knows.
            _ => false,
        };
        self.pointing.insert(ty, may);
        may
    }

    /// The states of a future's type.
    pub(super) fn states(&mut self, ty: Ty) -> Option<Rc<Vec<CoroutineState>>> {
        let program = self.program;
        let states = self.states.entry(ty);
        states.or_insert_with(|| coroutine::states(program, ty).ok().map(Rc::new)).clone()
    }
}
