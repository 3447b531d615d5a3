//! Bodies of closures and async fns, by their environment type.

use std::sync::Arc;

use gimli::Dwarf;
use runtime_layouts::layout::source::LayoutError;

use super::source::DwarfSource;
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::tags::is_type;
use crate::indexes::name_index::{NameIndex, body_parent};
use crate::indexes::node::NodeNumber;
use crate::indexes::unit_index::UnitIndex;
use crate::object::sections::Slice;
use crate::support::rust_path::{body_segment, split_last_segment, strip_arguments};

impl DwarfSource {
    /// The function whose body has this environment type, as an offset in `.debug_info`; `None`
    /// when the type is no environment, or its body was left out.
    pub(crate) fn find_body(&self, environment: u64) -> Result<Option<u64>, LayoutError> {
        let dwarf = self.dwarf();
        let (number, index, node) = self.node_at(&dwarf, environment)?;
        if !is_type(index.node(node).tag()) {
            return Err(LayoutError::NoSuchType(environment));
        }
        // Most types are ruled out here.
        if !self.name_bytes(&dwarf, index.node(node).name()).starts_with(b"{") {
            return Ok(None);
        }
        let path = self.path_of(&dwarf, index, node)?;
        let (parents, last) = split_last_segment(&path);
        let Some(body) = body_segment(last) else { return Ok(None) };
        let path = format!("{parents}::{body}");
        let own = match self.whole_program.get() {
            Some(whole_program) => {
                let mut units = whole_program.bodies(&path);
                units.find(|(unit, _)| *unit == number).map(|(_, nodes)| nodes).unwrap_or_default()
            }
            None => self.bodies_in_unit(&dwarf, number, &path)?,
        };
        if let Some(found) = self.best_body(&dwarf, number, &own, &path, false)? {
            return Ok(Some(found));
        }
        // An environment is described again in every unit that has one.
        let path: Arc<str> = path.into();
        let elsewhere = || self.find_body_elsewhere(&dwarf, &path);
        self.bodies_elsewhere.get_or_try(Arc::clone(&path), elsewhere)
    }

    /// Looks for the body in all other units.
    fn find_body_elsewhere<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        path: &str,
    ) -> Result<Option<u64>, LayoutError> {
        if let Some(whole_program) = self.whole_program.get() {
            let left_out = || self.bodies_left_out(dwarf, whole_program, path);
            let left_out = std::iter::once_with(left_out).flatten();
            for (unit, nodes) in whole_program.bodies(path).chain(left_out) {
                if let Some(found) = self.best_body(dwarf, unit, &nodes, path, true)? {
                    return Ok(Some(found));
                }
            }
            return Ok(None);
        }
        for unit in self.units_with_path(dwarf, path) {
            let nodes = self.bodies_in_unit(dwarf, unit, path)?;
            if let Some(found) = self.best_body(dwarf, unit, &nodes, path, true)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The bodies of one unit that may have this path.
    pub(crate) fn bodies_in_unit<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        path: &str,
    ) -> Result<Vec<NodeNumber>, LayoutError> {
        let (parents, _) = split_last_segment(path);
        let places = self.str_offsets_of_name(dwarf, split_last_segment(parents).1);
        Ok(self.bodies_by_name(dwarf, self.index(dwarf, number)?).at(&places))
    }

    /// The best of these nodes for a body's path, preferring the same generic arguments, then a
    /// linkage name, then code. With `is_exact`, the generic arguments must be the same.
    pub(crate) fn best_body<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        nodes: &[NodeNumber],
        body: &str,
        is_exact: bool,
    ) -> Result<Option<u64>, LayoutError> {
        let (parents, last) = split_last_segment(body);
        let index = self.index(dwarf, number)?;
        let start = self.units.entry(number).start;
        let mut best = None;
        for &node in nodes {
            let (of, at) = self.named_node(dwarf, index, node)?;
            let is_equal = self.has_path(dwarf, of, at, body);
            let is_same = is_equal
                || !is_exact && {
                    let own = String::from_utf8_lossy(self.name_bytes(dwarf, of.node(at).name()));
                    strip_arguments(&own) == strip_arguments(last)
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

    /// The bodies of a unit, by the names of their parents.
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
        self.searched_functions(dwarf, index)
            .filter_map(|(number, of, at)| Some((number, of, at, body_parent(dwarf, of.node(at))?)))
    }

    /// The functions among [`UnitIndex::searched`], in order: the node of each, and the node that
    /// has its name.
    pub(crate) fn searched_functions<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
    ) -> impl Iterator<Item = (NodeNumber, &'s UnitIndex, NodeNumber)> {
        let is_function =
            |number: &NodeNumber| index.node(*number).tag() == gimli::DW_TAG_subprogram;
        index.searched.iter().copied().filter(is_function).filter_map(|number| {
            let (of, at) = self.named_node(dwarf, index, number).ok()?;
            Some((number, of, at))
        })
    }
}
