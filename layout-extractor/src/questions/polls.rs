//! Whether a type is a future or a stream, and where its `poll` is written.

use std::sync::{Arc, LazyLock};

use gimli::Dwarf;
use memchr::memmem;
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::{LayoutError, LayoutSource, Poll};
use rustc_hash::FxHashMap;

use super::source::DwarfSource;
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::reader::UnitNumber;
use crate::indexes::poll_index::{
    PollEntry, PollIndex, PolledSymbols, polled_in_symbol, polled_self,
};
use crate::object::sections::Slice;
use crate::support::rust_path::{body_segment, split_last_segment, strip_all_arguments};

impl DwarfSource {
    /// How a type is polled; `None` when it is no future or stream, and for state machines.
    pub(crate) fn find_poll(&self, ty: TypeId) -> Result<Option<Poll>, LayoutError> {
        let dwarf = self.dwarf();
        let name = Arc::clone(&self.type_at(ty)?.name);
        if is_state_machine(&name) {
            return Ok(None);
        }
        let Some(own) = self.units.at(ty.0) else { return Ok(None) };
        if let Some(poll) = self.poll_in_unit(&dwarf, own, &name)? {
            return self.poll_answer(poll).map(Some);
        }
        // An extraction has an index of all units.
        if self.whole_program.get().is_some() {
            return self.find_poll_elsewhere(&name);
        }
        // Many units describe a type, and few poll it: the other units are searched once.
        self.polled_elsewhere.get_or_try(Arc::clone(&name), || self.find_poll_elsewhere(&name))
    }

    /// Looks for the `poll` of a type outside of its own unit.
    fn find_poll_elsewhere(&self, name: &str) -> Result<Option<Poll>, LayoutError> {
        if let Some(whole_program) = self.whole_program.get() {
            if let Some(poll) = whole_program.polls.get(name) {
                return self.poll_answer(*poll).map(Some);
            }
        } else {
            let dwarf = self.dwarf();
            for number in self.units_polling(&dwarf, name)? {
                if let Some(poll) = self.poll_in_unit(&dwarf, number, name)? {
                    return self.poll_answer(poll).map(Some);
                }
            }
        }
        let polled_as = self.polled_symbols().0.get(&*strip_all_arguments(name)).copied();
        Ok(polled_as.map(|polled_as| Poll { polled_as, declared: None }))
    }

    /// The units that may have a `poll` of the type.
    fn units_polling<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        name: &str,
    ) -> Result<Vec<UnitNumber>, LayoutError> {
        let pin = format!("Pin<&mut {name}>");
        let mut units = self.units_using_name(dwarf, &pin);
        // After link-time optimization the parameter's type may be described in another unit.
        if self.units_that_refer(dwarf).next().is_some() {
            let path = format!("core::pin::{pin}");
            let mut pins = Vec::new();
            for &unit in &units {
                self.types_in_unit(dwarf, unit, &path, &mut pins)?;
            }
            for ty in pins {
                units.extend(self.units_referring_to(dwarf, ty.0));
            }
        }
        units.sort_unstable();
        units.dedup();
        Ok(units)
    }

    fn poll_answer(&self, poll: PollEntry) -> Result<Poll, LayoutError> {
        let declared = self.function(poll.function)?.declared.clone();
        Ok(Poll { polled_as: poll.polled_as, declared })
    }

    fn poll_in_unit<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
        name: &str,
    ) -> Result<Option<PollEntry>, LayoutError> {
        Ok(self.poll_index(dwarf, number)?.by_name.get(name).copied())
    }

    pub(crate) fn poll_index<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
    ) -> Result<&'s PollIndex, LayoutError> {
        let index = self.index(dwarf, number)?;
        if let Some(polls) = index.polls.get() {
            return Ok(polls);
        }
        let polls = self.read_polls(dwarf, number)?;
        Ok(index.polls.get_or_init(|| polls))
    }

    /// Reads every `poll` and `poll_next` of a unit.
    fn read_polls<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
    ) -> Result<PollIndex, LayoutError> {
        let index = self.index(dwarf, number)?;
        let start = self.units.entry(number).start;
        let mut polls = PollIndex::default();
        for &number in &index.searched {
            let node = index.node(number);
            // Trait functions have no separate declaration.
            if node.tag() != gimli::DW_TAG_subprogram || matches!(node.name(), NameRef::Origin(_)) {
                continue;
            }
            let name = self.name_bytes(dwarf, node.name());
            let Some(rest) = name.strip_prefix(b"poll") else { continue };
            let rest = rest.strip_prefix(b"_next").unwrap_or(rest);
            if !rest.is_empty() && !rest.starts_with(b"<") {
                continue;
            }
            let function = start + u64::from(node.offset);
            let Some(linkage) = self.function_linkage_name(dwarf, function)? else { continue };
            let Some(polled_as) = polled_in_symbol(&linkage) else { continue };
            let Some(parameter) = self.first_parameter(dwarf, function)? else { continue };
            let Some(ty) = self.pinned_type(dwarf, parameter)? else { continue };
            let of = self.type_name(dwarf, ty, 0)?;
            polls.by_name.entry(of.into()).or_insert(PollEntry { polled_as, function });
        }
        Ok(polls)
    }

    pub(crate) fn polled_symbols(&self) -> &PolledSymbols {
        self.polled_symbols.get_or_init(|| self.read_polled_symbols())
    }

    fn read_polled_symbols(&self) -> PolledSymbols {
        let mut polled = FxHashMap::default();
        self.object.each_symbol_with(b"poll", |name| {
            let Some(plain) = std::str::from_utf8(name).ok() else { return };
            let Ok(plain) = rustc_demangle::try_demangle(plain) else { return };
            let plain = format!("{plain:#}");
            if let Some((of, polled_as)) = polled_self(&plain) {
                polled.entry(strip_all_arguments(of).into()).or_insert(polled_as);
            }
        });
        PolledSymbols(polled)
    }
}

/// Whether a type is the state machine of an async fn, async block or async closure, by its name.
fn is_state_machine(name: &str) -> bool {
    static ENVIRONMENT: LazyLock<memmem::Finder<'_>> =
        LazyLock::new(|| memmem::Finder::new("_env#"));
    if ENVIRONMENT.find(name.as_bytes()).is_none() {
        return false;
    }
    let (_, last) = split_last_segment(name);
    body_segment(last).is_some() && !last.starts_with("{closure_env#")
}
