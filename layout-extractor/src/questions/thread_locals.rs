//! Variables that `thread_local!` declares, with offsets that the symbol table confirms, or has alone.

use gimli::{Dwarf, constants as dw};
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::{LayoutError, ObjectFormat, ThreadLocal};

use super::source::DwarfSource;
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::static_location::{StaticPlace, static_place};
use crate::dwarf::unit_view::{linkage_name, origin_of};
use crate::indexes::node::NodeNumber;
use crate::object::sections::Slice;
use crate::support::rust_path::split_last_segment;

/// A variable, and whether the symbol table confirms its offset.
type VouchedThreadLocal = (ThreadLocal, bool);

impl DwarfSource {
    /// The thread-local variables under a path.
    ///
    /// `thread_local!` declares its variable below the item's path, and the exact place changed:
    /// `X::{constant#0}::{closure#0}::__RUST_STD_INTERNAL_VAL` (1.80), `X::{constant#0}::
    /// {closure#0}::VAL`, `X::__getit::VAL`, `X::__getit::__KEY` (1.63). So every variable under
    /// the path counts.
    pub(crate) fn find_thread_locals(&self, path: &str) -> Result<Vec<ThreadLocal>, LayoutError> {
        let dwarf = self.dwarf();
        let (_, last) = split_last_segment(path);
        let krate = path.split("::").next().unwrap_or_default();
        let mentioning = match self.whole_program.get() {
            Some(whole_program) => whole_program.thread_locals.clone(),
            None => self.units_using_name(&dwarf, last),
        };
        let is_of_crate = |number: &UnitNumber| {
            self.units.root(&dwarf, *number).is_ok_and(|root| root.crate_name() == Some(krate))
        };
        let (own, others): (Vec<_>, Vec<_>) = mentioning.iter().copied().partition(is_of_crate);
        let mut found = Vec::new();
        for units in [own, others] {
            for number in units {
                self.thread_locals_in_unit(&dwarf, number, path, &mut found)?;
            }
            if !found.is_empty() {
                break;
            }
        }
        // Without a symbol table a variable that the linker dropped has offset 0. One variable may
        // really be at 0.
        if found.iter().any(|(variable, vouched)| !vouched && variable.offset != 0) {
            found.retain(|(variable, vouched)| *vouched || variable.offset != 0);
        }
        Ok(found.into_iter().map(|(variable, _)| variable).collect())
    }

    fn thread_locals_in_unit<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        path: &str,
        found: &mut Vec<VouchedThreadLocal>,
    ) -> Result<(), LayoutError> {
        let index = self.index(dwarf, number)?;
        for &node in &index.thread_locals {
            let name = self.path_of(dwarf, index, node)?;
            let is_under = name
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            if is_under {
                found.extend(self.thread_local(dwarf, number, node, name)?);
            }
        }
        Ok(())
    }

    /// One variable; `None` when the linker dropped it.
    pub(crate) fn thread_local<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        node: NodeNumber,
        name: String,
    ) -> Result<Option<VouchedThreadLocal>, LayoutError> {
        // Before 1.80, std kept a second variable for values with a destructor: whether it is
        // registered.
        if name.ends_with("::__getit::STATE") || name.ends_with("::{closure#0}::STATE") {
            return Ok(None);
        }
        let view = self.units.view(dwarf, number)?;
        let index = self.index(dwarf, number)?;
        let entry = view.entry(view.start + u64::from(index.node(node).offset))?;
        let mut ty = view.attribute_reference(&entry, dw::DW_AT_type);
        let mut symbol = linkage_name(dwarf, &view, &entry);
        if let Some(origin) = origin_of(&view, &entry)
            && let Some(other) = self.units.at(origin)
        {
            let view = self.units.view(dwarf, other)?;
            let declaration = view.entry(origin)?;
            ty = ty.or_else(|| view.attribute_reference(&declaration, dw::DW_AT_type));
            symbol = symbol.or_else(|| linkage_name(dwarf, &view, &declaration));
        }
        let Some(ty) = ty else { return Ok(None) };
        let described = match entry.attr_value(dw::DW_AT_location) {
            // Where LLVM has no way to say it: the symbol table does.
            None => None,
            Some(value) => {
                let place = value
                    .exprloc_value()
                    .map(|expression| static_place(dwarf, &view.unit, expression));
                let Some(StaticPlace::ThreadLocal(offset)) = place else { return Ok(None) };
                Some(offset)
            }
        };
        let (offset, is_vouched_for) = match (self.object.facts.format, described) {
            // What a descriptor stands for is kept, whatever the symbols say.
            (ObjectFormat::MachO, Some(place)) => {
                let Some(distance) = self.object.distance_of_thread_local(place) else {
                    return Ok(None);
                };
                (distance, true)
            }
            (ObjectFormat::MachO, None) => return Ok(None),
            (ObjectFormat::Elf, described) => {
                // A variable without a linkage name has its plain name as its symbol.
                let vouched = symbol.and_then(|symbol| self.object.tls_symbol(symbol.as_bytes()));
                match (vouched, described) {
                    (Some(Some(offset)), _) => (offset, true),
                    (Some(None), _) | (None, None) => return Ok(None),
                    (None, Some(described)) => (described, false),
                }
            }
        };
        if self.object.facts.tls.is_none_or(|tls| offset >= tls.size) {
            return Ok(None);
        }
        let variable = ThreadLocal { name: name.into(), ty: TypeId(ty), offset };
        Ok(Some((variable, is_vouched_for)))
    }
}
