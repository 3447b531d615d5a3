//! Tables over all units of a program, for an extraction.
//!
//! A debugger asks a few questions and finds their units through the names that those use. An
//! extraction asks about most of the program: it reads every unit first, and looks things up here.

use std::hash::BuildHasher;
use std::sync::OnceLock;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::node::NodeNumber;
use super::poll_index::PollEntry;
use crate::dwarf::reader::UnitNumber;
use crate::support::rust_path::split_last_segment;

/// Tables over all Rust units, without those of the precompiled standard library.
pub(crate) struct WholeProgram {
    /// The `poll` of each type in the first unit that has one, by the full name of the type.
    pub(crate) polls: FxHashMap<Box<str>, PollEntry>,
    /// The bodies of closures and async fns, by key, then in the order of the debug information.
    pub(crate) bodies: Vec<Body>,
    /// Units with thread-local variables, in order.
    pub(crate) thread_locals: Vec<UnitNumber>,
    /// The offsets in `.debug_info` of each `block_on…`, and of the functions below it.
    pub(crate) block_ons: FxHashSet<u64>,
    /// The units that were read, in order.
    pub(crate) units: Vec<UnitNumber>,
    /// The Rust units that were left out.
    pub(crate) left_out: Vec<UnitNumber>,
    /// The bodies of `left_out`, sorted as `bodies`; read for the first question about one.
    pub(crate) bodies_left_out: OnceLock<Vec<Body>>,
}

/// A body, with its key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Body {
    pub(crate) key: u64,
    pub(crate) unit: u32,
    pub(crate) node: NodeNumber,
}

impl WholeProgram {
    /// The bodies that may have this path, with any generic arguments, by unit in order.
    pub(crate) fn bodies(&self, path: &str) -> impl Iterator<Item = (UnitNumber, Vec<NodeNumber>)> {
        bodies_with_path(&self.bodies, path)
    }
}

/// The bodies of a sorted list that may have this path, by unit.
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

/// The key of a body: a hash of its name without generic arguments, and of its parent's path.
pub(crate) fn body_key(parents: &str, name: &[u8]) -> u64 {
    let end = memchr::memchr(b'<', name).unwrap_or(name.len());
    FxBuildHasher.hash_one((parents, &name[..end]))
}
