//! The type behind a `dyn Future`, or another object that is polled, by the address of its vtable.

use gimli::{Dwarf, constants as dw};
use runtime_layouts::knowledge::{Libraries, StreamingTrait};
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::{LayoutError, LayoutSource};

use super::source::DwarfSource;
use crate::dwarf::abbreviations::EntryKinds;
use crate::dwarf::entry_cursor::EntryCursor;
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::reader::{Entry, malformed};
use crate::dwarf::unit_view::UnitView;
use crate::indexes::poll_index::{polled_in_symbol, polled_trait, streams_in_symbol};
use crate::object::sections::Slice;
use crate::support::polled_names::POLLED_VTABLES;
use crate::support::rust_path::{split_last_segment, strip_arguments, vtable_parts};

/// The slot of `poll` in a vtable, after `drop_in_place`, size and alignment.
pub(crate) const POLL_SLOT: u64 = 3;

/// Whether that is the name of a vtable of a trait that is polled.
pub(crate) fn is_polled(vtable: &[u8], libraries: Libraries) -> bool {
    // Most vtables are of other traits, which the end of the name shows.
    let is_of_future = POLLED_VTABLES.iter().any(|end| vtable.ends_with(end))
        && vtable_parts(&String::from_utf8_lossy(vtable))
            .is_some_and(|(_, of)| polled_trait(of).is_some());
    // The trait may have arguments, which follow its path.
    let streams = |known: &StreamingTrait| {
        let path = known.path.as_bytes();
        vtable.ends_with(b">::{vtable}")
            && vtable.windows(path.len()).any(|part| part == path)
            && vtable_parts(&String::from_utf8_lossy(vtable))
                .is_some_and(|(_, of)| strip_arguments(of) == known.path)
    };
    is_of_future || libraries.streaming().any(streams)
}

impl DwarfSource {
    /// The types whose vtable for a polled trait is at this address.
    pub(crate) fn find_vtable_types(&self, address: u64) -> Result<Vec<TypeId>, LayoutError> {
        let dwarf = self.dwarf();
        let (mut found, is_described) =
            self.described_vtable_types(&dwarf, address, &|name| is_polled(name, self.libraries))?;
        if !is_described {
            found = self.types_by_poll_slot(&dwarf, address)?;
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The types whose vtable for any trait is at this address, as far as a variable describes it.
    pub(crate) fn find_object_types(&self, address: u64) -> Result<Vec<TypeId>, LayoutError> {
        let (mut found, _) = self.described_vtable_types(&self.dwarf(), address, &|_| true)?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The types whose vtable, of one of those traits, is at this address, by the variables there;
    /// and whether there are any variables.
    fn described_vtable_types(
        &self,
        dwarf: &Dwarf<Slice<'_>>,
        address: u64,
        is_wanted: &dyn Fn(&[u8]) -> bool,
    ) -> Result<(Vec<TypeId>, bool), LayoutError> {
        let mut found = Vec::new();
        let mut is_described = false;
        for number in self.units_at(dwarf, address) {
            let index = self.index(dwarf, number)?;
            let view = self.units.view(dwarf, number)?;
            let first = index.statics.partition_point(|&(at, _)| at < address);
            for &(_, offset) in index.statics[first..].iter().take_while(|s| s.0 == address) {
                is_described = true;
                found.extend(self.vtable_type(
                    dwarf,
                    &view,
                    view.start + u64::from(offset),
                    is_wanted,
                )?);
            }
        }
        Ok((found, is_described))
    }

    /// The type that a vtable is for, by the entry of the vtable's variable; `None` when that is
    /// the vtable of another trait, or no vtable.
    pub(crate) fn vtable_type<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        offset: u64,
        is_wanted: &dyn Fn(&[u8]) -> bool,
    ) -> Result<Option<TypeId>, LayoutError> {
        let name = self.static_name(dwarf, view, offset)?;
        if !is_wanted(name) {
            return Ok(None);
        }
        let name = String::from_utf8_lossy(name);
        let Some((of, _)) = vtable_parts(&name) else { return Ok(None) };
        let entry = view.entry(offset)?;
        if let Some(table) = view.attribute_reference(&entry, dw::DW_AT_type) {
            let (table_view, _, _) = self.type_entry(dwarf, table)?;
            let table = table_view.entry(table)?;
            if let Some(ty) = table_view.attribute_reference(&table, dw::DW_AT_containing_type) {
                return Ok(Some(TypeId(ty)));
            }
        }
        let mut named = Vec::new();
        self.types_in_unit(dwarf, view.number, of, &mut named)?;
        Ok(named.first().copied())
    }

    /// The `DW_AT_name` of the variable at this offset of `.debug_info`.
    fn static_name<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        offset: u64,
    ) -> Result<&'s [u8], LayoutError> {
        let read = || {
            let within = offset.saturating_sub(view.start) as usize;
            let mut cursor = EntryCursor::new(dwarf, view, EntryKinds::LOCATED)?.below(within);
            cursor.next()?.map_or(Ok(NameRef::None), |entry| cursor.name(&entry))
        };
        Ok(self.name_bytes(dwarf, read().map_err(|error| malformed(offset, error))?))
    }

    /// The types that the function in a vtable's poll slot polls, for a vtable without a variable:
    /// the linker may have dropped its address, and other compilers write none.
    fn types_by_poll_slot<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        address: u64,
    ) -> Result<Vec<TypeId>, LayoutError> {
        let slot = POLL_SLOT * u64::from(self.object.facts.pointer_size);
        let slot = address.checked_add(slot).filter(|&slot| self.object.is_loaded(slot));
        let Some(poll) = slot.and_then(|slot| self.object.pointer_at(slot)) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for function in self.function_entries_at(self.object.code_address(poll))? {
            if self.polls(dwarf, function)?
                && let Some(parameter) = self.first_parameter(dwarf, function)?
                && let Some(ty) = self.pinned_type(dwarf, parameter)?
                && self.has_size_and_align(address, ty)?
            {
                found.push(TypeId(ty));
            }
        }
        Ok(found)
    }

    /// Whether the words before the poll slot are the size and alignment of the type, as in its
    /// vtable. Other tables hold addresses of functions too.
    fn has_size_and_align(&self, address: u64, ty: u64) -> Result<bool, LayoutError> {
        let word = u64::from(self.object.facts.pointer_size);
        let number =
            |slot| address.checked_add(slot * word).and_then(|at| self.object.pointer_at(at));
        let ty = self.type_at(TypeId(ty))?;
        let align = number(2).filter(|align| align.is_power_of_two());
        let is_aligned = ty.align.is_none_or(|expected| align == Some(expected));
        Ok(number(1) == Some(ty.size) && align.is_some() && is_aligned)
    }

    /// Whether a function is some type's `poll`, or the body of an async fn or block.
    fn polls<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>, function: u64) -> Result<bool, LayoutError> {
        let (_, index, node) = self.node_at(dwarf, function)?;
        let path = self.path_of(dwarf, index, node)?;
        let (_, last) = split_last_segment(&path);
        Ok(match strip_arguments(last) {
            "poll" | "poll_next" => {
                let linkage = self.function_linkage_name(dwarf, function)?;
                linkage.is_some_and(|name| polled_in_symbol(&name).is_some())
            }
            body if body.starts_with("{async_") => true,
            name => {
                let is_poll = |known: &StreamingTrait| known.polls.contains(&name);
                self.libraries.streaming().any(is_poll)
                    && self
                        .function_linkage_name(dwarf, function)?
                        .is_some_and(|name| streams_in_symbol(&name, self.libraries))
            }
        })
    }

    /// `T` of `Pin<&mut T>`.
    pub(crate) fn pinned_type<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        pin: u64,
    ) -> Result<Option<u64>, LayoutError> {
        let (view, index, node) = self.type_entry(dwarf, pin)?;
        let name = self.name_bytes(dwarf, index.node(node).name());
        if !name.starts_with(b"Pin<&mut ") {
            return Ok(None);
        }
        let at = |error| malformed(pin, error);
        let mut entries = view.entries_from(pin)?;
        let mut entry = Entry::default();
        entries.read_entry(&mut entry).map_err(at)?;
        while !entries.is_empty() && entries.next_depth() > 0 {
            let is_child = entries.next_depth() == 1;
            if !entries.read_entry(&mut entry).map_err(at)? || !is_child {
                continue;
            }
            // `pointer`, or `__pointer` between 1.56 and 1.85.
            if entry.tag() == dw::DW_TAG_member
                && let Some(pointer) = view.attribute_reference(&entry, dw::DW_AT_type)
            {
                let (view, _, _) = self.type_entry(dwarf, pointer)?;
                let pointer = view.entry(pointer)?;
                // A pointer to a slice or `dyn` is a struct, and has no concrete target.
                let is_thin = pointer.tag() == dw::DW_TAG_pointer_type;
                let target = view.attribute_reference(&pointer, dw::DW_AT_type);
                return Ok(target.filter(|_| is_thin));
            }
        }
        Ok(None)
    }
}
