//! Variables that have a place on the stack at a program counter.

use std::ops::Range;
use std::sync::Arc;

use gimli::{AttributeValue, Dwarf, constants as dw};
use runtime_layouts::layout::source::LayoutError;
use runtime_layouts::layout::{LocationBase, PlacedVariable, TypeId, VariableLocation};

use super::source::DwarfSource;
use crate::dwarf::function_entries::{FunctionEntries, scope_ranges};
use crate::dwarf::reader::{Entry, malformed};
use crate::dwarf::stack_location;
use crate::dwarf::unit_view::{UnitView, origin_of};
use crate::object::sections::Slice;

/// A variable of a function, with the code where it has this place.
#[derive(Clone, Debug)]
pub(crate) struct RangedVariable {
    /// Code addresses.
    pub(crate) ranges: Vec<Range<u64>>,
    /// How many inlined functions it is in, and its depth below the function's entry.
    nesting: (u32, isize),
    pub(crate) variable: PlacedVariable,
}

/// A place, with the code addresses where it holds.
type RangedPlace = (Vec<Range<u64>>, VariableLocation);

/// A function, or a lexical block or inlined function within it.
struct Scope {
    /// Below the function's entry, which has 0.
    depth: isize,
    /// Code addresses.
    ranges: Vec<Range<u64>>,
    /// How many inlined functions it is in.
    inlined: u32,
    /// The full path of the innermost function.
    function: Arc<str>,
}

/// What a search for variables has in common.
struct Search<'v, 's> {
    dwarf: &'v Dwarf<Slice<'s>>,
    view: &'v UnitView<'s>,
    /// The frame's base.
    frame: Option<(LocationBase, i64)>,
    /// If given, only places that hold here are wanted.
    pc: Option<u64>,
}

impl DwarfSource {
    /// The variables that have a place at this program counter.
    pub(crate) fn find_variables(&self, pc: u64) -> Result<Vec<PlacedVariable>, LayoutError> {
        let mut found = Vec::new();
        for function in self.functions_around(pc)? {
            let placed = self.placed_variables(function, Some(pc))?;
            found.extend(placed.into_iter().map(|ranged| ranged.variable));
        }
        Ok(found)
    }

    /// The functions whose code contains an address, as sorted offsets in `.debug_info`: one,
    /// unless functions were folded.
    pub(crate) fn functions_around(&self, pc: u64) -> Result<Vec<u64>, LayoutError> {
        let dwarf = self.dwarf();
        let mut found = Vec::new();
        for number in self.units_at(&dwarf, pc) {
            let index = self.index(&dwarf, number)?;
            let after = index.code.partition_point(|range| range.low <= pc);
            let low = after.checked_sub(1).map(|last| index.code[last].low);
            let same = index.code[..after].iter().rev().take_while(|range| Some(range.low) == low);
            let start = self.units.entry(number).start;
            found.extend(
                same.filter(|range| pc < range.high)
                    .map(|range| start + u64::from(index.node(range.node).offset)),
            );
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// The variables of a function that have a place, those of inner scopes first; with `pc`, only
    /// places that hold there.
    pub(crate) fn placed_variables(
        &self,
        function: u64,
        pc: Option<u64>,
    ) -> Result<Vec<RangedVariable>, LayoutError> {
        let dwarf = self.dwarf();
        let (number, index, node) = self.node_at(&dwarf, function)?;
        let view = self.units.view(&dwarf, number)?;
        let mut entry = Entry::default();
        let mut entries = FunctionEntries::of(&view, function, &mut entry)?;
        let search = Search { dwarf: &dwarf, view: &view, frame: frame_base(&view, &entry), pc };
        let mut scopes = vec![Scope {
            depth: 0,
            ranges: scope_ranges(&dwarf, &view, &entry)?.unwrap_or_default(),
            inlined: 0,
            function: self.path_of(&dwarf, index, node)?.into(),
        }];
        let mut found = Vec::new();
        while let Some(depth) = entries.next(&mut entry)? {
            // The outermost scope is the function itself.
            while scopes.len() > 1 && scopes.last().is_some_and(|scope| scope.depth >= depth) {
                scopes.pop();
            }
            let Some(scope) = scopes.last() else { break };
            match entry.tag() {
                dw::DW_TAG_lexical_block | dw::DW_TAG_inlined_subroutine => {
                    match self.inner_scope(&search, scope, &entry, depth)? {
                        Some(inner) => scopes.push(inner),
                        None => entries.skip_below(depth),
                    }
                }
                dw::DW_TAG_formal_parameter | dw::DW_TAG_variable => {
                    self.add_variable(&search, scope, &entry, depth, &mut found)?;
                }
                _ => {}
            }
        }
        // Innermost first; the order of the debug information within a scope.
        found.sort_by_key(|ranged| std::cmp::Reverse(ranged.nesting));
        Ok(found)
    }

    /// The scope that an entry opens within another one; `None` when it has no code at the program
    /// counter.
    fn inner_scope<'s>(
        &'s self,
        search: &Search<'_, 's>,
        outer: &Scope,
        entry: &Entry<'s>,
        depth: isize,
    ) -> Result<Option<Scope>, LayoutError> {
        let Search { dwarf, view, pc, .. } = *search;
        let ranges = match scope_ranges(dwarf, view, entry)? {
            Some(ranges) => ranges,
            None => outer.ranges.clone(),
        };
        if pc.is_some_and(|pc| !ranges.iter().any(|range| range.contains(&pc))) {
            return Ok(None);
        }
        let is_inlined = entry.tag() == dw::DW_TAG_inlined_subroutine;
        let origin = view.attribute_reference(entry, dw::DW_AT_abstract_origin);
        let function = match origin.filter(|_| is_inlined) {
            Some(origin) => {
                let (_, index, node) = self.node_at(dwarf, origin)?;
                self.path_of(dwarf, index, node)?.into()
            }
            None => Arc::clone(&outer.function),
        };
        let inlined = outer.inlined + u32::from(is_inlined);
        Ok(Some(Scope { depth, ranges, inlined, function }))
    }

    /// Adds a variable, once for each of its places.
    fn add_variable<'s>(
        &'s self,
        search: &Search<'_, 's>,
        scope: &Scope,
        entry: &Entry<'s>,
        depth: isize,
        found: &mut Vec<RangedVariable>,
    ) -> Result<(), LayoutError> {
        let places = places_of(search, entry, &scope.ranges)?;
        if places.is_empty() {
            return Ok(());
        }
        let Some((name, ty)) = self.variable_facts(search.dwarf, search.view, entry)? else {
            return Ok(());
        };
        for (ranges, location) in places {
            let (function, name) = (Arc::clone(&scope.function), Arc::clone(&name));
            let variable = PlacedVariable { function, name, ty, location };
            found.push(RangedVariable { ranges, nesting: (scope.inlined, depth), variable });
        }
        Ok(())
    }

    /// The name and type of a variable, or of its origin.
    pub(super) fn variable_facts<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        view: &UnitView<'s>,
        entry: &Entry<'s>,
    ) -> Result<Option<(Arc<str>, TypeId)>, LayoutError> {
        let mut name = self.entry_name(dwarf, view, entry);
        let mut ty = view.attribute_reference(entry, dw::DW_AT_type);
        if let (None, Some(origin)) = (ty, origin_of(view, entry)) {
            (name, ty) = self.variable_origin(dwarf, view, origin, name)?;
        }
        Ok(ty.map(|ty| (name.unwrap_or_default(), TypeId(ty))))
    }
}

/// The base of a function's frame.
pub(super) fn frame_base(view: &UnitView<'_>, function: &Entry<'_>) -> Option<(LocationBase, i64)> {
    let expression = function.attr_value(dw::DW_AT_frame_base)?.exprloc_value()?;
    stack_location::frame_base(&view.unit, expression)
}

/// The places of a variable, within the ranges of its scope.
fn places_of<'s>(
    search: &Search<'_, 's>,
    entry: &Entry<'s>,
    scope: &[Range<u64>],
) -> Result<Vec<RangedPlace>, LayoutError> {
    let Search { dwarf, view, frame, pc } = *search;
    let Some(location) = entry.attr_value(dw::DW_AT_location) else { return Ok(Vec::new()) };
    if let AttributeValue::Exprloc(expression) = location {
        let location = stack_location::variable_location(&view.unit, expression, frame);
        return Ok(location.map(|location| (scope.to_vec(), location)).into_iter().collect());
    }
    let offset = view.start + entry.offset().0 as u64;
    let at = |error| malformed(offset, error);
    let mut found: Vec<RangedPlace> = Vec::new();
    let location = view.location(location);
    let Some(mut list) = dwarf.attr_locations(&view.unit, location).map_err(at)? else {
        return Ok(found);
    };
    while let Some(item) = list.next().map_err(at)? {
        let range = item.range.begin..item.range.end;
        if pc.is_some_and(|pc| !range.contains(&pc)) {
            continue;
        }
        let Some(location) = stack_location::variable_location(&view.unit, item.data, frame) else {
            continue;
        };
        let ranges = overlaps(scope, &range);
        if ranges.is_empty() {
            continue;
        }
        match found.iter_mut().find(|(_, other)| *other == location) {
            Some((known, _)) => known.extend(ranges),
            None => found.push((ranges, location)),
        }
    }
    Ok(found)
}

/// The parts of these ranges that are in another one.
fn overlaps(ranges: &[Range<u64>], other: &Range<u64>) -> Vec<Range<u64>> {
    let overlap = |range: &Range<u64>| range.start.max(other.start)..range.end.min(other.end);
    ranges.iter().map(overlap).filter(|range| !range.is_empty()).collect()
}
