//! REACH: everything that the roots lead to.

use std::sync::Arc;

use rayon::prelude::*;
use runtime_layouts::layout::source::{LayoutSource, Poll};
use runtime_layouts::layout::{Function, SourceLocation, StaticAddress, Type, TypeId, TypeKind};
use rustc_hash::{FxHashMap, FxHashSet};

use super::roots::Roots;
use super::{Progress, Stage};
use crate::source::DwarfSource;

/// One type, with what is known beside its layout.
pub(super) struct ReachedType {
    pub(super) id: TypeId,
    pub(super) ty: Arc<Type>,
    pub(super) body: Option<Arc<Function>>,
    pub(super) poll: Option<Poll>,
    /// For each variant where the macro was invoked that awaits in this state; empty for other types.
    pub(super) invoked: Vec<Option<SourceLocation>>,
}

/// All types, and the answers about addresses.
pub(super) struct Reached {
    /// In the order of the debug information.
    pub(super) types: Vec<ReachedType>,
    /// By address.
    pub(super) functions_at: Vec<(u64, Vec<Arc<Function>>)>,
    /// By address.
    pub(super) vtables: Vec<(u64, Vec<TypeId>)>,
}

/// Follows every reference from the roots.
pub(super) fn follow(source: &DwarfSource, roots: &Roots, progress: &dyn Progress) -> Reached {
    progress.start(Stage::Types, None);
    let functions_at: Vec<_> = roots
        .task_polls
        .par_iter()
        .map(|&at| (at, source.functions_at(StaticAddress(at)).unwrap_or_default()))
        .collect();
    let vtables: Vec<_> = roots
        .vtables
        .par_iter()
        .map(|&at| (at, source.vtable_types(StaticAddress(at)).unwrap_or_default()))
        .filter(|(_, types)| !types.is_empty())
        .collect();
    let mut known: FxHashSet<TypeId> = FxHashSet::default();
    let mut next: Vec<TypeId> = roots.types.clone();
    next.extend(roots.thread_locals.iter().map(|(variable, _)| variable.ty));
    next.extend(vtables.iter().flat_map(|(_, types)| types));
    for (_, functions) in &functions_at {
        functions.iter().for_each(|function| types_of_function(function, &mut next));
    }
    for frame in &roots.frames {
        next.extend(frame.variables.iter().map(|ranged| ranged.variable.ty));
        frame.calls.iter().for_each(|(_, function)| types_of_function(function, &mut next));
    }
    let mut types = Vec::new();
    while !next.is_empty() {
        next.sort_unstable();
        next.dedup();
        next.retain(|id| known.insert(*id));
        let reached: Vec<ReachedType> = next
            .par_iter()
            .map(|&id| {
                progress.advance(1);
                reach(source, id)
            })
            .collect();
        next.clear();
        for one in &reached {
            types_of_type(&one.ty, &mut next);
            if let Some(body) = &one.body {
                types_of_function(body, &mut next);
            }
        }
        types.extend(reached);
    }
    types.sort_unstable_by_key(|reached| reached.id);
    Reached { types, functions_at, vtables }
}

fn reach(source: &DwarfSource, id: TypeId) -> ReachedType {
    let ty = source.type_at(id).unwrap_or_else(|_| {
        // A reference to what cannot be read stays a node of its own.
        Arc::new(Type {
            name: "{unreadable}".into(),
            size: 0,
            align: None,
            declared: None,
            type_parameters: Vec::new(),
            kind: TypeKind::Opaque,
        })
    });
    let body = source.body_of(id).ok().flatten();
    let poll = source.poll_of(id).ok().flatten();
    let states = match &ty.kind {
        // Closures have no states, and other types no environment.
        TypeKind::Enum { variants, .. } if body.is_some() => variants.len(),
        _ => 0,
    };
    let invoked = (0..states).map(|state| source.invoked_at(id, state).ok().flatten()).collect();
    ReachedType { id, ty, body, poll, invoked }
}

/// The types that a type refers to.
pub(super) fn types_of_type(ty: &Type, found: &mut Vec<TypeId>) {
    found.extend(ty.type_parameters.iter().map(|parameter| parameter.ty));
    match &ty.kind {
        TypeKind::Pointer { target } => found.extend(target),
        TypeKind::Struct { members } | TypeKind::Union { members } => {
            found.extend(members.iter().map(|member| member.ty));
        }
        TypeKind::Enum { variants, .. } => {
            found.extend(variants.iter().map(|variant| variant.ty));
        }
        TypeKind::Array { element, .. } => found.push(*element),
        _ => {}
    }
}

fn types_of_function(function: &Function, found: &mut Vec<TypeId>) {
    found.extend(function.type_parameters.iter().map(|parameter| parameter.ty));
    found.extend(function.variables.iter().map(|variable| variable.ty));
}

/// The numbers of types by their identifiers.
pub(super) fn numbers(types: &[ReachedType]) -> FxHashMap<TypeId, usize> {
    types.iter().enumerate().map(|(number, reached)| (reached.id, number)).collect()
}
