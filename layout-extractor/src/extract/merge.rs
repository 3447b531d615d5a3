//! Merges descriptions of the same type, by partition refinement.
//!
//! Two descriptions are the same when they say the same and refer to the same, cycles included. All
//! descriptions with equal hashes start in one class; a class is split whenever its members refer
//! to different classes, until nothing changes.

use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use foldhash::quality::FixedState;
use rayon::prelude::*;
use runtime_layouts::layout::TypeId;
use rustc_hash::FxHashMap;

use super::adjacency_lists::AdjacencyLists;
use super::progress::{Progress, Stage};
use super::type_graph::TypeGraph;

/// The average number of descriptions of a type, to reserve memory by.
const DESCRIPTIONS_OF_ONE: usize = 8;

/// Classes of descriptions, each for one type.
pub(super) struct TypeClasses<'d> {
    graph: &'d TypeGraph,
    /// The class of every description, in order.
    pub(super) of: Vec<u32>,
    /// The first description of every class.
    pub(super) first: Vec<usize>,
}

impl TypeClasses<'_> {
    /// The class of a type.
    pub(super) fn class(&self, id: TypeId) -> u32 {
        self.of[self.graph.number(id)]
    }
}

/// Divides the descriptions into classes.
pub(super) fn classes<'d>(graph: &'d TypeGraph, progress: &dyn Progress) -> TypeClasses<'d> {
    progress.start(Stage::Merging, None);
    let (mut partition, referrers) = rayon::join(|| Partition::by_hash(graph), || referrers(graph));
    let all = (0..graph.len() as u32).into_par_iter().with_min_len(1024);
    let signatures: Vec<u64> = all.map(|number| partition.signature(graph, number)).collect();
    let mut changed = Vec::new();
    for class in 0..partition.ranges.len() as u32 {
        partition.split(class, |_, number| signatures[number as usize], &mut changed);
    }
    // From here on a class can only be split after a type that it refers to changed its class.
    let mut is_queued = vec![false; graph.len()];
    let mut queue = Vec::new();
    loop {
        for number in changed.drain(..) {
            for &referrer in referrers.get(number) {
                let class = partition.of[referrer as usize];
                if !std::mem::replace(&mut is_queued[class as usize], true) {
                    queue.push(class);
                }
            }
        }
        let Some(class) = queue.pop() else { break };
        progress.advance(1);
        is_queued[class as usize] = false;
        let signature = |partition: &Partition, number| partition.signature(graph, number);
        partition.split(class, signature, &mut changed);
    }
    partition.in_order(graph)
}

/// For each description, the descriptions that refer to it.
fn referrers(graph: &TypeGraph) -> AdjacencyLists {
    let pairs = || {
        let all = 0..graph.len() as u32;
        all.flat_map(|number| {
            let referred = graph.references(number as usize).iter();
            referred.map(move |&referred| (referred, number))
        })
    };
    AdjacencyLists::sorted(graph.len(), pairs)
}

/// A division of the descriptions into classes.
struct Partition {
    /// The class of every description.
    of: Vec<u32>,
    /// The descriptions, class by class.
    members: Vec<u32>,
    /// The range of each class in `members`.
    ranges: Vec<Range<u32>>,
}

impl Partition {
    /// One class for each hash.
    fn by_hash(graph: &TypeGraph) -> Self {
        let mut known: FxHashMap<u64, u32> = FxHashMap::default();
        known.reserve(graph.len() / DESCRIPTIONS_OF_ONE);
        let class = |hashes: &u64| {
            let next = known.len() as u32;
            *known.entry(*hashes).or_insert(next)
        };
        let of: Vec<u32> = graph.hashes.iter().map(class).collect();
        let lists = AdjacencyLists::sorted(known.len(), || of.iter().copied().zip(0..));
        let ranges = (0..known.len() as u32).map(|class| lists.range(class)).collect();
        Partition { members: lists.into_items(), of, ranges }
    }

    /// A hash of the classes that a description refers to.
    fn signature(&self, graph: &TypeGraph, number: u32) -> u64 {
        let mut hasher = FixedState::default().build_hasher();
        for &referred in graph.references(number as usize) {
            hasher.write_u32(self.of[referred as usize]);
        }
        hasher.finish()
    }

    /// Splits a class by signature, and adds the descriptions that changed their class to
    /// `changed`.
    fn split(&mut self, class: u32, signature: impl Fn(&Self, u32) -> u64, changed: &mut Vec<u32>) {
        let range = self.ranges[class as usize].clone();
        let members = &self.members[range.start as usize..range.end as usize];
        let Some((&first, rest)) = members.split_first() else { return };
        let of_first = signature(self, first);
        if rest.iter().all(|&number| signature(self, number) == of_first) {
            return;
        }
        let mut signatures: Vec<(u64, u32)> =
            members.iter().map(|&number| (signature(self, number), number)).collect();
        signatures.sort_unstable();
        let mut start = range.start;
        for part in signatures.chunk_by(|one, other| one.0 == other.0) {
            let place = start..start + part.len() as u32;
            for (slot, (_, number)) in place.clone().zip(part) {
                self.members[slot as usize] = *number;
            }
            start = place.end;
            // The first part keeps the number of the class.
            if place.start == range.start {
                self.ranges[class as usize] = place;
                continue;
            }
            for (_, number) in part {
                self.of[*number as usize] = self.ranges.len() as u32;
                changed.push(*number);
            }
            self.ranges.push(place);
        }
    }

    /// Numbers the classes by the first description of each.
    fn in_order(mut self, graph: &TypeGraph) -> TypeClasses<'_> {
        let mut numbers = vec![u32::MAX; self.ranges.len()];
        let mut first = Vec::with_capacity(self.ranges.len());
        for (number, class) in self.of.iter_mut().enumerate() {
            let known = &mut numbers[*class as usize];
            if *known == u32::MAX {
                *known = first.len() as u32;
                first.push(number);
            }
            *class = *known;
        }
        TypeClasses { graph, of: self.of, first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes of descriptions with these hashes and references.
    fn classes_of(described: &[(u64, &[u32])]) -> Vec<u32> {
        let hashes = described.iter().map(|(hashes, _)| *hashes).collect();
        let references = described.iter().flat_map(|(_, references)| *references).copied();
        let lengths = described.iter().map(|(_, references)| references.len() as u32);
        let references = AdjacencyLists::joined(references.collect(), lengths);
        let ids = (0..described.len() as u64).map(TypeId).collect();
        let graph = TypeGraph { ids, hashes, references, bodies: Vec::new() };
        classes(&graph, &()).of
    }

    #[test]
    fn those_are_one_that_say_the_same_of_the_same() {
        // Two units describe a list of one thing each; a third one's thing is another.
        let lists = [(1, [1].as_slice()), (7, &[]), (1, &[3]), (7, &[]), (1, &[5]), (8, &[])];
        assert_eq!(classes_of(&lists), [0, 1, 0, 1, 2, 3]);
    }

    #[test]
    fn what_refers_to_itself_is_the_same_as_far_as_it_goes() {
        let rings = [(1, [1].as_slice()), (1, &[0]), (1, &[2])];
        assert_eq!(classes_of(&rings), [0, 0, 0]);
        // A chain of three, and one of two: told apart from their ends.
        let chains = [(1, [1].as_slice()), (1, &[2]), (2, &[]), (1, &[4]), (2, &[])];
        assert_eq!(classes_of(&chains), [0, 1, 2, 1, 2]);
    }
}
