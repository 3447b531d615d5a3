//! CALLS: the functions that the code at one program counter belongs to, inlined ones too.

use gimli::constants as dw;
use runtime_layouts::layout::Call;
use runtime_layouts::layout::source::LayoutError;

use crate::source::DwarfSource;
use crate::units::{Entry, malformed};
use crate::variables::scope_ranges;

impl DwarfSource {
    /// The functions around a program counter, the innermost inlined one first, with the line that
    /// each of them stands at. Of folded functions the first is taken.
    pub(crate) fn find_calls(&self, pc: u64) -> Result<Vec<Call>, LayoutError> {
        let Some(function) = self.functions_around(pc)?.first().copied() else {
            return Ok(Vec::new());
        };
        let dwarf = self.dwarf();
        let at = |error| malformed(function, error);
        let (number, ..) = self.node_at(&dwarf, function)?;
        let view = self.units.view(&dwarf, number)?;
        let mut entries = view.entries_from(function)?;
        let mut entry = Entry::default();
        entries.read_entry(&mut entry).map_err(at)?;
        let mut calls = vec![Call { function: self.function(function)?, location: None }];
        // Below this depth everything is somewhere else in the code.
        let mut skipped: Option<isize> = None;
        while !entries.is_empty() && entries.next_depth() > 0 {
            let depth = entries.next_depth();
            if skipped.is_some_and(|above| depth > above) {
                if let Some(abbreviation) = entries.read_abbreviation().map_err(at)? {
                    entries.skip_attributes(abbreviation.attributes()).map_err(at)?;
                }
                continue;
            }
            skipped = None;
            if !entries.read_entry(&mut entry).map_err(at)? {
                continue;
            }
            match entry.tag() {
                dw::DW_TAG_lexical_block | dw::DW_TAG_inlined_subroutine => {
                    let ranges = scope_ranges(&dwarf, &view, &entry)?;
                    let is_here =
                        ranges.is_none_or(|ranges| ranges.iter().any(|r| r.contains(&pc)));
                    if !is_here {
                        skipped = Some(depth);
                        continue;
                    }
                    let origin = view
                        .attribute_reference(&entry, dw::DW_AT_abstract_origin)
                        .filter(|_| entry.tag() == dw::DW_TAG_inlined_subroutine);
                    if let Some(origin) = origin {
                        if let Some(caller) = calls.last_mut() {
                            caller.location = self.called(&dwarf, &view, &entry);
                        }
                        calls.push(Call { function: self.function(origin)?, location: None });
                    }
                }
                dw::DW_TAG_subprogram => skipped = Some(depth),
                _ => {}
            }
        }
        if let Some(innermost) = calls.last_mut() {
            innermost.location = self.line_at(&dwarf, &view, pc);
        }
        calls.reverse();
        Ok(calls)
    }
}
