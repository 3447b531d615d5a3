//! The answers of a layout file, made from its tables when they are asked for.

use std::collections::HashMap;
use std::sync::Arc;

use super::LayoutFile;
use super::tables::{
    FunctionNumber, StoredFrame, StoredKind, StoredLocation, StoredMember, StoredThreadLocal,
    StoredType, StringNumber, TypeNumber,
};
use crate::layout::source::{
    KnowledgeText, LayoutError, LayoutSource, ObjectFacts, Poll, Provenance, StaticVariable,
    ThreadLocal,
};
use crate::layout::{
    Call, Function, Member, PlacedVariable, SourceFile, SourceLocation, StaticAddress, Type,
    TypeId, TypeKind, TypeParameter, Variable, Variant,
};

impl LayoutFile {
    fn text(&self, number: StringNumber) -> &str {
        let number = number as usize;
        let ends = &self.tables.string_ends;
        let start = number.checked_sub(1).map_or(0, |before| ends[before]) as usize;
        &self.tables.strings[start..ends[number] as usize]
    }

    fn location(&self, location: StoredLocation) -> Option<SourceLocation> {
        let (number, line) = location?;
        let file = self.files[number as usize].get_or_init(|| {
            let (path, directory) = self.tables.files[number as usize];
            let (path, directory) = (self.text(path).into(), self.text(directory).into());
            Arc::new(SourceFile { path, directory })
        });
        Some(SourceLocation { file: Arc::clone(file), line })
    }

    fn parameters(&self, stored: &[(StringNumber, TypeNumber)]) -> Vec<TypeParameter> {
        let one = |&(name, ty)| TypeParameter { name: self.text(name).into(), ty: id(ty) };
        stored.iter().map(one).collect()
    }

    fn members(&self, stored: &[StoredMember]) -> Vec<Member> {
        let one = |member: &StoredMember| Member {
            name: self.text(member.name).into(),
            offset: member.offset,
            ty: id(member.ty),
        };
        stored.iter().map(one).collect()
    }

    fn kind(&self, stored: &StoredKind) -> TypeKind {
        match stored {
            StoredKind::Opaque => TypeKind::Opaque,
            StoredKind::Integer { signed } => TypeKind::Integer { signed: *signed },
            StoredKind::Float => TypeKind::Float,
            StoredKind::Bool => TypeKind::Bool,
            StoredKind::Char => TypeKind::Char,
            StoredKind::Pointer { target } => TypeKind::Pointer { target: target.map(id) },
            StoredKind::Struct { members } => TypeKind::Struct { members: self.members(members) },
            StoredKind::Union { members } => TypeKind::Union { members: self.members(members) },
            StoredKind::Enum { discriminant, variants } => TypeKind::Enum {
                discriminant: discriminant.clone(),
                variants: variants
                    .iter()
                    .map(|variant| Variant {
                        name: self.text(variant.name).into(),
                        values: variant.values.clone(),
                        offset: variant.offset,
                        ty: id(variant.ty),
                        line: self.location(variant.line),
                    })
                    .collect(),
            },
            StoredKind::PlainEnum { enumerators } => {
                let one = |&(name, value): &(StringNumber, i128)| (self.text(name).into(), value);
                TypeKind::PlainEnum { enumerators: enumerators.iter().map(one).collect() }
            }
            StoredKind::Array { element, count } => {
                TypeKind::Array { element: id(*element), count: *count }
            }
        }
    }

    fn stored(&self, ty: TypeId) -> Result<&StoredType, LayoutError> {
        let number = usize::try_from(ty.0).ok();
        number.and_then(|n| self.tables.types.get(n)).ok_or(LayoutError::NoSuchType(ty.0))
    }

    fn function(&self, number: FunctionNumber) -> Arc<Function> {
        let made = self.functions[number as usize].get_or_init(|| {
            let stored = &self.tables.functions[number as usize];
            let variable = |&(name, ty)| Variable { name: self.text(name).into(), ty: id(ty) };
            Arc::new(Function {
                name: self.text(stored.name).into(),
                linkage_name: stored.linkage_name.map(|name| self.text(name).into()),
                type_parameters: self.parameters(&stored.type_parameters),
                variables: stored.variables.iter().map(variable).collect(),
                declared: self.location(stored.declared),
            })
        });
        Arc::clone(made)
    }

    fn string_number(&self, text: &str) -> Option<StringNumber> {
        let numbers = self.string_numbers.get_or_init(|| {
            let count = self.tables.string_ends.len() as StringNumber;
            (0..count).map(|number| (self.text(number).into(), number)).collect()
        });
        numbers.get(text).copied()
    }

    /// The frames of functions whose code the program counter is in.
    fn frames_at(&self, pc: StaticAddress) -> impl Iterator<Item = &StoredFrame> {
        self.tables
            .variables
            .iter()
            .filter(move |frame| frame.code.iter().any(|&(low, high)| (low..high).contains(&pc.0)))
    }
}

impl LayoutSource for LayoutFile {
    fn facts(&self) -> &ObjectFacts {
        &self.tables.facts
    }

    fn provenance(&self) -> Provenance {
        let form = format!("layout file, from {}", self.tables.form);
        Provenance { path: self.path.clone(), form, lack: self.tables.lack.clone(), rests_on: None }
    }

    fn knowledge(&self) -> Vec<KnowledgeText> {
        self.tables.knowledge.clone()
    }

    fn type_at(&self, ty: TypeId) -> Result<Arc<Type>, LayoutError> {
        let stored = self.stored(ty)?;
        let made = self.types[ty.0 as usize].get_or_init(|| {
            Arc::new(Type {
                name: self.text(stored.name).into(),
                size: stored.size,
                align: stored.align,
                declared: self.location(stored.declared),
                type_parameters: self.parameters(&stored.type_parameters),
                kind: self.kind(&stored.kind),
            })
        });
        Ok(Arc::clone(made))
    }

    fn functions_at(&self, address: StaticAddress) -> Result<Vec<Arc<Function>>, LayoutError> {
        let found = at(&self.tables.functions_at, address);
        Ok(found.iter().map(|&number| self.function(number)).collect())
    }

    fn vtable_types(&self, address: StaticAddress) -> Result<Vec<TypeId>, LayoutError> {
        Ok(at(&self.tables.vtables, address).iter().copied().map(id).collect())
    }

    fn types_named(&self, name: &str, near: Option<TypeId>) -> Result<Vec<TypeId>, LayoutError> {
        let names = self.names.get_or_init(|| {
            let mut names: HashMap<StringNumber, Vec<TypeNumber>> = HashMap::new();
            for (number, ty) in self.tables.types.iter().enumerate() {
                names.entry(ty.name).or_default().push(number as TypeNumber);
            }
            names
        });
        let found = self.string_number(name).and_then(|number| names.get(&number));
        let Some(found) = found else { return Ok(Vec::new()) };
        let units_of = |ty: &StoredType| &self.tables.unit_sets[ty.units as usize];
        if let Some(near) = near.and_then(|near| self.stored(near).ok()) {
            let here = units_of(near);
            let shares = |&number: &TypeNumber| {
                let there = units_of(&self.tables.types[number as usize]);
                here.iter().any(|unit| there.binary_search(unit).is_ok())
            };
            let close: Vec<_> = found.iter().copied().filter(shares).map(id).collect();
            if !close.is_empty() {
                return Ok(close);
            }
        }
        Ok(found.iter().copied().map(id).collect())
    }

    fn thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        let is_under = |stored: &&StoredThreadLocal| {
            let rest = self.text(stored.name).strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let mut found: Vec<_> = self.tables.thread_locals.iter().filter(is_under).collect();
        // Without a symbol table, a copy that the linker dropped shows only by its offset.
        if found.iter().any(|stored| !stored.is_vouched_for && stored.offset != 0) {
            found.retain(|stored| stored.is_vouched_for || stored.offset != 0);
        }
        let variable = |stored: &StoredThreadLocal| ThreadLocal {
            name: self.text(stored.name).into(),
            ty: id(stored.ty),
            offset: stored.offset,
        };
        Ok(found.into_iter().map(variable).collect())
    }

    fn static_variables(&self, type_name: &str) -> Result<Vec<StaticVariable>, LayoutError> {
        let is_wanted = |&&(_, ty): &&(u64, TypeNumber)| {
            let name = self.text(self.tables.types[ty as usize].name);
            match type_name.ends_with('<') {
                true => name.starts_with(type_name),
                false => name == type_name,
            }
        };
        let all = self.tables.static_variables.iter().filter(is_wanted);
        let all = all.map(|&(at, ty)| StaticVariable {
            ty: id(ty),
            address: StaticAddress(at),
            name: None,
        });
        Ok(all.collect())
    }

    fn body_of(&self, environment: TypeId) -> Result<Option<Arc<Function>>, LayoutError> {
        Ok(self.stored(environment)?.body.map(|number| self.function(number)))
    }

    fn invoked_at(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        let StoredKind::Enum { variants, .. } = &self.stored(machine)?.kind else {
            return Ok(None);
        };
        Ok(variants.get(state).and_then(|variant| self.location(variant.invoked)))
    }

    fn poll_of(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        let poll = self.stored(ty)?.poll;
        Ok(poll.map(|(polled_as, at)| Poll { polled_as, declared: self.location(at) }))
    }

    fn has_function(&self, identifier: &str) -> bool {
        self.tables.notable.iter().any(|name| name == identifier)
    }

    fn may_have_function(&self, identifier: &str) -> bool {
        self.has_function(identifier)
    }

    fn calls_at(&self, pc: StaticAddress) -> Result<Vec<Call>, LayoutError> {
        let mut found = Vec::new();
        for frame in self.frames_at(pc) {
            found.extend(
                frame
                    .calls
                    .iter()
                    .filter(|(ranges, _)| frame.has(ranges, pc))
                    .map(|(_, number)| Call { function: self.function(*number), location: None }),
            );
        }
        Ok(found)
    }

    fn variables_at(&self, pc: StaticAddress) -> Result<Vec<PlacedVariable>, LayoutError> {
        let mut found = Vec::new();
        for frame in self.frames_at(pc) {
            for stored in &frame.variables {
                if frame.has(&stored.ranges, pc) {
                    found.push(PlacedVariable {
                        function: self.text(stored.function).into(),
                        name: self.text(stored.name).into(),
                        ty: id(stored.ty),
                        location: stored.location,
                    });
                }
            }
        }
        Ok(found)
    }
}

fn id(number: TypeNumber) -> TypeId {
    TypeId(u64::from(number))
}

fn at<T>(list: &[(u64, Vec<T>)], address: StaticAddress) -> &[T] {
    match list.binary_search_by_key(&address.0, |(at, _)| *at) {
        Ok(found) => &list[found].1,
        Err(_) => &[],
    }
}
