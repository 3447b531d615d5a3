//! Functions by address: their names, type parameters and variables.

use std::sync::Arc;

use gimli::{Dwarf, constants as dw};
use runtime_layouts::layout::source::LayoutError;
use runtime_layouts::layout::{Function, SourceLocation, TypeId, TypeParameter, Variable};

use super::paths::MAX_ORIGINS;
use super::source::DwarfSource;
use crate::dwarf::reader::{Entry, malformed};
use crate::dwarf::unit_view::{UnitView, linkage_name, origin_of};
use crate::object::sections::Slice;

/// The most variables that are listed for a function: inlining can gather any number.
const MAX_VARIABLES: usize = 4096;

/// What is known of a function, from its entry and the entries that it refers to.
#[derive(Default)]
struct Facts {
    linkage_name: Option<Arc<str>>,
    declared: Option<SourceLocation>,
    type_parameters: Vec<TypeParameter>,
    parameters: Vec<Variable>,
    locals: Vec<Variable>,
}

/// The lists of [`Facts`].
enum List {
    TypeParameters,
    Parameters,
    Locals,
}

impl Facts {
    /// Adds to a list, variables only once.
    fn add(&mut self, list: List, name: Arc<str>, ty: TypeId) {
        let list = match list {
            List::TypeParameters => {
                self.type_parameters.push(TypeParameter { name, ty });
                return;
            }
            List::Parameters => &mut self.parameters,
            List::Locals => &mut self.locals,
        };
        if list.len() < MAX_VARIABLES && !list.iter().any(|v| v.ty == ty && v.name == name) {
            list.push(Variable { name, ty });
        }
    }
}

impl DwarfSource {
    /// The functions that are entered at this address.
    pub(crate) fn find_functions(&self, address: u64) -> Result<Vec<Arc<Function>>, LayoutError> {
        let offsets = self.function_entries_at(address)?;
        offsets.into_iter().map(|offset| self.function(offset)).collect()
    }

    /// The functions that are entered at this address, as sorted offsets in `.debug_info`.
    pub(crate) fn function_entries_at(&self, address: u64) -> Result<Vec<u64>, LayoutError> {
        let dwarf = self.dwarf();
        let mut found = Vec::new();
        for number in self.units_at(&dwarf, address) {
            let index = self.index(&dwarf, number)?;
            let start = self.units.entry(number).start;
            let first = index.code.partition_point(|range| range.low < address);
            for range in index.code[first..].iter().take_while(|range| range.low == address) {
                if range.is_entry {
                    found.push(start + u64::from(index.node(range.node).offset));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The function whose entry is at this offset.
    pub(crate) fn function(&self, offset: u64) -> Result<Arc<Function>, LayoutError> {
        self.functions.get_or_try(offset, || self.read_function(offset).map(Arc::new))
    }

    fn read_function(&self, offset: u64) -> Result<Function, LayoutError> {
        let dwarf = self.dwarf();
        let (_, index, node) = self.node_at(&dwarf, offset)?;
        let name = self.path_of(&dwarf, index, node)?.into();
        let mut facts = Facts::default();
        let mut at = Some(offset);
        for _ in 0..MAX_ORIGINS {
            let Some(offset) = at else { break };
            at = self.add_function_facts(&dwarf, offset, &mut facts)?;
        }
        let mut variables = facts.parameters;
        variables.append(&mut facts.locals);
        Ok(Function {
            name,
            linkage_name: facts.linkage_name,
            type_parameters: facts.type_parameters,
            variables,
            declared: facts.declared,
        })
    }

    /// Adds what the entries before this one left open; returns the entry that it refers to.
    fn add_function_facts<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        offset: u64,
        facts: &mut Facts,
    ) -> Result<Option<u64>, LayoutError> {
        let at = |error| malformed(offset, error);
        let (number, _, _) = self.node_at(dwarf, offset)?;
        let view = self.units.view(dwarf, number)?;
        let mut entries = view.entries_from(offset)?;
        let mut entry = Entry::default();
        entries.read_entry(&mut entry).map_err(at)?;
        let origin = origin_of(&view, &entry);
        if facts.linkage_name.is_none() {
            facts.linkage_name = linkage_name(dwarf, &view, &entry);
        }
        if facts.declared.is_none() {
            facts.declared = self.declared(dwarf, &view, &entry);
        }
        let had_parameters = !facts.type_parameters.is_empty();
        while !entries.is_empty() && entries.next_depth() > 0 {
            let is_child = entries.next_depth() == 1;
            let Some(abbreviation) = entries.read_abbreviation().map_err(at)? else { continue };
            let list = match abbreviation.tag() {
                dw::DW_TAG_formal_parameter if is_child => List::Parameters,
                dw::DW_TAG_formal_parameter | dw::DW_TAG_variable => List::Locals,
                dw::DW_TAG_template_type_parameter if is_child && !had_parameters => {
                    List::TypeParameters
                }
                _ => {
                    entries.skip_attributes(abbreviation.attributes()).map_err(at)?;
                    continue;
                }
            };
            let specs = abbreviation.attributes();
            let (name, ty) = self.name_and_type(dwarf, &view, &mut entries, specs, offset)?;
            if let Some(ty) = ty {
                facts.add(list, name.unwrap_or_default(), TypeId(ty));
            }
        }
        Ok(origin)
    }

    /// Reads the attributes of a variable or type parameter of the function at `function`: its name
    /// and type, or those of what it stands for.
    fn name_and_type<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        entries: &mut gimli::EntriesRaw<'_, Slice<'s>>,
        specs: &[gimli::AttributeSpecification],
        function: u64,
    ) -> Result<(Option<Arc<str>>, Option<u64>), LayoutError> {
        let (mut name, mut ty, mut origin) = (None, None, None);
        for &spec in specs {
            let attribute =
                entries.read_attribute(spec).map_err(|error| malformed(function, error))?;
            match attribute.name() {
                dw::DW_AT_name => name = Some(attribute.value()),
                dw::DW_AT_type => ty = view.reference(attribute.value()),
                dw::DW_AT_abstract_origin => origin = view.reference(attribute.value()),
                _ => {}
            }
        }
        let name = name.and_then(|name| dwarf.attr_string(&view.unit, name).ok());
        let name: Option<Arc<str>> = name.map(|name| name.to_string_lossy().into());
        match (ty, origin) {
            (None, Some(origin)) => self.variable_origin(dwarf, view, origin, name),
            _ => Ok((name, ty)),
        }
    }

    /// The name and type of a variable, from the entry that it refers to. A `name` that is known
    /// already is kept.
    pub(crate) fn variable_origin<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        origin: u64,
        name: Option<Arc<str>>,
    ) -> Result<(Option<Arc<str>>, Option<u64>), LayoutError> {
        let other;
        let view = match self.units.at(origin) {
            Some(number) if number == view.number => view,
            Some(number) => {
                other = self.units.view(dwarf, number)?;
                &other
            }
            None => return Ok((name, None)),
        };
        let entry = view.entry(origin)?;
        let name = name.or_else(|| self.entry_name(dwarf, view, &entry));
        Ok((name, view.attribute_reference(&entry, dw::DW_AT_type)))
    }

    /// The type of a function's first parameter.
    pub(crate) fn first_parameter<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        function: u64,
    ) -> Result<Option<u64>, LayoutError> {
        let mut at_function = Some(function);
        for _ in 0..MAX_ORIGINS {
            let Some(offset) = at_function else { break };
            let Some(number) = self.units.at(offset) else { break };
            let at = |error| malformed(offset, error);
            let view = self.units.view(dwarf, number)?;
            let mut entries = view.entries_from(offset)?;
            let mut entry = Entry::default();
            entries.read_entry(&mut entry).map_err(at)?;
            at_function = origin_of(&view, &entry);
            while !entries.is_empty() && entries.next_depth() > 0 {
                let is_child = entries.next_depth() == 1;
                if !entries.read_entry(&mut entry).map_err(at)? || !is_child {
                    continue;
                }
                if entry.tag() == dw::DW_TAG_formal_parameter {
                    if let Some(ty) = view.attribute_reference(&entry, dw::DW_AT_type) {
                        return Ok(Some(ty));
                    }
                    if let Some(origin) =
                        view.attribute_reference(&entry, dw::DW_AT_abstract_origin)
                    {
                        let (_, ty) = self.variable_origin(dwarf, &view, origin, None)?;
                        return Ok(ty);
                    }
                    break;
                }
            }
        }
        Ok(None)
    }

    /// The mangled name of a function.
    pub(crate) fn function_linkage_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        function: u64,
    ) -> Result<Option<Arc<str>>, LayoutError> {
        let mut at = Some(function);
        for _ in 0..MAX_ORIGINS {
            let Some(offset) = at else { break };
            let Some(number) = self.units.at(offset) else { break };
            let view = self.units.view(dwarf, number)?;
            let entry = view.entry(offset)?;
            if let Some(name) = linkage_name(dwarf, &view, &entry) {
                return Ok(Some(name));
            }
            at = origin_of(&view, &entry);
        }
        Ok(None)
    }
}
