//! EVERYTHING: what all units have, for somebody who asks about all of it.
//!
//! A debugger asks a few questions, and finds their units by what those mention. An extraction asks
//! about most of what there is: it reads every unit first, and is answered from here.

use std::hash::BuildHasher;
use std::sync::OnceLock;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::node::NodeNumber;
use super::poll_index::PollEntry;
use crate::dwarf::reader::UnitNumber;
use crate::support::rust_path::split_last_segment;

/// What all units have that were compiled from Rust, but for those of the standard library that have
/// no types.
pub(crate) struct WholeProgram {
    /// The first unit's `poll`, by the full name of the type that is polled.
    pub(crate) polls: FxHashMap<Box<str>, PollEntry>,
    /// The bodies of closures and async fns, by key, then in the order of the debug information.
    pub(crate) bodies: Vec<Body>,
    /// Units with thread-local variables, in order.
    pub(crate) thread_locals: Vec<UnitNumber>,
    /// The entries in `.debug_info` of the functions that are a `block_on…`, or in one.
    pub(crate) block_ons: FxHashSet<u64>,
    /// The units that were read, in order.
    pub(crate) units: Vec<UnitNumber>,
    /// The units that were compiled from Rust and left out.
    pub(crate) left_out: Vec<UnitNumber>,
    /// Their bodies, as `bodies`, once somebody asks.
    pub(crate) bodies_left_out: OnceLock<Vec<Body>>,
}

/// A body, and the key that it is found by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Body {
    pub(crate) key: u64,
    pub(crate) unit: u32,
    pub(crate) node: NodeNumber,
}

impl WholeProgram {
    /// The bodies that may have this path, whatever their generic arguments are, by unit, in order.
    pub(crate) fn bodies(&self, path: &str) -> impl Iterator<Item = (UnitNumber, Vec<NodeNumber>)> {
        bodies_with_path(&self.bodies, path)
    }
}

/// Those of some sorted bodies that may have this path, by unit.
pub(crate) fn bodies_with_path<'b>(
    bodies: &'b [Body],
    path: &str,
) -> impl Iterator<Item = (UnitNumber, Vec<NodeNumber>)> + use<'b> {
    let (parents, name) = split_last_segment(path);
    let key = body_key(parents, name.as_bytes());
    let from = &bodies[bodies.partition_point(|body| body.key < key)..];
    let same = &from[..from.partition_point(|body| body.key == key)];
    let by_unit = same.chunk_by(|one, other| one.unit == other.unit);
    by_unit
        .map(|bodies| (bodies[0].unit as UnitNumber, bodies.iter().map(|body| body.node).collect()))
}

/// What a body is found by: its own name without generic arguments, and the path of what it is in.
pub(crate) fn body_key(parents: &str, name: &[u8]) -> u64 {
    let end = memchr::memchr(b'<', name).unwrap_or(name.len());
    FxBuildHasher.hash_one((parents, &name[..end]))
}
