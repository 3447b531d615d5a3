//! An index from names to the nodes of one unit.
//!
//! Names are compared by their offsets in `.debug_str`, which holds each of them once; the offsets
//! of the name in a question were looked up before.

use gimli::Dwarf;

use super::node::{Node, NodeNumber};
use crate::dwarf::name_ref::NameRef;
use crate::object::sections::Slice;

/// Nodes of a unit by the offset of a name.
#[derive(Default)]
pub(crate) struct NameIndex {
    /// An offset in `.debug_str`, and a node; sorted.
    by_str_offset: Vec<(u32, NodeNumber)>,
    /// Nodes whose name is in another section, in order.
    others: Vec<NodeNumber>,
}

impl NameIndex {
    pub(crate) fn of(nodes: impl Iterator<Item = (NameRef, NodeNumber)>) -> Self {
        let mut names = NameIndex::default();
        nodes.for_each(|(name, node)| names.add(name, node));
        names.by_str_offset.sort_unstable();
        names.by_str_offset.shrink_to_fit();
        names
    }

    fn add(&mut self, name: NameRef, node: NodeNumber) {
        match (name, name.str_offset()) {
            (NameRef::None, _) => {}
            (_, Some(place)) => self.by_str_offset.push((place, node)),
            (_, None) => self.others.push(node),
        }
    }

    /// The nodes whose name may be the one at these offsets, in order.
    pub(crate) fn at(&self, places: &[u32]) -> Vec<NodeNumber> {
        let mut found = self.others.clone();
        for &place in places {
            let first = self.by_str_offset.partition_point(|(other, _)| *other < place);
            let with_name =
                self.by_str_offset[first..].iter().take_while(|(other, _)| *other == place);
            found.extend(with_name.map(|(_, node)| *node));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The node around the body of a closure or async fn; `None` for other functions.
pub(crate) fn body_parent(dwarf: &Dwarf<Slice<'_>>, function: &Node) -> Option<NodeNumber> {
    function.name().from(dwarf).starts_with(b"{").then(|| function.parent())?
}
