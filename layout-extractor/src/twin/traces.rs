//! What a function leaves in its code that survives another order of inlining: the places in sources
//! that its panics name, and the functions that it calls.
//!
//! By that a function that was compiled otherwise in the twin is told from others with its name.

use std::collections::{BTreeSet, HashSet};

use super::image::{FunctionNumber, Image};
use super::source_places::{self, Place};

/// How deep calls are followed, and into how many functions: what is far away many have in common.
const MAX_DEPTH: usize = 4;
const MAX_FUNCTIONS: usize = 1000;

/// How wide an address is in code that counts from the next instruction.
const WIDTH: usize = 4;

/// Something that is found in code.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Trace {
    /// A place in a file of the program's own, or of a library.
    Place { is_own: bool, file: String, place: Place },
    /// A function whose name no other one has.
    Call(Vec<u8>),
}

/// What a function and those that it calls leave.
#[derive(Clone, Default, Debug)]
pub(super) struct Traces(BTreeSet<Trace>);

impl Traces {
    /// Those of a function of `image`, of which `other` is another build.
    pub(super) fn of(image: &Image, other: &Image, function: FunctionNumber) -> Self {
        let mut search = Search { image, other, seen: HashSet::new(), found: BTreeSet::new() };
        search.look(function, 0);
        Self(search.found)
    }

    /// How much two have in common, in thousandths of what either has; `None` where they cannot be of
    /// one source, since one of them has a place of the program's own that the other one has not.
    pub(super) fn likeness(&self, other: &Self) -> Option<usize> {
        let differences = self.0.symmetric_difference(&other.0);
        let has_own = |trace: &Trace| matches!(trace, Trace::Place { is_own: true, .. });
        if differences.clone().any(has_own) {
            return None;
        }
        let common = self.0.intersection(&other.0).count();
        Some(common * 1000 / (common + differences.count()).max(1))
    }
}

struct Search<'i> {
    image: &'i Image,
    other: &'i Image,
    seen: HashSet<FunctionNumber>,
    found: BTreeSet<Trace>,
}

impl Search<'_> {
    fn look(&mut self, function: FunctionNumber, depth: usize) {
        if depth > MAX_DEPTH || self.seen.len() >= MAX_FUNCTIONS || !self.seen.insert(function) {
            return;
        }
        let start = self.image.functions[function].address;
        let code = self.image.code(function);
        let mut called = Vec::new();
        for (at, bytes) in code.windows(WIDTH).enumerate() {
            let distance = i32::from_le_bytes(bytes.try_into().unwrap_or_default());
            let next = start.wrapping_add((at + WIDTH) as u64);
            let address = next.wrapping_add_signed(distance.into());
            if let Some(callee) = self.image.at(address) {
                match self.unique_name(callee) {
                    Some(name) => drop(self.found.insert(Trace::Call(name.to_owned()))),
                    None => called.push(callee),
                }
            } else if let Some((is_own, file, place)) = source_places::at(self.image, address) {
                self.found.insert(Trace::Place { is_own, file: file.to_owned(), place });
            }
        }
        for callee in called {
            self.look(callee, depth + 1);
        }
    }

    /// A name by which both builds have one function.
    fn unique_name(&self, function: FunctionNumber) -> Option<&[u8]> {
        let name = self.image.name(function)?;
        let is_unique = |image: &Image| image.named(name).len() == 1;
        (is_unique(self.image) && is_unique(self.other)).then_some(name)
    }
}
