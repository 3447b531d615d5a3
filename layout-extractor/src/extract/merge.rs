//! MERGE: types that are the same in several units become one.
//!
//! rustc describes a type again in every unit that uses it. Two descriptions are the same when they
//! say the same and refer to the same, cycles included: so all start as equal as their own words
//! are, and are told apart by what they refer to, round after round, until nothing changes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use rayon::prelude::*;
use runtime_layouts::layout::{Discriminant, SourceLocation, Type, TypeId, TypeKind};
use rustc_hash::FxHashMap;

use super::reach::{ReachedType, numbers, types_of_type};
use super::{Progress, Stage};

/// Which types are the same.
pub(super) struct Classes {
    /// The class of every type, in order.
    pub(super) of: Vec<u32>,
    /// The first type of every class.
    pub(super) first: Vec<usize>,
    /// The numbers of types by their identifiers.
    pub(super) numbers: FxHashMap<TypeId, usize>,
}

impl Classes {
    /// The class of a type.
    pub(super) fn class(&self, id: TypeId) -> u32 {
        self.of[self.numbers[&id]]
    }
}

/// Finds out which types are the same.
pub(super) fn classes(types: &[ReachedType], progress: &dyn Progress) -> Classes {
    progress.start(Stage::Merging, None);
    let numbers = numbers(types);
    let words: Vec<u64> = types.par_iter().map(|reached| own_words(&reached.ty)).collect();
    let references: Vec<Vec<u32>> = types
        .par_iter()
        .map(|reached| {
            let mut referred = Vec::new();
            types_of_type(&reached.ty, &mut referred);
            referred.iter().map(|id| numbers[id] as u32).collect()
        })
        .collect();
    let mut classes = words.clone();
    let mut count = distinct(&classes);
    loop {
        progress.advance(1);
        let next: Vec<u64> = (0..types.len())
            .into_par_iter()
            .map(|number| {
                let mut hasher = DefaultHasher::new();
                words[number].hash(&mut hasher);
                for &referred in &references[number] {
                    classes[referred as usize].hash(&mut hasher);
                }
                hasher.finish()
            })
            .collect();
        let next_count = distinct(&next);
        classes = next;
        if next_count <= count {
            break;
        }
        count = next_count;
    }
    let mut first = Vec::with_capacity(count);
    let mut seen: HashMap<u64, u32> = HashMap::with_capacity(count);
    let of = classes
        .iter()
        .enumerate()
        .map(|(number, class)| {
            *seen.entry(*class).or_insert_with(|| {
                first.push(number);
                first.len() as u32 - 1
            })
        })
        .collect();
    Classes { of, first, numbers }
}

fn distinct(classes: &[u64]) -> usize {
    let mut sorted = classes.to_vec();
    sorted.par_sort_unstable();
    sorted.dedup();
    sorted.len()
}

/// A hash of all that a type says without its references.
fn own_words(ty: &Type) -> u64 {
    let mut hasher = DefaultHasher::new();
    let into = &mut hasher;
    ty.name.hash(into);
    ty.size.hash(into);
    ty.align.hash(into);
    hash_location(ty.declared.as_ref(), into);
    ty.type_parameters.len().hash(into);
    ty.type_parameters.iter().for_each(|parameter| parameter.name.hash(into));
    std::mem::discriminant(&ty.kind).hash(into);
    match &ty.kind {
        TypeKind::Integer { signed } => signed.hash(into),
        TypeKind::Pointer { target } => target.is_some().hash(into),
        TypeKind::Struct { members } | TypeKind::Union { members } => {
            members.iter().for_each(|member| (&member.name, member.offset).hash(into));
        }
        TypeKind::Enum { discriminant, variants } => {
            let place = |d: &Discriminant| (d.offset, d.size);
            discriminant.as_ref().map(place).hash(into);
            for variant in variants {
                (&variant.name, &variant.values, variant.offset).hash(into);
                hash_location(variant.line.as_ref(), into);
            }
        }
        TypeKind::PlainEnum { enumerators } => enumerators.hash(into),
        TypeKind::Array { count, .. } => count.hash(into),
        TypeKind::Float | TypeKind::Bool | TypeKind::Char | TypeKind::Opaque => {}
    }
    hasher.finish()
}

fn hash_location(location: Option<&SourceLocation>, into: &mut DefaultHasher) {
    location.map(|at| (&at.file.path, &at.file.directory, at.line)).hash(into);
}
