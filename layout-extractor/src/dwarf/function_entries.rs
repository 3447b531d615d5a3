//! The entries below a function, without those of nested functions.

use std::ops::Range;

use gimli::{Dwarf, constants as dw};
use runtime_layouts::layout::source::LayoutError;

use super::reader::{Entry, malformed};
use super::unit_view::UnitView;
use crate::object::sections::Slice;

/// The entries below a function's entry, in the order of the debug information.
///
/// Nested functions are left out with everything in them: they have frames of their own.
pub(crate) struct FunctionEntries<'v, 's> {
    entries: gimli::EntriesRaw<'v, Slice<'s>>,
    function: u64,
    /// Entries below this depth are skipped, up to the next one that is not.
    skipped: Option<isize>,
}

impl<'v, 's> FunctionEntries<'v, 's> {
    /// Reads the function's entry into `entry`; what is below it comes from [`Self::next`].
    pub(crate) fn of(
        view: &'v UnitView<'s>,
        function: u64,
        entry: &mut Entry<'s>,
    ) -> Result<Self, LayoutError> {
        let mut entries = view.entries_from(function)?;
        entries.read_entry(entry).map_err(|error| malformed(function, error))?;
        Ok(FunctionEntries { entries, function, skipped: None })
    }

    /// Reads the next entry into `entry` and gives its depth below the function, which has 0;
    /// `None` after the last one.
    pub(crate) fn next(&mut self, entry: &mut Entry<'s>) -> Result<Option<isize>, LayoutError> {
        let function = self.function;
        let at = |error| malformed(function, error);
        while !self.entries.is_empty() && self.entries.next_depth() > 0 {
            let depth = self.entries.next_depth();
            if self.skipped.is_some_and(|above| depth > above) {
                if let Some(abbreviation) = self.entries.read_abbreviation().map_err(at)? {
                    self.entries.skip_attributes(abbreviation.attributes()).map_err(at)?;
                }
                continue;
            }
            self.skipped = None;
            if !self.entries.read_entry(entry).map_err(at)? {
                continue;
            }
            if entry.tag() == dw::DW_TAG_subprogram {
                self.skip_below(depth);
                continue;
            }
            return Ok(Some(depth));
        }
        Ok(None)
    }

    /// Skips the descendants of the entry that was read last, which has this depth.
    pub(crate) fn skip_below(&mut self, depth: isize) {
        self.skipped = Some(depth);
    }
}

/// The code addresses of a scope; `None` when the entry has no attribute for them.
pub(crate) fn scope_ranges<'a>(
    dwarf: &Dwarf<Slice<'a>>,
    view: &UnitView<'a>,
    entry: &Entry<'a>,
) -> Result<Option<Vec<Range<u64>>>, LayoutError> {
    if !entry.has_attr(dw::DW_AT_low_pc) && !entry.has_attr(dw::DW_AT_ranges) {
        return Ok(None);
    }
    let at = |error| malformed(view.start + entry.offset().0 as u64, error);
    let mut found = Vec::new();
    let mut ranges = dwarf.die_ranges(&view.unit, entry).map_err(at)?;
    while let Some(range) = ranges.next().map_err(at)? {
        found.push(range.begin..range.end);
    }
    Ok(Some(found))
}
