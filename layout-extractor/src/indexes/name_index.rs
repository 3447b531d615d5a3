//! The nodes of one unit by name.
//!
//! Names are compared by where they are: `.debug_str` has each of them once, and what a question
//! names was looked up there already.

use gimli::Dwarf;

use super::node::{Node, NodeNumber};
use crate::dwarf::name_ref::NameRef;
use crate::object::sections::Slice;

/// Nodes of a unit by where a name is.
#[derive(Default)]
pub(crate) struct NameIndex {
    /// An offset in `.debug_str`, and a node; sorted.
    by_place: Vec<(u32, NodeNumber)>,
    /// Nodes whose name is elsewhere, in order.
    others: Vec<NodeNumber>,
}

impl NameIndex {
    pub(crate) fn of(nodes: impl Iterator<Item = (NameRef, NodeNumber)>) -> Self {
        let mut names = NameIndex::default();
        nodes.for_each(|(name, node)| names.add(name, node));
        names.by_place.sort_unstable();
        names.by_place.shrink_to_fit();
        names
    }

    fn add(&mut self, name: NameRef, node: NodeNumber) {
        match (name, name.place()) {
            (NameRef::None, _) => {}
            (_, Some(place)) => self.by_place.push((place, node)),
            (_, None) => self.others.push(node),
        }
    }

    /// Those that may have a name that is at one of these places, in order.
    pub(crate) fn at(&self, places: &[u32]) -> Vec<NodeNumber> {
        let mut found = self.others.clone();
        for &place in places {
            let first = self.by_place.partition_point(|(other, _)| *other < place);
            let with_name = self.by_place[first..].iter().take_while(|(other, _)| *other == place);
            found.extend(with_name.map(|(_, node)| *node));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// What a function is in that is the body of a closure or async fn; `None` for other functions.
pub(crate) fn body_parent(dwarf: &Dwarf<Slice<'_>>, function: &Node) -> Option<NodeNumber> {
    function.name().from(dwarf).starts_with(b"{").then(|| function.parent())?
}
