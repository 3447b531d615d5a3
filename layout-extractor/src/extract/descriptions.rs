//! DESCRIPTIONS: every entry of a type that the roots lead to.
//!
//! rustc describes a type again in every unit that uses it: of a hundred descriptions nine or ten
//! differ. So what a description says is hashed here and not kept, and only its references are
//! followed; a layout is read later, of one description of each type.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::FixedState;
use gimli::{DwTag, Dwarf, constants as dw};
use rayon::prelude::*;
use runtime_layouts::layout::source::{LayoutError, LayoutSource};
use runtime_layouts::layout::{Function, TypeId};
use rustc_hash::FxHashMap;

use super::lists::Lists;
use super::reach::{types_of_function, types_of_type};
use super::Progress;
use crate::description::{Declared, Description, Reader, is_alias};
use crate::discriminants::Signedness;
use crate::index::{NameRef, NodeNumber, UnitIndex, is_type};
use crate::source::DwarfSource;
use crate::units::{Slice, UnitNumber, UnitView};

/// All descriptions, by number, in the order of the debug information.
pub(super) struct Descriptions {
    pub(super) ids: Vec<TypeId>,
    /// A hash of all that each says itself.
    pub(super) words: Vec<u64>,
    /// What each refers to, by number.
    pub(super) references: Lists,
    /// The environments of closures and async fns that have a body, and that, in order.
    pub(super) bodies: Vec<(usize, Arc<Function>)>,
}

impl Descriptions {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// What one refers to.
    pub(super) fn references(&self, number: usize) -> &[u32] {
        self.references.get(number as u32)
    }

    /// The number of a description that was followed.
    pub(super) fn number(&self, id: TypeId) -> usize {
        self.ids.binary_search(&id).expect("all that is referred to was followed")
    }
}

/// Follows every reference from these types on, and the bodies of closures and async fns.
pub(super) fn follow<'s>(
    source: &'s DwarfSource,
    beginnings: Vec<TypeId>,
    progress: &dyn Progress,
) -> Descriptions {
    let dwarf = source.dwarf();
    let mut units: BTreeMap<UnitNumber, Box<OfUnit<'s>>> = BTreeMap::new();
    // Those that no thread is using.
    let hashes: Mutex<Vec<Hashes>> = Mutex::default();
    let free = || hashes.lock().unwrap_or_else(PoisonError::into_inner);
    let mut next = beginnings;
    while !next.is_empty() {
        next.sort_unstable();
        next.dedup();
        let work: Vec<_> = next
            .chunk_by(|one, other| source.units.at(one.0) == source.units.at(other.0))
            .map(|ids| {
                let number = source.units.at(ids[0].0).unwrap_or(NO_UNIT);
                (number, units.remove(&number), ids)
            })
            .collect();
        let follow = |(number, unit, ids): (_, Option<Box<OfUnit<'s>>>, &[TypeId])| {
            let new = || Box::new(OfUnit::new(source, &dwarf, number));
            let mut unit = unit.unwrap_or_else(new);
            let before = unit.found.len();
            let mut own = free().pop().unwrap_or_default();
            unit.follow(source, &dwarf, ids, &mut own);
            free().push(own);
            progress.advance((unit.found.len() - before) as u64);
            unit
        };
        let done: Vec<_> = work.into_par_iter().with_max_len(1).map(follow).collect();
        next = Vec::new();
        for mut unit in done {
            next.extend(&unit.elsewhere[unit.followed..]);
            unit.followed = unit.elsewhere.len();
            units.insert(unit.number, unit);
        }
    }
    numbered(units.into_values().collect())
}

/// Numbers all descriptions in the order of the debug information, and what they refer to.
fn numbered(units: Vec<Box<OfUnit<'_>>>) -> Descriptions {
    let mut base = 0;
    let mut based = Vec::with_capacity(units.len());
    for unit in units {
        based.push((base, unit));
        base += based.last().map_or(0, |(_, unit)| unit.found.len() as u32);
    }
    let ordered: Vec<_> =
        based.into_par_iter().map(|(base, unit)| Ordered::new(base, unit)).collect();
    let all = || ordered.iter().flat_map(Ordered::found);
    let mut descriptions = Descriptions {
        ids: all().map(|one| one.id).collect(),
        words: all().map(|one| one.words).collect(),
        references: Lists::default(),
        bodies: Vec::new(),
    };
    let number = |id| descriptions.number(id);
    let (references, mut bodies) = rayon::join(
        || ordered.par_iter().map(|unit| unit.references(number)).collect::<Vec<_>>().concat(),
        || {
            let bodies = ordered.par_iter().flat_map_iter(|ordered| &ordered.unit.bodies);
            bodies.map(|(id, body)| (number(*id), Arc::clone(body))).collect::<Vec<_>>()
        },
    );
    bodies.sort_unstable_by_key(|(number, _)| *number);
    descriptions.references = Lists::joined(references, all().map(|one| one.count));
    descriptions.bodies = bodies;
    descriptions
}

/// A unit whose descriptions have numbers.
struct Ordered<'s> {
    unit: Box<OfUnit<'s>>,
    /// Their places in the order of their numbers.
    order: Vec<u32>,
    /// Their numbers in the order of their places.
    numbers: Vec<u32>,
}

impl<'s> Ordered<'s> {
    /// Numbers those of a unit in the order of the debug information, from `base` on.
    fn new(base: u32, unit: Box<OfUnit<'s>>) -> Self {
        let mut order: Vec<u32> = (0..unit.found.len() as u32).collect();
        order.sort_unstable_by_key(|&local| unit.found[local as usize].id);
        let mut numbers = vec![0; order.len()];
        for (number, &local) in (base..).zip(&order) {
            numbers[local as usize] = number;
        }
        Self { unit, order, numbers }
    }

    /// Those of the unit, in order.
    fn found(&self) -> impl Iterator<Item = &Found> {
        self.order.iter().map(|&local| &self.unit.found[local as usize])
    }

    /// The numbers of all that they refer to, in order.
    fn references(&self, of: impl Fn(TypeId) -> usize) -> Vec<u32> {
        let number = |&reference: &u32| match reference.checked_sub(ELSEWHERE) {
            None => self.numbers[reference as usize],
            Some(place) => of(self.unit.elsewhere[place as usize]) as u32,
        };
        let mut numbers = Vec::with_capacity(self.unit.references.len());
        let all = self.found().flat_map(|found| &self.unit.references[found.range()]);
        numbers.extend(all.map(number));
        numbers
    }
}

/// The number for what is in no unit.
const NO_UNIT: UnitNumber = UnitNumber::MAX;

/// The first place that is in another unit: no unit has as many descriptions.
const ELSEWHERE: u32 = 1 << 31;

/// A unit has so many nodes for each description that is followed there, about, and that one so many
/// references: room for more is made when it is needed.
const NODES_OF_ONE: usize = 6;
const REFERENCES_OF_ONE: usize = 3;

/// The descriptions of one unit, in the order in which they are met.
struct OfUnit<'s> {
    number: UnitNumber,
    /// `None` when the unit cannot be read.
    readable: Option<(UnitView<'s>, &'s UnitIndex)>,
    /// The places of those that were met, by their offsets in the unit.
    known: FxHashMap<u32, u32>,
    found: Vec<Found>,
    /// The places of descriptions in the order in which they are met; from [`ELSEWHERE`] on, of what
    /// is in other units.
    references: Vec<u32>,
    /// What these and the bodies lead to in other units, in the order in which it is met, and how
    /// much of that was followed.
    elsewhere: Vec<TypeId>,
    followed: usize,
    /// The environments of closures and async fns that have a body, and that.
    bodies: Vec<(TypeId, Arc<Function>)>,
    /// Hashes of files, by number; 0 where none was needed yet.
    files: Vec<u64>,
}

/// A description.
struct Found {
    id: TypeId,
    words: u64,
    /// Where its references begin, and how many there are.
    first: u32,
    count: u32,
}

impl Found {
    /// One that was not read yet, or cannot be.
    fn unreadable(id: TypeId) -> Self {
        Self { id, words: 0, first: 0, count: 0 }
    }

    fn range(&self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }
}

impl<'s> OfUnit<'s> {
    fn new(source: &'s DwarfSource, dwarf: &Dwarf<Slice<'s>>, number: UnitNumber) -> Self {
        let read = || {
            let index = source.index(dwarf, number)?;
            Ok::<_, LayoutError>((source.units.view(dwarf, number)?, index))
        };
        let readable = if number == NO_UNIT { None } else { read().ok() };
        let nodes = readable.as_ref().map_or(0, |(_, index)| index.nodes.len());
        let mut known = FxHashMap::default();
        known.reserve(nodes / NODES_OF_ONE);
        OfUnit {
            number,
            readable,
            known,
            found: Vec::with_capacity(nodes / NODES_OF_ONE),
            references: Vec::with_capacity(REFERENCES_OF_ONE * nodes / NODES_OF_ONE),
            elsewhere: Vec::new(),
            followed: 0,
            bodies: Vec::new(),
            files: Vec::new(),
        }
    }

    /// Follows these, which are of the unit, and what they refer to there.
    fn follow(
        &mut self,
        source: &'s DwarfSource,
        dwarf: &Dwarf<Slice<'s>>,
        ids: &[TypeId],
        hashes: &mut Hashes,
    ) {
        let readable = self.readable.take();
        let unit = readable.as_ref().and_then(|(view, index)| {
            let reader = Reader::new(dwarf, view).ok()?;
            let files = std::mem::take(&mut self.files);
            Some(Unit { source, dwarf, view, index, reader, files, hashes })
        });
        match unit {
            Some(unit) => self.follow_in(unit, ids),
            // What cannot be read is a node of its own kind.
            None => {
                self.found.extend(ids.iter().map(|&id| Found::unreadable(id)));
                self.found.sort_unstable_by_key(|found| found.id);
                self.found.dedup_by_key(|found| found.id);
            }
        }
        self.readable = readable;
    }

    fn follow_in(&mut self, mut unit: Unit<'_, 's>, ids: &[TypeId]) {
        let place = unit.view.start..unit.source.units.entry(self.number).end;
        let mut described = Description::default();
        let mut at = self.found.len();
        for &id in ids {
            self.here(id, place.start);
        }
        let mut referred = Vec::new();
        while let Some(found) = self.found.get(at) {
            let id = found.id;
            referred.clear();
            let node = unit.index.node_at(id.0 - place.start);
            let words = unit.describe(id, node, &mut described, &mut referred);
            let first = self.references.len() as u32;
            for &id in &referred {
                let reference = self.reference(id, &place);
                self.references.push(reference);
            }
            let found = &mut self.found[at];
            found.words = words.unwrap_or_default();
            (found.first, found.count) = (first, referred.len() as u32);
            if let Some(body) = unit.body(id, node) {
                referred.clear();
                types_of_function(&body, &mut referred);
                for &id in &referred {
                    self.reference(id, &place);
                }
                self.bodies.push((id, body));
            }
            at += 1;
        }
        self.files = unit.files;
    }

    /// The place of a description in the order in which they are met, wherever it is.
    fn reference(&mut self, id: TypeId, place: &Range<u64>) -> u32 {
        if place.contains(&id.0) {
            return self.here(id, place.start);
        }
        self.elsewhere.push(id);
        ELSEWHERE + self.elsewhere.len() as u32 - 1
    }

    /// The place of a description of this unit in the order in which they are met.
    fn here(&mut self, id: TypeId, start: u64) -> u32 {
        let next = self.found.len() as u32;
        // A unit that is larger has no index.
        *self.known.entry((id.0 - start) as u32).or_insert_with(|| {
            self.found.push(Found::unreadable(id));
            next
        })
    }
}

/// What the layout of a type refers to, as [`types_of_type`] finds it there.
fn refer(tag: DwTag, described: &Description<'_>, referred: &mut Vec<TypeId>) {
    referred.extend(described.type_parameters.iter().map(|(_, ty)| TypeId(*ty)));
    match tag {
        dw::DW_TAG_pointer_type
        | dw::DW_TAG_reference_type
        | dw::DW_TAG_rvalue_reference_type
        | dw::DW_TAG_array_type => referred.extend(described.target.map(TypeId)),
        dw::DW_TAG_structure_type | dw::DW_TAG_class_type | dw::DW_TAG_union_type => {
            match described.enum_part(tag) {
                Some(part) => {
                    let members = part.variants.iter().filter_map(|variant| variant.member);
                    referred.extend(members.map(|member| TypeId(member.ty)));
                }
                None if described.is_declaration => {}
                None => referred.extend(described.members.iter().map(|member| TypeId(member.ty))),
            }
        }
        _ => {}
    }
}

/// Hashes of what many descriptions have in common, for one thread at a time. Names are taken for
/// what they are and not for where they are: a linker may leave several copies of one.
#[derive(Default)]
struct Hashes {
    /// By [`NameRef::key`].
    names: Lately,
    /// By the numbers of the unit and the node.
    paths: Lately,
    /// By the entry of the type.
    discriminants: FxHashMap<u64, (u8, Signedness)>,
}

/// Hashes that were needed lately: most names come several times, one soon after the other.
struct Lately(Box<[(u64, u64)]>);

impl Default for Lately {
    fn default() -> Self {
        // No key is as large.
        Self(vec![(u64::MAX, 0); 1 << Self::BITS].into())
    }
}

impl Lately {
    const BITS: u32 = 11;

    fn slot(&mut self, key: u64) -> &mut (u64, u64) {
        let slot = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - Self::BITS);
        &mut self.0[slot as usize]
    }

    fn get(&mut self, key: u64) -> Option<u64> {
        let (known, hash) = *self.slot(key);
        (known == key).then_some(hash)
    }

    fn put(&mut self, key: u64, hash: u64) {
        *self.slot(key) = (key, hash);
    }
}

/// A unit that is being read.
struct Unit<'u, 's> {
    source: &'s DwarfSource,
    dwarf: &'u Dwarf<Slice<'s>>,
    view: &'u UnitView<'s>,
    index: &'s UnitIndex,
    reader: Reader<'u, 's>,
    files: Vec<u64>,
    hashes: &'u mut Hashes,
}

impl<'s> Unit<'_, 's> {
    /// The body of a closure or async fn, if this is the environment of one.
    fn body(&self, id: TypeId, node: Option<NodeNumber>) -> Option<Arc<Function>> {
        let may_be = self.index.node(node?).name().from(self.dwarf).starts_with(b"{");
        may_be.then(|| self.source.body_of(id).ok().flatten())?
    }

    /// A hash of all that a description says itself, and what it refers to: what its layout does.
    fn describe(
        &mut self,
        id: TypeId,
        node: Option<NodeNumber>,
        described: &mut Description<'s>,
        referred: &mut Vec<TypeId>,
    ) -> Result<u64, LayoutError> {
        let is_of_type = |node: &NodeNumber| is_type(self.index.node(*node).tag());
        let node = node.filter(is_of_type).ok_or(LayoutError::NoSuchType(id.0))?;
        let (tag, name) = (self.index.node(node).tag(), self.index.node(node).name());
        let mut words = FixedState::default().build_hasher();
        if is_alias(tag) || matches!(name, NameRef::Origin(_)) {
            // rustc makes none of these. Each is a type of its own.
            types_of_type(&*self.source.type_at(id)?, referred);
            id.0.hash(&mut words);
            return Ok(words.finish());
        }
        described.read_again(&mut self.reader, id.0)?;
        self.hash(id, node, described, &mut words)?;
        refer(tag, described, referred);
        Ok(words.finish())
    }

    /// Adds all that a description says itself. What it refers to adds its own.
    fn hash(
        &mut self,
        id: TypeId,
        node: NodeNumber,
        described: &Description<'s>,
        words: &mut impl Hasher,
    ) -> Result<(), LayoutError> {
        let tag = self.index.node(node).tag();
        words.write_u64(self.path(node));
        let said = [
            described.has_name,
            described.is_declaration,
            described.size.is_some(),
            described.align.is_some(),
            described.encoding.is_some(),
            described.target.is_some(),
        ];
        let said = said.iter().fold(0, |flags, flag| flags << 1 | u64::from(*flag));
        let encoding = described.encoding.map_or(0, |encoding| encoding.0);
        words.write_u64(u64::from(tag.0) << 16 | u64::from(encoding) << 8 | said);
        words.write_u64(described.size.unwrap_or(0));
        words.write_u64(described.align.unwrap_or(0));
        self.hash_place(described.declared, words);
        described.counts.hash(words);
        for (name, _) in &described.type_parameters {
            words.write_u64(self.name(*name));
        }
        for member in &described.members {
            words.write_u64(self.name(member.name));
            words.write_u64(member.offset);
        }
        for (name, value) in &described.enumerators {
            words.write_u64(self.name(*name));
            words.write_i128(*value);
        }
        if let Some(part) = described.enum_part(tag) {
            if let Some((offset, ty)) = part.found {
                let kind = match self.hashes.discriminants.get(&ty) {
                    Some(known) => *known,
                    None => self.source.discriminant_type(self.dwarf, ty)?,
                };
                self.hashes.discriminants.insert(ty, kind);
                (offset, kind).hash(words);
            }
            for variant in &part.variants {
                let Some(member) = variant.member else { continue };
                (variant.value, variant.values).hash(words);
                words.write_u64(self.name(member.name));
                words.write_u64(member.offset);
                self.hash_place(variant.declared, words);
            }
        }
        if tag == dw::DW_TAG_subroutine_type {
            // Its name is made of types that it does not lead to.
            self.source.type_name(self.dwarf, id.0, 0)?.hash(words);
        }
        Ok(())
    }

    fn name(&mut self, name: NameRef) -> u64 {
        let key = name.key();
        if let Some(known) = self.hashes.names.get(key) {
            return known;
        }
        let hash = FixedState::default().hash_one(self.source.name_bytes(self.dwarf, name));
        self.hashes.names.put(key, hash);
        hash
    }

    /// A hash of the names that lead to a node.
    fn path(&mut self, node: NodeNumber) -> u64 {
        let mut path = 0;
        // What is in the same namespace or type has all of its path in common but for the end.
        let mut unknown = Vec::new();
        for parent in self.index.with_parents(node).skip(1) {
            if let Some(known) = self.hashes.paths.get(self.key(parent)) {
                path = known;
                break;
            }
            unknown.push(parent);
        }
        for parent in unknown.into_iter().rev() {
            path = self.longer_path(path, parent);
            self.hashes.paths.put(self.key(parent), path);
        }
        self.longer_path(path, node)
    }

    fn key(&self, node: NodeNumber) -> u64 {
        (self.view.number as u64) << 32 | u64::from(node)
    }

    fn longer_path(&mut self, path: u64, node: NodeNumber) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        hasher.write_u64(path);
        hasher.write_u64(self.name(self.index.node(node).name()));
        hasher.finish()
    }

    fn hash_place(&mut self, declared: Declared, words: &mut impl Hasher) {
        let line = declared.line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
        words.write_u32(line);
        // Without a line a file says nothing.
        if let Some(number) = declared.file.filter(|_| line != 0) {
            words.write_u64(self.file(number, declared));
        }
    }

    fn file(&mut self, number: u64, declared: Declared) -> u64 {
        let slot = usize::try_from(number).ok().filter(|slot| *slot < MOST_FILES);
        let known = slot.and_then(|slot| self.files.get(slot).copied());
        if let Some(known) = known.filter(|hash| *hash != 0) {
            return known;
        }
        let place = self.source.described_location(self.dwarf, self.view, declared);
        let file = place.map(|place| place.file);
        let file = file.as_deref().map(|file| (&*file.path, &*file.directory));
        let hash = FixedState::default().hash_one(file) | 1;
        if let Some(slot) = slot {
            if self.files.len() <= slot {
                self.files.resize(slot + 1, 0);
            }
            self.files[slot] = hash;
        }
        hash
    }
}

/// The hashes of files with larger numbers are not kept.
const MOST_FILES: usize = 1 << 16;
