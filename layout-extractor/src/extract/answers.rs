//! Asks a [`DwarfSource`] everything about the types and addresses that were reached.

use std::sync::Arc;

use rayon::prelude::*;
use runtime_layouts::layout::source::{LayoutSource, Poll};
use runtime_layouts::layout::{Function, SourceLocation, StaticAddress, Type, TypeId, TypeKind};

use super::block_on_frames::Frame;
use super::edges::types_of_function;
use super::merge::TypeClasses;
use super::roots::Roots;
use super::type_graph::TypeGraph;
use crate::questions::source::DwarfSource;

/// The answers to all questions by address.
pub(super) struct Addresses {
    /// By address.
    pub(super) functions_at: Vec<(u64, Vec<Arc<Function>>)>,
    /// By address.
    pub(super) vtables: Vec<(u64, Vec<TypeId>)>,
}

/// Asks about every address of the roots.
pub(super) fn addresses(source: &DwarfSource, roots: &Roots) -> Addresses {
    let functions_at = roots
        .task_polls
        .par_iter()
        .map(|&at| (at, source.functions_at(StaticAddress(at)).unwrap_or_default()))
        .collect();
    let vtables = roots
        .vtables
        .par_iter()
        .map(|&at| (at, source.vtable_types(StaticAddress(at)).unwrap_or_default()))
        .filter(|(_, types)| !types.is_empty())
        .collect();
    Addresses { functions_at, vtables }
}

/// The types that the roots refer to directly.
pub(super) fn root_types(roots: &Roots, frames: &[Frame], addresses: &Addresses) -> Vec<TypeId> {
    let mut types: Vec<TypeId> = roots.types.iter().map(|(ty, _)| *ty).collect();
    types.extend(roots.thread_locals.iter().map(|(variable, _)| variable.ty));
    types.extend(roots.static_variables.iter().map(|variable| variable.ty));
    types.extend(addresses.vtables.iter().flat_map(|(_, types)| types));
    for (_, functions) in &addresses.functions_at {
        functions.iter().for_each(|function| types_of_function(function, &mut types));
    }
    for frame in frames {
        types.extend(frame.variables.iter().map(|ranged| ranged.variable.ty));
        frame.calls.iter().for_each(|(_, function)| types_of_function(function, &mut types));
    }
    types
}

/// The layout of each class of types, in order.
pub(super) fn layouts(
    source: &DwarfSource,
    graph: &TypeGraph,
    classes: &TypeClasses<'_>,
) -> Vec<Arc<Type>> {
    classes.first.par_iter().map(|&first| layout(source, graph.ids[first])).collect()
}

fn layout(source: &DwarfSource, id: TypeId) -> Arc<Type> {
    source.type_at(id).unwrap_or_else(|_| {
        // References to an unreadable type need a type in the file.
        Arc::new(Type {
            name: "{unreadable}".into(),
            size: 0,
            align: None,
            declared: None,
            type_parameters: Vec::new(),
            kind: TypeKind::Opaque,
        })
    })
}

/// Answers about a type other than its layout. They may be found in any unit that describes the
/// type, not only in that of its first description.
pub(super) struct TypeAnswers {
    /// The description.
    pub(super) number: usize,
    pub(super) body: Option<Arc<Function>>,
    pub(super) poll: Option<Poll>,
    /// For each state, where the macro was invoked that awaits in it; empty when the type is no
    /// state machine.
    pub(super) invoked: Vec<Option<SourceLocation>>,
}

/// Asks how the types are polled and where their states await, in the order of the descriptions.
pub(super) fn type_answers(
    source: &DwarfSource,
    graph: &TypeGraph,
    classes: &TypeClasses<'_>,
) -> Vec<TypeAnswers> {
    // A `poll` is found by the name of the type, so all descriptions give the same answer.
    let polled = classes.first.par_iter().filter_map(|&number| {
        let poll = source.poll_of(graph.ids[number]).ok().flatten()?;
        Some(TypeAnswers { number, body: None, poll: Some(poll), invoked: Vec::new() })
    });
    let with_body = graph.bodies.par_iter().map(|(number, body)| {
        let id = graph.ids[*number];
        let states = match source.type_at(id).as_deref() {
            Ok(Type { kind: TypeKind::Enum { variants, .. }, .. }) => variants.len(),
            // Closures have no states.
            _ => 0,
        };
        let invoked = (0..states).map(|state| source.invoked_at(id, state).ok().flatten());
        let (body, invoked) = (Some(Arc::clone(body)), invoked.collect());
        TypeAnswers { number: *number, body, poll: None, invoked }
    });
    let mut type_answers: Vec<TypeAnswers> = with_body.chain(polled).collect();
    type_answers.sort_by_key(|type_answers| type_answers.number);
    type_answers
}
