//! Full names of types: as DWARF has them, or composed where it has none.

use std::sync::Arc;

use gimli::{Dwarf, constants as dw};
use runtime_layouts::layout::source::LayoutError;

use super::source::DwarfSource;
use crate::dwarf::reader::Entry;
use crate::dwarf::type_description::Description;
use crate::dwarf::unit_view::UnitView;
use crate::indexes::node::NodeNumber;
use crate::indexes::unit_index::UnitIndex;
use crate::object::sections::Slice;

/// The nesting up to which a name is composed. With the limit on parameters this bounds the work.
const MAX_NAMED: usize = 4;

impl DwarfSource {
    /// The `DW_AT_name` of an entry.
    pub(crate) fn entry_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        entry: &Entry<'s>,
    ) -> Option<Arc<str>> {
        let value = entry.attr_value(dw::DW_AT_name)?;
        let slice = dwarf.attr_string(&view.unit, value).ok()?;
        Some(slice.to_string_lossy().into())
    }

    /// The last segment of a type's name; `None` when it has no name.
    pub(super) fn own_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        ty: u64,
    ) -> Result<Option<String>, LayoutError> {
        let (_, index, node) = self.node_at(dwarf, ty)?;
        let name = self.name_bytes(dwarf, index.node(node).name());
        Ok((!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned()))
    }

    /// The full name of a type.
    pub(crate) fn type_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        offset: u64,
        depth: usize,
    ) -> Result<String, LayoutError> {
        let (view, index, node) = self.type_entry(dwarf, offset)?;
        let described = Description::read(dwarf, &view, offset)?;
        self.name_of_type(dwarf, index, node, &described, depth)
    }

    pub(super) fn name_of_type<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        index: &'s UnitIndex,
        node: NodeNumber,
        described: &Description<'s>,
        depth: usize,
    ) -> Result<String, LayoutError> {
        let path = self.path_of(dwarf, index, node)?;
        if described.has_name {
            return Ok(path);
        }
        if depth > MAX_NAMED {
            return Ok("…".to_owned());
        }
        let target = described.target;
        let of = |target: Option<u64>| match target {
            Some(target) => self.type_name(dwarf, target, depth + 1),
            None => Ok("()".to_owned()),
        };
        Ok(match index.node(node).tag() {
            dw::DW_TAG_array_type => {
                let mut name = of(target)?;
                for count in &described.counts {
                    let count = count.map_or_else(|| "_".to_owned(), |count| count.to_string());
                    name = format!("[{name}; {count}]");
                }
                name
            }
            dw::DW_TAG_pointer_type => format!("*{}", of(target)?),
            dw::DW_TAG_reference_type | dw::DW_TAG_rvalue_reference_type => {
                format!("&{}", of(target)?)
            }
            dw::DW_TAG_subroutine_type => {
                let parameters = described.parameters.iter().take(16);
                let parameters: Result<Vec<_>, _> = parameters.map(|&ty| of(Some(ty))).collect();
                let result = target.map(|ty| of(Some(ty))).transpose()?;
                let result = result.map(|result| format!(" -> {result}")).unwrap_or_default();
                format!("fn({}){result}", parameters?.join(", "))
            }
            dw::DW_TAG_const_type
            | dw::DW_TAG_volatile_type
            | dw::DW_TAG_restrict_type
            | dw::DW_TAG_atomic_type => of(target)?,
            _ => path,
        })
    }
}
