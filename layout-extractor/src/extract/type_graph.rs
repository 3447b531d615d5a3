//! The graph of all type descriptions that the roots lead to.
//!
//! rustc describes a type again in every unit that uses it; some ninety of a hundred descriptions
//! are repetitions. So this pass only hashes what a description says and follows its references.
//! The layout itself is read later, once per distinct type.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use gimli::Dwarf;
use rayon::prelude::*;
use runtime_layouts::layout::source::LayoutError;
use runtime_layouts::layout::{Function, TypeId};
use rustc_hash::FxHashMap;

use super::adjacency_lists::AdjacencyLists;
use super::description_hash::{DescriptionHasher, SharedHashes};
use super::edges::types_of_function;
use super::progress::Progress;
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::type_description::{Description, DescriptionReader};
use crate::dwarf::unit_view::UnitView;
use crate::indexes::unit_index::UnitIndex;
use crate::object::sections::Slice;
use crate::questions::source::DwarfSource;

/// All reachable descriptions of types, numbered in the order of the debug information.
pub(super) struct TypeGraph {
    pub(super) ids: Vec<TypeId>,
    /// The hash of each description, without what it refers to.
    pub(super) hashes: Vec<u64>,
    /// The numbers that each description refers to.
    pub(super) references: AdjacencyLists,
    /// The environments of closures and async fns, each with its body; in order.
    pub(super) bodies: Vec<(usize, Arc<Function>)>,
}

impl TypeGraph {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The numbers that a description refers to.
    pub(super) fn references(&self, number: usize) -> &[u32] {
        self.references.get(number as u32)
    }

    /// The number of a description, which must be reachable.
    pub(super) fn number(&self, id: TypeId) -> usize {
        self.ids.binary_search(&id).expect("all that is referred to was followed")
    }
}

/// Follows all references from these types on, through the bodies of closures and async fns too.
pub(super) fn follow<'s>(
    source: &'s DwarfSource,
    root_types: Vec<TypeId>,
    progress: &dyn Progress,
) -> TypeGraph {
    let dwarf = source.dwarf();
    let mut units: BTreeMap<UnitNumber, Box<UnitGraph<'s>>> = BTreeMap::new();
    // The caches that no thread is using.
    let hashes: Mutex<Vec<SharedHashes>> = Mutex::default();
    let free = || hashes.lock().unwrap_or_else(PoisonError::into_inner);
    let mut next = root_types;
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
        let follow = |(number, unit, ids): (_, Option<Box<UnitGraph<'s>>>, &[TypeId])| {
            let new = || Box::new(UnitGraph::new(source, &dwarf, number));
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

/// Numbers all descriptions in the order of the debug information, and resolves their references.
fn numbered(units: Vec<Box<UnitGraph<'_>>>) -> TypeGraph {
    let mut base = 0;
    let mut based = Vec::with_capacity(units.len());
    for unit in units {
        based.push((base, unit));
        base += based.last().map_or(0, |(_, unit)| unit.found.len() as u32);
    }
    let ordered: Vec<_> =
        based.into_par_iter().map(|(base, unit)| NumberedUnit::new(base, unit)).collect();
    let all = || ordered.iter().flat_map(NumberedUnit::found);
    let mut graph = TypeGraph {
        ids: all().map(|one| one.id).collect(),
        hashes: all().map(|one| one.hash).collect(),
        references: AdjacencyLists::default(),
        bodies: Vec::new(),
    };
    let number = |id| graph.number(id);
    let (references, mut bodies) = rayon::join(
        || ordered.par_iter().map(|unit| unit.references(number)).collect::<Vec<_>>().concat(),
        || {
            let bodies = ordered.par_iter().flat_map_iter(|ordered| &ordered.unit.bodies);
            bodies.map(|(id, body)| (number(*id), Arc::clone(body))).collect::<Vec<_>>()
        },
    );
    bodies.sort_unstable_by_key(|(number, _)| *number);
    graph.references = AdjacencyLists::joined(references, all().map(|one| one.count));
    graph.bodies = bodies;
    graph
}

/// A unit whose descriptions have numbers.
struct NumberedUnit<'s> {
    unit: Box<UnitGraph<'s>>,
    /// Positions in `unit.found`, ordered by number.
    order: Vec<u32>,
    /// Numbers, by position in `unit.found`.
    numbers: Vec<u32>,
}

impl<'s> NumberedUnit<'s> {
    /// Numbers the descriptions of a unit from `base` on.
    fn new(base: u32, unit: Box<UnitGraph<'s>>) -> Self {
        let mut order: Vec<u32> = (0..unit.found.len() as u32).collect();
        order.sort_unstable_by_key(|&local| unit.found[local as usize].id);
        let mut numbers = vec![0; order.len()];
        for (number, &local) in (base..).zip(&order) {
            numbers[local as usize] = number;
        }
        Self { unit, order, numbers }
    }

    /// The descriptions of the unit, in order.
    fn found(&self) -> impl Iterator<Item = &GraphNode> {
        self.order.iter().map(|&local| &self.unit.found[local as usize])
    }

    /// All references of the unit's descriptions, as numbers, in order.
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

/// Stands for types that are in no unit.
const NO_UNIT: UnitNumber = UnitNumber::MAX;

/// References from this number on are positions in `elsewhere`: no unit has as many descriptions.
const ELSEWHERE: u32 = 1 << 31;

/// The average number of nodes for each reachable description of a unit, and of references for each
/// description: to reserve memory by.
const NODES_OF_ONE: usize = 6;
const REFERENCES_OF_ONE: usize = 3;

/// The reachable descriptions of one unit.
struct UnitGraph<'s> {
    number: UnitNumber,
    /// `None` when the unit cannot be read.
    readable: Option<(UnitView<'s>, &'s UnitIndex)>,
    /// Positions in `found`, by offset in the unit.
    known: FxHashMap<u32, u32>,
    found: Vec<GraphNode>,
    /// Positions in `found`, or from [`ELSEWHERE`] on in `elsewhere`.
    references: Vec<u32>,
    /// The references to other units, in the order of discovery, and how many of them were
    /// followed.
    elsewhere: Vec<TypeId>,
    followed: usize,
    /// The environments of closures and async fns, each with its body.
    bodies: Vec<(TypeId, Arc<Function>)>,
    /// As in [`DescriptionHasher`].
    files: Vec<u64>,
}

/// A description.
struct GraphNode {
    id: TypeId,
    hash: u64,
    /// Where its references begin in `references`, and their number.
    first: u32,
    count: u32,
}

impl GraphNode {
    /// A description that was not read yet, or cannot be read.
    fn unreadable(id: TypeId) -> Self {
        Self { id, hash: 0, first: 0, count: 0 }
    }

    fn range(&self) -> Range<usize> {
        self.first as usize..(self.first + self.count) as usize
    }
}

impl<'s> UnitGraph<'s> {
    fn new(source: &'s DwarfSource, dwarf: &Dwarf<Slice<'s>>, number: UnitNumber) -> Self {
        let read = || {
            let index = source.index(dwarf, number)?;
            Ok::<_, LayoutError>((source.units.view(dwarf, number)?, index))
        };
        let readable = if number == NO_UNIT { None } else { read().ok() };
        let nodes = readable.as_ref().map_or(0, |(_, index)| index.nodes.len());
        let mut known = FxHashMap::default();
        known.reserve(nodes / NODES_OF_ONE);
        UnitGraph {
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

    /// Follows these types of the unit, and all that they refer to within the unit.
    fn follow(
        &mut self,
        source: &'s DwarfSource,
        dwarf: &Dwarf<Slice<'s>>,
        ids: &[TypeId],
        hashes: &mut SharedHashes,
    ) {
        let readable = self.readable.take();
        let unit = readable.as_ref().and_then(|(view, index)| {
            let reader = DescriptionReader::new(dwarf, view).ok()?;
            let files = std::mem::take(&mut self.files);
            Some(DescriptionHasher { source, dwarf, view, index, reader, files, hashes })
        });
        match unit {
            Some(unit) => self.follow_in(unit, ids),
            // An unreadable type is a node without references.
            None => {
                self.found.extend(ids.iter().map(|&id| GraphNode::unreadable(id)));
                self.found.sort_unstable_by_key(|found| found.id);
                self.found.dedup_by_key(|found| found.id);
            }
        }
        self.readable = readable;
    }

    fn follow_in(&mut self, mut unit: DescriptionHasher<'_, 's>, ids: &[TypeId]) {
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
            let hash = unit.hash_description(id, node, &mut described, &mut referred);
            let first = self.references.len() as u32;
            for &id in &referred {
                let reference = self.reference(id, &place);
                self.references.push(reference);
            }
            let found = &mut self.found[at];
            found.hash = hash.unwrap_or_default();
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

    /// The reference to a description in any unit.
    fn reference(&mut self, id: TypeId, place: &Range<u64>) -> u32 {
        if place.contains(&id.0) {
            return self.here(id, place.start);
        }
        self.elsewhere.push(id);
        ELSEWHERE + self.elsewhere.len() as u32 - 1
    }

    /// The position of a description of this unit; a new one is queued.
    fn here(&mut self, id: TypeId, start: u64) -> u32 {
        let next = self.found.len() as u32;
        // A unit of more than four gigabytes has no index.
        *self.known.entry((id.0 - start) as u32).or_insert_with(|| {
            self.found.push(GraphNode::unreadable(id));
            next
        })
    }
}
