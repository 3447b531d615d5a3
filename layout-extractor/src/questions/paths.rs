//! Full paths of entries.

use gimli::Dwarf;
use runtime_layouts::layout::source::LayoutError;

use super::source::DwarfSource;
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::reader::malformed_because;
use crate::indexes::node::NodeNumber;
use crate::indexes::unit_index::UnitIndex;
use crate::object::sections::Slice;

/// How many entries a chain of origins may have. Two are usual: an out-of-line copy of an inlined
/// function that is declared in a struct.
pub(crate) const MAX_ORIGINS: usize = 8;

impl DwarfSource {
    /// The bytes of a name. [`NameRef::Origin`] has none here: see [`Self::path_of`].
    pub(crate) fn name_bytes<'s>(&self, dwarf: &Dwarf<Slice<'s>>, name: NameRef) -> &'s [u8] {
        name.bytes(dwarf)
    }

    /// The node that has the name of this one: itself, or its origin. A definition may be outside
    /// of the module that declares it; the path is that of the declaration.
    pub(crate) fn named_node<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
        node: NodeNumber,
    ) -> Result<(&'s UnitIndex, NodeNumber), LayoutError> {
        let (mut index, mut at) = (index, node);
        for _ in 0..MAX_ORIGINS {
            match index.node(at).name() {
                NameRef::Origin(origin) => match index.own_node_at(origin) {
                    Some(node) => at = node,
                    None => (_, index, at) = self.node_at(dwarf, origin)?,
                },
                _ => return Ok((index, at)),
            }
        }
        Err(malformed_because(u64::from(index.node(at).offset), "origins refer to each other"))
    }

    /// The full path of a node: its parents and its own name, joined with `::`.
    pub(crate) fn path_of<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
        node: NodeNumber,
    ) -> Result<String, LayoutError> {
        let (index, node) = self.named_node(dwarf, index, node)?;
        Ok(self.joined_path(dwarf, index, node))
    }

    pub(crate) fn joined_path<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &UnitIndex,
        node: NodeNumber,
    ) -> String {
        let mut parts = Vec::with_capacity(8);
        for part in index.self_and_parents(node) {
            parts.push(self.name_bytes(dwarf, index.node(part).name()));
        }
        let mut path = String::with_capacity(parts.iter().map(|part| part.len() + 2).sum());
        for part in parts.iter().rev() {
            if !path.is_empty() {
                path.push_str("::");
            }
            match std::str::from_utf8(part) {
                Ok(part) => path.push_str(part),
                Err(_) => path.push_str(&String::from_utf8_lossy(part)),
            }
        }
        path
    }

    /// Whether [`Self::joined_path`] would return this path, without building it.
    pub(crate) fn has_path<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &UnitIndex,
        node: NodeNumber,
        path: &str,
    ) -> bool {
        let mut rest = path.as_bytes();
        for (depth, part) in index.self_and_parents(node).enumerate() {
            let name = self.name_bytes(dwarf, index.node(part).name());
            if rest.is_empty() && name.is_empty() {
                continue;
            }
            let before = if depth == 0 { Some(rest) } else { rest.strip_suffix(b"::") };
            match before.and_then(|before| before.strip_suffix(name)) {
                Some(before) => rest = before,
                None => return false,
            }
        }
        rest.is_empty()
    }
}
