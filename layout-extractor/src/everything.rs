//! EVERYTHING: what all units have, for somebody who asks about all of it.
//!
//! A debugger asks a few questions, and finds their units by what those mention. An extraction asks
//! about most of what there is: it reads every unit first, and is answered from here.

use std::hash::BuildHasher;

use gimli::Dwarf;
use rayon::prelude::*;
use runtime_layouts::layout::source::LayoutError;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::index::{NodeNumber, UnitIndex};
use crate::names::split_last;
use crate::polls::{PollEntry, PollIndex};
use crate::source::DwarfSource;
use crate::units::{Slice, UnitNumber};

/// What all units have that were compiled from Rust.
pub(crate) struct Everything {
    /// The first unit's `poll`, by the full name of the type that is polled.
    pub(crate) polls: FxHashMap<Box<str>, PollEntry>,
    /// The bodies of closures and async fns, by key, then in the order of the debug information.
    bodies: Vec<Body>,
    /// Units with thread-local variables, in order.
    pub(crate) thread_locals: Vec<UnitNumber>,
}

/// A body, and the key that it is found by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Body {
    key: u64,
    unit: u32,
    node: NodeNumber,
}

impl Everything {
    /// The bodies that may have this path, whatever their generic arguments are, by unit, in order.
    pub(crate) fn bodies(&self, path: &str) -> impl Iterator<Item = (UnitNumber, Vec<NodeNumber>)> {
        let (parents, name) = split_last(path);
        let key = key(parents, name.as_bytes());
        let from = &self.bodies[self.bodies.partition_point(|body| body.key < key)..];
        let same = &from[..from.partition_point(|body| body.key == key)];
        let by_unit = same.chunk_by(|one, other| one.unit == other.unit);
        by_unit.map(|bodies| {
            (bodies[0].unit as UnitNumber, bodies.iter().map(|body| body.node).collect())
        })
    }
}

/// What a body is found by: its own name without generic arguments, and the path of what it is in.
fn key(parents: &str, name: &[u8]) -> u64 {
    let end = memchr::memchr(b'<', name).unwrap_or(name.len());
    FxBuildHasher.hash_one((parents, &name[..end]))
}

impl DwarfSource {
    /// Reads every unit that was compiled from Rust, on all processors. `done` is called for each.
    pub(crate) fn read_everything(&self, done: impl Fn() + Sync) -> &Everything {
        self.everything.get_or_init(|| {
            let dwarf = self.dwarf();
            let units = self.rust_units(&dwarf);
            let read = |&number: &UnitNumber| {
                // What cannot be read has nothing.
                let bodies = self.all_bodies(&dwarf, number).unwrap_or_default();
                let polls = self.poll_index(&dwarf, number).ok();
                done();
                (number, bodies, polls)
            };
            let all = || units.par_iter().map(read).collect::<Vec<_>>();
            // What one processor has to go through on its own goes on beside.
            let (all, ()) = rayon::join(all, || self.read_object(&dwarf));
            let mut everything = Everything {
                polls: FxHashMap::default(),
                bodies: Vec::with_capacity(all.iter().map(|(_, bodies, _)| bodies.len()).sum()),
                thread_locals: Vec::new(),
            };
            for (number, bodies, polls) in all {
                everything.bodies.extend(bodies);
                for (name, poll) in polls.into_iter().flat_map(PollIndex::all) {
                    everything.polls.entry(name.into()).or_insert(*poll);
                }
                let index = self.index(&dwarf, number);
                if index.is_ok_and(|index| !index.thread_locals.is_empty()) {
                    everything.thread_locals.push(number);
                }
            }
            everything.bodies.par_sort_unstable();
            everything
        })
    }

    /// Reads what the program has beside its units: where code is, what is relocated, symbols.
    fn read_object<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) {
        self.address_map(dwarf);
        self.object.relocated_words();
        self.polled_symbols();
    }

    fn all_bodies<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
    ) -> Result<Vec<Body>, LayoutError> {
        let index = self.index(dwarf, number)?;
        let body = |(node, of, at, parent): (NodeNumber, &UnitIndex, NodeNumber, NodeNumber)| {
            let name = self.name_bytes(dwarf, of.node(at).name());
            let key = key(&self.joined_path(dwarf, of, parent), name);
            Body { key, unit: number as u32, node }
        };
        Ok(self.bodies_of(dwarf, index).map(body).collect())
    }
}
