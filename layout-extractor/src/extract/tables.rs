//! Converts what was reached into the tables of a layout file.

use std::sync::Arc;

use runtime_layouts::layout::file::{
    FunctionNumber, StoredFunction, StoredKind, StoredLocation, StoredMember, StoredPlacedVariable,
    StoredThreadLocal, StoredType, StoredVariant, StringNumber, Tables, TypeNumber,
};
use runtime_layouts::layout::source::{LayoutSource, StaticVariable};
use runtime_layouts::layout::{Function, Member, SourceLocation, Type, TypeId, TypeKind};
use rustc_hash::FxHashMap;

use super::answers::{Addresses, TypeAnswers};
use super::block_on_frames::Frame;
use super::merge::TypeClasses;
use super::roots::Roots;
use super::type_graph::TypeGraph;
use crate::questions::source::DwarfSource;

/// Fills the tables of a layout file.
pub(super) struct Builder<'a> {
    classes: &'a TypeClasses<'a>,
    tables: Tables,
    strings: FxHashMap<&'a str, StringNumber>,
    files: FxHashMap<(StringNumber, StringNumber), u32>,
    functions: FxHashMap<StoredFunction, FunctionNumber>,
}

/// Which of the functions have code of which that matters.
fn notable(source: &DwarfSource) -> Vec<String> {
    let libraries = || source.libraries.all();
    let notable = libraries().flat_map(|library| library.notable_functions);
    let aborting = libraries().flat_map(|library| library.makes_abort_handles);
    let has_code = notable.filter(|name| source.has_function(name));
    let may_have_code = aborting.filter(|name| source.may_have_function(name));
    has_code.chain(may_have_code).map(ToString::to_string).collect()
}

/// Begins with the types, whose layouts are in the order of the classes.
pub(super) fn types<'a>(
    source: &DwarfSource,
    graph: &'a TypeGraph,
    classes: &'a TypeClasses<'a>,
    layouts: &'a [Arc<Type>],
) -> Builder<'a> {
    let mut builder = Builder {
        classes,
        tables: Tables {
            producer: concat!("unhang ", env!("CARGO_PKG_VERSION")).to_owned(),
            form: source.form(),
            lack: None,
            facts: source.facts().clone(),
            notable: notable(source),
            knowledge: source.knowledge(),
            strings: String::new(),
            string_ends: Vec::new(),
            files: Vec::new(),
            types: Vec::with_capacity(layouts.len()),
            unit_sets: Vec::new(),
            functions: Vec::new(),
            functions_at: Vec::new(),
            vtables: Vec::new(),
            thread_locals: Vec::new(),
            static_variables: Vec::new(),
            variables: Vec::new(),
        },
        strings: FxHashMap::default(),
        files: FxHashMap::default(),
        functions: FxHashMap::default(),
    };
    for (ty, &first) in layouts.iter().zip(&classes.first) {
        let stored = builder.ty(ty, graph.references(first));
        builder.tables.types.push(stored);
    }
    builder.add_units(source, graph);
    builder
}

impl<'a> Builder<'a> {
    /// Adds everything else.
    pub(super) fn finish(
        mut self,
        source: &DwarfSource,
        roots: &'a Roots,
        frames: &'a [Frame],
        addresses: &'a Addresses,
        type_answers: &'a [TypeAnswers],
    ) -> Tables {
        self.tables.lack = lack(source, roots);
        self.add_type_answers(type_answers);
        for (address, functions) in &addresses.functions_at {
            let list = functions.iter().map(|function| self.function(function)).collect();
            self.tables.functions_at.push((*address, list));
        }
        for (address, types) in &addresses.vtables {
            let mut list: Vec<_> = types.iter().map(|&id| self.class(id)).collect();
            list.dedup();
            self.tables.vtables.push((*address, list));
        }
        for (variable, is_vouched_for) in &roots.thread_locals {
            let stored = StoredThreadLocal {
                name: self.string(&variable.name),
                ty: self.class(variable.ty),
                offset: variable.offset,
                is_vouched_for: *is_vouched_for,
            };
            self.tables.thread_locals.push(stored);
        }
        let of_variable = |variable: &StaticVariable| (variable.address.0, self.class(variable.ty));
        self.tables.static_variables = roots.static_variables.iter().map(of_variable).collect();
        for frame in frames {
            self.frame(frame);
        }
        self.tables
    }
}

fn lack(source: &DwarfSource, roots: &Roots) -> Option<String> {
    let count = source.units.len();
    source.provenance().lack.or_else(|| {
        (roots.unreadable > 0).then(|| {
            let unreadable = roots.unreadable;
            format!("{unreadable} of {count} units of the debug information could not be read")
        })
    })
}

impl<'a> Builder<'a> {
    fn string(&mut self, text: &'a str) -> StringNumber {
        if let Some(&known) = self.strings.get(text) {
            return known;
        }
        let number = self.tables.string_ends.len() as StringNumber;
        self.tables.strings.push_str(text);
        self.tables.string_ends.push(self.tables.strings.len() as u32);
        self.strings.insert(text, number);
        number
    }

    fn class(&self, id: TypeId) -> TypeNumber {
        self.classes.class(id)
    }

    fn location(&mut self, location: Option<&'a SourceLocation>) -> StoredLocation {
        let location = location?;
        let file = (self.string(&location.file.path), self.string(&location.file.directory));
        let next = self.tables.files.len() as u32;
        let number = *self.files.entry(file).or_insert(next);
        if number == next {
            self.tables.files.push(file);
        }
        Some((number, location.line))
    }

    fn members(&mut self, members: &'a [Member], classes: &[TypeNumber]) -> Vec<StoredMember> {
        let one = |(member, &ty): (&'a Member, &TypeNumber)| StoredMember {
            name: self.string(&member.name),
            offset: member.offset,
            ty,
        };
        members.iter().zip(classes).map(one).collect()
    }

    /// The kind of a type, whose parts have these classes, in the order of `types_of_type`.
    fn kind(&mut self, kind: &'a TypeKind, classes: &[TypeNumber]) -> StoredKind {
        match kind {
            TypeKind::Opaque => StoredKind::Opaque,
            TypeKind::Integer { signed } => StoredKind::Integer { signed: *signed },
            TypeKind::Float => StoredKind::Float,
            TypeKind::Bool => StoredKind::Bool,
            TypeKind::Char => StoredKind::Char,
            TypeKind::Pointer { target } => StoredKind::Pointer {
                target: classes.first().copied().filter(|_| target.is_some()),
            },
            TypeKind::Struct { members } => {
                StoredKind::Struct { members: self.members(members, classes) }
            }
            TypeKind::Union { members } => {
                StoredKind::Union { members: self.members(members, classes) }
            }
            TypeKind::Enum { discriminant, variants } => StoredKind::Enum {
                discriminant: discriminant.clone(),
                variants: variants
                    .iter()
                    .zip(classes)
                    .map(|(variant, &ty)| StoredVariant {
                        name: self.string(&variant.name),
                        values: variant.values.clone(),
                        offset: variant.offset,
                        ty,
                        line: self.location(variant.line.as_ref()),
                        invoked: None,
                    })
                    .collect(),
            },
            TypeKind::PlainEnum { enumerators } => StoredKind::PlainEnum {
                enumerators: enumerators
                    .iter()
                    .map(|(name, value)| (self.string(name), *value))
                    .collect(),
            },
            TypeKind::Array { element, count } => {
                let element = classes.first().copied().unwrap_or_else(|| self.class(*element));
                StoredKind::Array { element, count: *count }
            }
        }
    }

    /// A type, given the descriptions that it refers to, in the order of `types_of_type`.
    fn ty(&mut self, ty: &'a Type, references: &[u32]) -> StoredType {
        let class = |&number: &u32| self.classes.of[number as usize];
        let classes: Vec<TypeNumber> = references.iter().map(class).collect();
        let (of_parameters, classes) =
            classes.split_at_checked(ty.type_parameters.len()).unwrap_or_default();
        let kind = self.kind(&ty.kind, classes);
        StoredType {
            name: self.string(&ty.name),
            size: ty.size,
            align: ty.align,
            declared: self.location(ty.declared.as_ref()),
            type_parameters: ty
                .type_parameters
                .iter()
                .zip(of_parameters)
                .map(|(parameter, &ty)| (self.string(&parameter.name), ty))
                .collect(),
            kind,
            units: 0,
            body: None,
            poll: None,
        }
    }

    /// Adds bodies, polls and invocations, each from the first description that has one.
    fn add_type_answers(&mut self, type_answers: &'a [TypeAnswers]) {
        for type_answers in type_answers {
            let class = self.classes.of[type_answers.number] as usize;
            if let (Some(body), None) = (&type_answers.body, self.tables.types[class].body) {
                self.tables.types[class].body = Some(self.function(body));
            }
            if let (Some(poll), None) = (&type_answers.poll, self.tables.types[class].poll) {
                let declared = self.location(poll.declared.as_ref());
                self.tables.types[class].poll = Some((poll.polled_as, declared));
            }
            for (state, invoked) in type_answers.invoked.iter().enumerate() {
                let Some(invoked) = self.location(invoked.as_ref()) else { continue };
                if let StoredKind::Enum { variants, .. } = &mut self.tables.types[class].kind
                    && let Some(variant) = variants.get_mut(state)
                {
                    variant.invoked.get_or_insert(invoked);
                }
            }
        }
    }

    fn add_units(&mut self, source: &DwarfSource, graph: &TypeGraph) {
        let mut units: Vec<Vec<u32>> = vec![Vec::new(); self.classes.first.len()];
        let (mut unit, mut end) = (0, 0);
        for (class, id) in self.classes.of.iter().zip(&graph.ids) {
            // Descriptions are in the order of their units, so each list is sorted.
            if id.0 >= end {
                unit = source.units.at(id.0).unwrap_or_default();
                end = source.units.entry(unit).end;
            }
            let list = &mut units[*class as usize];
            if list.last() != Some(&(unit as u32)) {
                list.push(unit as u32);
            }
        }
        let mut sets: FxHashMap<Vec<u32>, u32> = FxHashMap::default();
        for (class, list) in units.into_iter().enumerate() {
            let next = sets.len() as u32;
            let set = *sets.entry(list).or_insert(next);
            self.tables.types[class].units = set;
        }
        let mut sets: Vec<_> = sets.into_iter().collect();
        sets.sort_unstable_by_key(|(_, number)| *number);
        self.tables.unit_sets = sets.into_iter().map(|(set, _)| set).collect();
    }

    fn function(&mut self, function: &'a Arc<Function>) -> FunctionNumber {
        let stored = StoredFunction {
            name: self.string(&function.name),
            linkage_name: function.linkage_name.as_ref().map(|name| self.string(name)),
            type_parameters: function
                .type_parameters
                .iter()
                .map(|parameter| (self.string(&parameter.name), self.class(parameter.ty)))
                .collect(),
            variables: function
                .variables
                .iter()
                .map(|variable| (self.string(&variable.name), self.class(variable.ty)))
                .collect(),
            declared: self.location(function.declared.as_ref()),
        };
        if let Some(&known) = self.functions.get(&stored) {
            return known;
        }
        let number = self.tables.functions.len() as FunctionNumber;
        self.tables.functions.push(stored.clone());
        self.functions.insert(stored, number);
        number
    }

    fn frame(&mut self, frame: &'a Frame) {
        let mut stored = frame.stored();
        let low = frame.low();
        for ranged in &frame.variables {
            let is_everywhere = ranged.ranges.len() == frame.code.len()
                && frame.code.iter().all(|&(start, end)| ranged.ranges.contains(&(start..end)));
            let relative = ranged.ranges.iter().filter_map(|range| {
                Some((range.start.checked_sub(low)?, range.end.checked_sub(range.start)?))
            });
            let ranges: Vec<_> = if is_everywhere { Vec::new() } else { relative.collect() };
            if ranges.is_empty() && !is_everywhere {
                continue;
            }
            stored.variables.push(StoredPlacedVariable {
                ranges,
                function: self.string(&ranged.variable.function),
                name: self.string(&ranged.variable.name),
                ty: self.class(ranged.variable.ty),
                location: ranged.variable.location,
            });
        }
        for (ranges, function) in &frame.calls {
            let relative = ranges.iter().filter_map(|range| {
                Some((range.start.checked_sub(low)?, range.end.checked_sub(range.start)?))
            });
            let ranges = relative.collect();
            stored.calls.push((ranges, self.function(function)));
        }
        self.tables.variables.push(stored);
    }
}
