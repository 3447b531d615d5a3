//! The futures that a walk came by, by which it notices a cycle.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::value::{Program, Ty, Value};

/// The state of one walk.
#[derive(Default)]
pub(super) struct ChainProgress {
    /// By address, since the debug information may describe a type in several places.
    seen: VisitedFutures,
    pub(super) frames: usize,
    /// Futures on the way here that are not polled by what has them.
    pub(super) unpolled: usize,
}

/// The futures that a walk came by. Most chains are short: their few are looked through one by
/// one.
#[derive(Default)]
struct VisitedFutures {
    first: Vec<Value>,
    others: FxHashMap<u64, Vec<Ty>>,
}

/// So many are looked through one by one.
const FEW: usize = 16;

impl VisitedFutures {
    fn types_at(&self, address: u64) -> impl Iterator<Item = Ty> {
        let first = self.first.iter().filter(move |future| future.address == address);
        let others = self.others.get(&address).into_iter().flatten();
        first.map(|future| future.ty).chain(others.copied())
    }

    fn add(&mut self, future: Value) {
        if self.first.len() < FEW {
            self.first.push(future);
        } else {
            self.others.entry(future.address).or_default().push(future.ty);
        }
    }
}

impl ChainProgress {
    /// Whether the future was not seen before.
    pub(super) fn see(&mut self, future: Value) -> bool {
        let is_new = self.seen.types_at(future.address).all(|ty| ty != future.ty);
        self.seen.add(future);
        is_new
    }

    /// Whether the future was seen, if under another description of its type.
    pub(super) fn has_seen(&self, program: &Program<'_>, future: Value) -> bool {
        let name = |ty: Ty| program.type_of(ty).map(|layout| Arc::clone(&layout.name)).ok();
        let mut there = self.seen.types_at(future.address);
        there.any(|ty| ty == future.ty || name(ty) == name(future.ty))
    }
}
