//! Variables at fixed addresses, by the names of their types.

use std::sync::Arc;

use gimli::{Dwarf, constants as dw};
use runtime_layouts::layout::source::{LayoutError, StaticVariable};
use runtime_layouts::layout::{StaticAddress, TypeId};
use rustc_hash::FxHashMap;

use super::names_by_pattern::name_matches;
use super::source::DwarfSource;
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::unit_view::{UnitView, linkage_name, origin_of};
use crate::object::sections::Slice;

impl DwarfSource {
    /// The variables whose type has that name, by the rules of
    /// [`LayoutSource::static_variables`](runtime_layouts::layout::source::LayoutSource::static_variables),
    /// by address.
    pub(crate) fn find_static_variables(
        &self,
        type_name: &str,
    ) -> Result<Vec<StaticVariable>, LayoutError> {
        let dwarf = self.dwarf();
        let mut found = Vec::new();
        for number in self.units_with_types_below(&dwarf, type_name) {
            self.static_variables_in_unit(&dwarf, number, &[type_name], &mut found)?;
        }
        found.sort_unstable_by_key(|variable| variable.address);
        // Units that were linked into one repeat them.
        found.dedup_by_key(|variable| variable.address);
        Ok(found)
    }

    /// The units that have every module that the name's path has; and the type, if its whole name
    /// is known.
    fn units_with_types_below(&self, dwarf: &Dwarf<Slice<'_>>, type_name: &str) -> Vec<UnitNumber> {
        let path = type_name.split('<').next().unwrap_or_default();
        let mut segments: Vec<&str> = path.split("::").collect();
        if path != type_name {
            segments.pop();
        }
        let mut units: Option<Vec<UnitNumber>> = None;
        for segment in segments {
            let users = self.units_using_name(dwarf, segment);
            units = Some(match units {
                Some(mut units) => {
                    units.retain(|unit| users.binary_search(unit).is_ok());
                    units
                }
                None => users,
            });
        }
        units.unwrap_or_default()
    }

    /// The variables of one unit whose type has one of those names.
    pub(crate) fn static_variables_in_unit<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        type_names: &[&str],
        found: &mut Vec<StaticVariable>,
    ) -> Result<(), LayoutError> {
        let index = self.index(dwarf, number)?;
        let view = self.units.view(dwarf, number)?;
        let mut known: FxHashMap<u64, bool> = FxHashMap::default();
        for &(address, offset) in &index.statics {
            // The linker writes 0 for what it dropped, though something else may be there.
            if address == 0 || !self.object.is_loaded(address) {
                continue;
            }
            let Some(ty) = self.type_of_variable(dwarf, &view, offset)? else { continue };
            let is_wanted = match known.get(&ty) {
                Some(is_wanted) => *is_wanted,
                None => {
                    let is_wanted = self.has_type_name(dwarf, ty, type_names)?;
                    known.insert(ty, is_wanted);
                    is_wanted
                }
            };
            if is_wanted {
                let entry = view.entry(view.start + u64::from(offset))?;
                found.push(StaticVariable {
                    ty: TypeId(ty),
                    address: StaticAddress(address),
                    name: linkage_name(dwarf, &view, &entry).map(|name| path_of(&name)),
                });
            }
        }
        Ok(())
    }

    /// The type of a variable, which its declaration may have.
    fn type_of_variable<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        offset: u32,
    ) -> Result<Option<u64>, LayoutError> {
        let entry = view.entry(view.start + u64::from(offset))?;
        let own = view.attribute_reference(&entry, dw::DW_AT_type);
        if own.is_some() {
            return Ok(own);
        }
        let Some(origin) = origin_of(view, &entry) else { return Ok(None) };
        let Some(other) = self.units.at(origin) else { return Ok(None) };
        let view = self.units.view(dwarf, other)?;
        Ok(view.attribute_reference(&view.entry(origin)?, dw::DW_AT_type))
    }

    /// Whether a type has one of those names. Types that are no structs, unions or enums, such as
    /// arrays, have none.
    fn has_type_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        ty: u64,
        names: &[&str],
    ) -> Result<bool, LayoutError> {
        // A variable of C may have a type that is no node.
        let Ok((_, index, node)) = self.node_at(dwarf, ty) else { return Ok(false) };
        // Most types are ruled out by the name of their own.
        let own = self.name_bytes(dwarf, index.node(node).name());
        let may_be = |name: &&str| own.starts_with(own_name(name).as_bytes());
        if !names.iter().any(may_be) {
            return Ok(false);
        }
        let path = self.path_of(dwarf, index, node)?;
        Ok(names.iter().any(|name| name_matches(&path, name)))
    }
}

/// The path of a variable, by the linker's name of it.
fn path_of(linkage: &str) -> Arc<str> {
    format!("{:#}", rustc_demangle::demangle(linkage)).into()
}

/// The last segment of a path, without generic arguments.
pub(crate) fn own_name(path: &str) -> &str {
    let path = path.split('<').next().unwrap_or_default();
    path.rsplit("::").next().unwrap_or_default()
}
