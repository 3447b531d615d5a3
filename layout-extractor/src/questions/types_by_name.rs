//! Types by their full names.

use gimli::Dwarf;
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::LayoutError;

use super::source::DwarfSource;
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::tags::is_type;
use crate::indexes::name_index::NameIndex;
use crate::indexes::unit_index::UnitIndex;
use crate::object::sections::Slice;
use crate::support::rust_path::split_last_segment;

impl DwarfSource {
    /// The types with exactly this full name, those of the unit of `near` alone if it has any.
    pub(crate) fn find_types_named(
        &self,
        name: &str,
        near: Option<TypeId>,
    ) -> Result<Vec<TypeId>, LayoutError> {
        let dwarf = self.dwarf();
        let mut found = Vec::new();
        let near = near.and_then(|near| self.units.at(near.0));
        if let Some(number) = near {
            self.types_in_unit(&dwarf, number, name, &mut found)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        let (_, last) = split_last_segment(name);
        let mut units = self.units_using_name(&dwarf, last);
        // `&T`, tuples and fat pointers are in no namespace: their whole path is one name.
        units.extend(self.units_using_name(&dwarf, name));
        units.sort_unstable();
        units.dedup();
        for number in units {
            if Some(number) != near {
                self.types_in_unit(&dwarf, number, name, &mut found)?;
            }
        }
        Ok(found)
    }

    /// The types of one unit with exactly this full name.
    pub(crate) fn types_in_unit<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        name: &str,
        found: &mut Vec<TypeId>,
    ) -> Result<(), LayoutError> {
        let (_, last) = split_last_segment(name);
        let mut places = self.str_offsets_of_name(dwarf, last);
        if last != name {
            // `&T`, tuples and fat pointers are in no namespace: their whole path is one name.
            places.extend(self.str_offsets_of_name(dwarf, name));
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

    /// The types of a unit, by their names.
    fn types_by_name(index: &UnitIndex) -> &NameIndex {
        index.types_by_name.get_or_init(|| {
            let types = (0..).zip(&index.nodes).filter(|(_, node)| is_type(node.tag()));
            NameIndex::of(types.map(|(number, node)| (node.name(), number)))
        })
    }
}
