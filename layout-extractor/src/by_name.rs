//! BY NAME: the types of one unit, and the bodies of its closures and async fns.
//!
//! Names are compared by where they are: `.debug_str` has each of them once, and what a question
//! names was looked up there already. No string is read but those of what is found.

use gimli::Dwarf;
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::LayoutError;

use crate::index::{NameRef, Node, NodeNumber, UnitIndex, is_type};
use crate::names::{split_last, without_arguments};
use crate::source::DwarfSource;
use crate::units::{Slice, UnitNumber};

/// Nodes of a unit by where a name is.
#[derive(Default)]
pub(crate) struct NameIndex {
    /// An offset in `.debug_str`, and a node; sorted.
    by_place: Vec<(u32, NodeNumber)>,
    /// Nodes whose name is elsewhere, in order.
    others: Vec<NodeNumber>,
}

impl NameIndex {
    fn of(nodes: impl Iterator<Item = (NameRef, NodeNumber)>) -> Self {
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
    fn at(&self, places: &[u32]) -> Vec<NodeNumber> {
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

impl DwarfSource {
    /// The types of a unit, by their names.
    fn types_by_name(index: &UnitIndex) -> &NameIndex {
        index.types_by_name.get_or_init(|| {
            let types = (0..).zip(&index.nodes).filter(|(_, node)| is_type(node.tag()));
            NameIndex::of(types.map(|(number, node)| (node.name(), number)))
        })
    }

    /// The bodies of a unit, by the names of what they are in.
    fn bodies_by_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
    ) -> &'s NameIndex {
        index.bodies_by_name.get_or_init(|| {
            let bodies = self.bodies_of(dwarf, index);
            NameIndex::of(bodies.map(|(node, of, _, parent)| (of.node(parent).name(), node)))
        })
    }

    /// The bodies of a unit: each one's node, the node that has its name, and the parent of that.
    fn bodies_of<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
    ) -> impl Iterator<Item = (NodeNumber, &'s UnitIndex, NodeNumber, NodeNumber)> {
        self.notable_functions(dwarf, index)
            .filter_map(|(number, of, at)| Some((number, of, at, body_parent(dwarf, of.node(at))?)))
    }

    /// The notable functions of a unit, in order: each one's node, and the node that has its name.
    pub(crate) fn notable_functions<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
    ) -> impl Iterator<Item = (NodeNumber, &'s UnitIndex, NodeNumber)> {
        let is_function =
            |number: &NodeNumber| index.node(*number).tag() == gimli::DW_TAG_subprogram;
        index.notable.iter().copied().filter(is_function).filter_map(|number| {
            let (of, at) = self.named_node(dwarf, index, number).ok()?;
            Some((number, of, at))
        })
    }

    /// The types of one unit with exactly this full name.
    pub(crate) fn types_in_unit<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        name: &str,
        found: &mut Vec<TypeId>,
    ) -> Result<(), LayoutError> {
        let (_, last) = split_last(name);
        let mut places = self.places_of_name(dwarf, last);
        if last != name {
            // `&T`, tuples and fat pointers stand in no namespace: their name is all of it.
            places.extend(self.places_of_name(dwarf, name));
        }
        let index = self.index(dwarf, number)?;
        let start = self.units.entry(number).start;
        for node in Self::types_by_name(index).at(&places) {
            let entry = index.node(node);
            if !entry.is_declaration() && self.has_path(dwarf, index, node, name) {
                found.push(TypeId(start + u64::from(entry.offset)));
            }
        }
        Ok(())
    }

    /// The bodies of one unit that may have this path.
    pub(crate) fn bodies_in_unit<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        path: &str,
    ) -> Result<Vec<NodeNumber>, LayoutError> {
        let (parents, _) = split_last(path);
        let places = self.places_of_name(dwarf, split_last(parents).1);
        Ok(self.bodies_by_name(dwarf, self.index(dwarf, number)?).at(&places))
    }

    /// The best of these entries of a unit for a body's path: one with the same generic arguments, a
    /// linkage name, and code. With `is_exact` other generic arguments do not count at all.
    pub(crate) fn best_body<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        nodes: &[NodeNumber],
        body: &str,
        is_exact: bool,
    ) -> Result<Option<u64>, LayoutError> {
        let (parents, last) = split_last(body);
        let index = self.index(dwarf, number)?;
        let start = self.units.entry(number).start;
        let mut best = None;
        for &node in nodes {
            let (of, at) = self.named_node(dwarf, index, node)?;
            let is_equal = self.has_path(dwarf, of, at, body);
            let is_same = is_equal
                || !is_exact && {
                    let own = String::from_utf8_lossy(self.name_bytes(dwarf, of.node(at).name()));
                    without_arguments(&own) == without_arguments(last)
                        && match of.node(at).parent() {
                            Some(parent) => self.has_path(dwarf, of, parent, parents),
                            None => parents.is_empty(),
                        }
                };
            if !is_same {
                continue;
            }
            let entry = index.node(node);
            let rank =
                (is_equal, entry.has_linkage_name(), entry.has_code(), !entry.is_declaration());
            if best.is_none_or(|(other, _)| rank > other) {
                best = Some((rank, start + u64::from(entry.offset)));
            }
        }
        Ok(best.map(|(_, offset)| offset))
    }
}
