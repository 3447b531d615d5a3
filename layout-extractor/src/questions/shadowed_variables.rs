//! Variables of a state machine that have the name of another one: `let stock = stock.lock().await`.
//!
//! LLVM takes two members of one name and one struct for the same member, and describes the first
//! one twice (`llvm/lib/IR/LLVMContextImpl.h`, `MDNodeSubsetEqualImpl<DIDerivedType>`, LLVM 22). So
//! a state of a machine lists the lock's reference again where its guard should be. The body of the
//! machine has all its variables: their types, their order, and in unoptimized builds their places.

use std::ops::Range;
use std::sync::Arc;

use gimli::{Dwarf, constants as dw};
use runtime_layouts::layout::coroutine::{AWAITEE, SUSPENDED, UNRESUMED};
use runtime_layouts::layout::source::LayoutError;
use runtime_layouts::layout::{LocationBase, TypeId, VariableLocation};

use super::source::DwarfSource;
use super::variables::frame_base;
use crate::dwarf::function_entries::FunctionEntries;
use crate::dwarf::reader::Entry;
use crate::dwarf::stack_location;
use crate::dwarf::type_description::{DescribedMember, Description};
use crate::dwarf::unit_view::UnitView;
use crate::indexes::node::NodeNumber;
use crate::indexes::unit_index::UnitIndex;
use crate::object::sections::Slice;

/// A state machine, as far as the members of its states need it.
struct Machine {
    /// Bytes.
    size: u64,
    /// Its discriminant, in bytes from its start.
    discriminant: Option<Range<u64>>,
    /// The variables that it has before it is polled: they stay where they are.
    captured: Vec<DescribedMember>,
    states: Vec<State>,
}

impl Machine {
    fn state(&self, ty: u64) -> Option<&State> {
        self.states.iter().find(|state| state.ty == ty)
    }
}

/// A state in which the machine is suspended.
struct State {
    /// The entry of its struct.
    ty: u64,
    /// The line of its `.await`.
    line: Option<u64>,
}

/// A variable of a machine's body.
#[derive(Clone, Debug, PartialEq)]
struct BodyVariable {
    name: Arc<str>,
    ty: TypeId,
    place: Place,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// In the machine, so many bytes from its start.
    Saved(u64),
    /// On the stack.
    Unsaved,
    /// Left out of the debug information by the optimizer.
    Unknown,
}

/// The variables in scope at one `.await`, the outermost first.
struct Await {
    line: Option<u64>,
    /// The type of the future.
    awaitee: TypeId,
    in_scope: Vec<BodyVariable>,
}

impl DwarfSource {
    /// Tells the members of a machine's state apart that LLVM took for one. What cannot be found
    /// stays as it is.
    pub(crate) fn separate_members<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        index: &'s UnitIndex,
        node: NodeNumber,
        described: &mut Description<'s>,
    ) {
        let name = |member: &DescribedMember| self.name_bytes(dwarf, member.name);
        let own = index.node(node);
        if !self.name_bytes(dwarf, own.name()).starts_with(SUSPENDED.as_bytes()) {
            return;
        }
        let members = &mut described.members;
        let any_merged = |members: &[DescribedMember]| {
            members.iter().enumerate().any(|(number, member)| {
                let is_same = |other| is_same(member, other) && name(member) == name(other);
                members[..number].iter().any(is_same)
            })
        };
        let Some(machine) = own.parent().filter(|_| any_merged(members)) else { return };
        let offset = view.start + u64::from(index.node(machine).offset);
        let Ok(Some(machine)) = self.machine(dwarf, view, offset) else { return };
        let first = members.len().saturating_sub(machine.captured.len());
        let lists_captured =
            members[first..].iter().map(name).eq(machine.captured.iter().map(name));
        let locals = if lists_captured { first } else { members.len() };
        if lists_captured {
            members[first..].copy_from_slice(&machine.captured);
        }
        if any_merged(&members[..locals])
            && let Some(state) = machine.state(view.start + u64::from(own.offset))
            && let Ok(Some(body)) = self.find_body(offset)
        {
            // A failure leaves the members as LLVM wrote them.
            _ = self.separate(dwarf, (&machine, state), body, members, locals);
        }
    }

    /// The machine whose entry is at this offset; `None` when that is none.
    fn machine<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        offset: u64,
    ) -> Result<Option<Machine>, LayoutError> {
        let described = Description::read(dwarf, view, offset)?;
        let Some(part) = described.enum_part(dw::DW_TAG_structure_type) else { return Ok(None) };
        let discriminant = match part.found {
            Some((at, ty)) => {
                let (size, _) = self.discriminant_type(dwarf, ty)?;
                Some(at..at.saturating_add(u64::from(size)))
            }
            None => None,
        };
        let size = described.size.unwrap_or(0);
        let mut machine = Machine { size, discriminant, captured: Vec::new(), states: Vec::new() };
        for variant in &part.variants {
            let Some(member) = variant.member else { continue };
            let name = self.own_name(dwarf, member.ty)?.unwrap_or_default();
            if name == UNRESUMED {
                machine.captured = Description::read(dwarf, view, member.ty)?.members;
            } else if name.starts_with(SUSPENDED) {
                machine.states.push(State { ty: member.ty, line: variant.declared.line });
            }
        }
        Ok(Some(machine))
    }

    /// Gives the members of a state that are described twice their own types and places.
    fn separate<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        (machine, state): (&Machine, &State),
        body: u64,
        members: &mut [DescribedMember],
        locals: usize,
    ) -> Result<(), LayoutError> {
        let awaits = self.awaits(dwarf, body)?;
        let name = |ty| self.type_name(dwarf, ty, 0).unwrap_or_default();
        let is_awaitee =
            |it: &&DescribedMember| self.name_bytes(dwarf, it.name) == AWAITEE.as_bytes();
        let awaitee = members.iter().find(is_awaitee).map(|member| name(member.ty));
        let mut here = awaits.iter().filter(|one| {
            one.line == state.line && awaitee.as_ref().is_none_or(|it| *it == name(one.awaitee.0))
        });
        let Some(at) = here.next() else { return Ok(()) };
        let mut unplaced = Vec::new();
        for first in 0..locals {
            let name = self.name_bytes(dwarf, members[first].name);
            let is_alike = |member: &DescribedMember| {
                is_same(member, &members[first]) && self.name_bytes(dwarf, member.name) == name
            };
            let alike: Vec<usize> =
                (first..locals).filter(|&number| is_alike(&members[number])).collect();
            let is_first = !members[..first].iter().any(is_alike);
            if alike.len() < 2 || !is_first {
                continue;
            }
            let of = |at| self.variables_of(dwarf, at, &members[first], alike.len());
            let Some(own) = of(at) else { continue };
            // Another `.await` of the same future in the same line may have others in scope.
            if here.clone().any(|other| of(other).as_ref() != Some(&own)) {
                continue;
            }
            for (&number, variable) in alike.iter().zip(&own).skip(1) {
                match variable.place {
                    Place::Saved(offset) => {
                        members[number].ty = variable.ty.0;
                        members[number].offset = offset;
                    }
                    _ => unplaced.push((number, variable.ty)),
                }
            }
        }
        // With two of them it would be open which is where.
        let [(number, ty)] = *unplaced else { return Ok(()) };
        if let Some(offset) = self.only_place(dwarf, machine, members, (number, ty))? {
            members[number].ty = ty.0;
            members[number].offset = offset;
        }
        Ok(())
    }

    /// The variables of a name at an `.await` that the machine saves, if they are as many as its
    /// state lists and the first is the one that is described; `None` when that is not so.
    fn variables_of<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        at: &Await,
        described: &DescribedMember,
        count: usize,
    ) -> Option<Vec<BodyVariable>> {
        let name = self.name_bytes(dwarf, described.name);
        let is_own = |variable: &&BodyVariable| {
            variable.name.as_bytes() == name && variable.place != Place::Unsaved
        };
        let all: Vec<&BodyVariable> = at.in_scope.iter().filter(is_own).collect();
        // Before them come captured variables, which the machine lists elsewhere.
        let own = all.len().checked_sub(count).map(|first| &all[first..])?;
        let first = own.first()?;
        let is_described = match first.place {
            Place::Saved(offset) => offset == described.offset,
            // The body may be in another unit than the machine, with types of its own.
            _ => {
                let name = |ty| self.type_name(dwarf, ty, 0).ok();
                name(first.ty.0).is_some_and(|own| Some(own) == name(described.ty))
            }
        };
        is_described.then(|| own.iter().map(|&variable| variable.clone()).collect())
    }

    /// The only place in the machine where a variable can be that a state lists at this position.
    ///
    /// Variables of more than one state have places of their own, before those of the single states,
    /// which share theirs (`compiler/rustc_abi/src/layout/coroutine.rs`, Rust 1.95).
    fn only_place<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        machine: &Machine,
        members: &[DescribedMember],
        (number, ty): (usize, TypeId),
    ) -> Result<Option<u64>, LayoutError> {
        let size = self.size_of(ty.0, 0)?;
        let (view, _, _) = self.type_entry(dwarf, ty.0)?;
        let align = Description::read(dwarf, &view, ty.0)?.align;
        let align = align.filter(|align| *align > 0).unwrap_or(1);
        if size == 0 {
            return Ok(None);
        }
        let states = self.members_of_states(dwarf, machine)?;
        let in_states = |member: &DescribedMember, times: usize| {
            let is_listed = |state: &&Vec<DescribedMember>| {
                state.iter().filter(|other| is_same(member, other)).count() >= times
            };
            states.iter().filter(is_listed).count()
        };
        let mut taken: Vec<Range<u64>> = machine.discriminant.iter().cloned().collect();
        for member in &machine.captured {
            taken.push(self.place_of_member(member)?);
        }
        let mut single = machine.size;
        for member in states.iter().flatten() {
            match in_states(member, 1) > 1 {
                true => taken.push(self.place_of_member(member)?),
                false => single = single.min(member.offset),
            }
        }
        let merged = &members[number];
        let times = members.iter().filter(|other| is_same(merged, other)).count();
        let before = fits(&taken, single, size, align);
        // Padding is always smaller than an aligned variable, so a gap of that size that is free in
        // every state must belong to a variable that the debug information does not describe.
        let is_only = states.iter().all(|state| is_only_merged(state, merged));
        if in_states(merged, times) > 1 || is_only && !before.is_empty() {
            return Ok(only(&before));
        }
        let mut end = single;
        for member in members {
            let place = self.place_of_member(member)?;
            end = end.max(place.end);
            taken.push(place);
        }
        let end = end.next_multiple_of(align).saturating_add(size).min(machine.size);
        Ok(only(&fits(&taken, end, size, align)))
    }

    /// Where a member is, in bytes from the start of the machine.
    fn place_of_member(&self, member: &DescribedMember) -> Result<Range<u64>, LayoutError> {
        let size = self.size_of(member.ty, 0)?;
        Ok(member.offset..member.offset.saturating_add(size))
    }

    /// The variables of each state in which the machine is suspended, as they are described, without
    /// those that it captured.
    fn members_of_states<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        machine: &Machine,
    ) -> Result<Vec<Vec<DescribedMember>>, LayoutError> {
        let of_state = |state: &State| {
            let (view, _, _) = self.type_entry(dwarf, state.ty)?;
            let mut members = Description::read(dwarf, &view, state.ty)?.members;
            members.truncate(members.len().saturating_sub(machine.captured.len()));
            Ok(members)
        };
        machine.states.iter().map(of_state).collect()
    }

    /// Each `.await` of a body, with what is in scope there.
    fn awaits<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        body: u64,
    ) -> Result<Vec<Await>, LayoutError> {
        let (number, _, _) = self.node_at(dwarf, body)?;
        let view = self.units.view(dwarf, number)?;
        let mut entry = Entry::default();
        let mut entries = FunctionEntries::of(&view, body, &mut entry)?;
        let frame = frame_base(&view, &entry);
        let mut in_scope: Vec<(isize, BodyVariable)> = Vec::new();
        let mut found = Vec::new();
        while let Some(depth) = entries.next(&mut entry)? {
            in_scope.retain(|(of, _)| *of <= depth);
            match entry.tag() {
                // What is inlined has variables of its own.
                dw::DW_TAG_inlined_subroutine => entries.skip_below(depth),
                dw::DW_TAG_variable => {
                    let Some((name, ty)) = self.variable_facts(dwarf, &view, &entry)? else {
                        continue;
                    };
                    if &*name == AWAITEE {
                        let line = self.line_of_variable(dwarf, &view, &entry);
                        let in_scope = in_scope.iter().map(|(_, variable)| variable.clone());
                        found.push(Await { line, awaitee: ty, in_scope: in_scope.collect() });
                    }
                    let place = place_of(&view, &entry, frame);
                    in_scope.push((depth, BodyVariable { name, ty, place }));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// The line of a variable, or of its origin.
    fn line_of_variable<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        entry: &Entry<'s>,
    ) -> Option<u64> {
        if let Some(line) = entry.attr_value(dw::DW_AT_decl_line) {
            return line.udata_value();
        }
        let origin = view.attribute_reference(entry, dw::DW_AT_abstract_origin)?;
        let view = self.units.view(dwarf, self.units.at(origin)?).ok()?;
        let mut entries = view.entries_from(origin).ok()?;
        let mut entry = Entry::default();
        entries.read_entry(&mut entry).ok()?;
        entry.attr_value(dw::DW_AT_decl_line)?.udata_value()
    }
}

/// The first two aligned places before `end` that are not taken.
fn fits(taken: &[Range<u64>], end: u64, size: u64, align: u64) -> Vec<u64> {
    let mut taken = taken.to_vec();
    taken.push(end..u64::MAX);
    taken.sort_unstable_by_key(|range| range.start);
    let (mut free, mut found) = (0_u64, Vec::new());
    for range in taken {
        let mut place = free.checked_next_multiple_of(align);
        while let Some(at) = place.filter(|at| at.saturating_add(size) <= range.start.min(end)) {
            found.push(at);
            if found.len() == 2 {
                return found;
            }
            place = at.checked_add(align);
        }
        free = free.max(range.end);
    }
    found
}

fn only(places: &[u64]) -> Option<u64> {
    match places {
        [place] => Some(*place),
        _ => None,
    }
}

/// Whether the group of `merged` is the only group of merged members in this state.
fn is_only_merged(state: &[DescribedMember], merged: &DescribedMember) -> bool {
    state.iter().enumerate().all(|(number, member)| {
        is_same(member, merged) || !state[..number].iter().any(|other| is_same(member, other))
    })
}

/// Whether two members are described as one.
fn is_same(one: &DescribedMember, other: &DescribedMember) -> bool {
    (one.offset, one.ty) == (other.offset, other.ty)
}

/// Where a variable of a machine's body is: the machine is what the function's argument refers to.
fn place_of(view: &UnitView<'_>, entry: &Entry<'_>, frame: Option<(LocationBase, i64)>) -> Place {
    let Some(gimli::AttributeValue::Exprloc(expression)) = entry.attr_value(dw::DW_AT_location)
    else {
        return Place::Unknown;
    };
    match stack_location::variable_location(&view.unit, expression, frame) {
        Some(VariableLocation::Indirect(_, _, offset)) => match u64::try_from(offset) {
            Ok(offset) => Place::Saved(offset),
            Err(_) => Place::Unknown,
        },
        Some(VariableLocation::Memory(..)) => Place::Unsaved,
        _ => Place::Unknown,
    }
}
