//! The functions at a program counter, inlined ones included.

use std::ops::Range;
use std::sync::Arc;

use gimli::constants as dw;
use runtime_layouts::layout::source::LayoutError;
use runtime_layouts::layout::{Call, SourceLocation};

use super::source::DwarfSource;
use crate::dwarf::function_entries::{FunctionEntries, scope_ranges};
use crate::dwarf::reader::Entry;

/// A function with its code: out of line, or inlined at one place.
#[derive(Clone, Debug)]
pub(crate) struct FunctionCode {
    /// Code addresses; empty for all the code of the function around it.
    pub(crate) ranges: Vec<Range<u64>>,
    /// The function's entry in the debug information.
    pub(crate) function: u64,
    /// The call site of an inlined function; only read for a single program counter.
    called: Option<SourceLocation>,
}

impl DwarfSource {
    /// The functions at a program counter, the innermost inlined one first, each with the line
    /// where it is. Of folded functions only the first is listed.
    pub(crate) fn find_calls(&self, pc: u64) -> Result<Vec<Call>, LayoutError> {
        let Some(function) = self.functions_around(pc)?.first().copied() else {
            return Ok(Vec::new());
        };
        let dwarf = self.dwarf();
        let (number, ..) = self.node_at(&dwarf, function)?;
        let mut location = self.lines.line_at(&self.object, pc).map(|(path, line)| {
            SourceLocation { file: Arc::new(self.source_file(&dwarf, number, path)), line }
        });
        let mut calls = Vec::new();
        for code in self.function_code(function, Some(pc))?.into_iter().rev() {
            calls.push(Call { function: self.function(code.function)?, location });
            location = code.called;
        }
        Ok(calls)
    }

    /// A function and what is inlined into it, outer ones first; with `pc`, only those that have
    /// code there.
    pub(crate) fn function_code(
        &self,
        function: u64,
        pc: Option<u64>,
    ) -> Result<Vec<FunctionCode>, LayoutError> {
        let dwarf = self.dwarf();
        let (number, ..) = self.node_at(&dwarf, function)?;
        let view = self.units.view(&dwarf, number)?;
        let mut entry = Entry::default();
        let mut scopes = FunctionEntries::of(&view, function, &mut entry)?;
        let mut found = vec![FunctionCode { ranges: Vec::new(), function, called: None }];
        while let Some(depth) = scopes.next(&mut entry)? {
            let is_inlined = entry.tag() == dw::DW_TAG_inlined_subroutine;
            if !is_inlined && entry.tag() != dw::DW_TAG_lexical_block {
                continue;
            }
            let ranges = scope_ranges(&dwarf, &view, &entry)?.unwrap_or_default();
            let is_here = |pc| ranges.is_empty() || ranges.iter().any(|r| r.contains(&pc));
            if !pc.is_none_or(is_here) {
                scopes.skip_below(depth);
                continue;
            }
            let origin = view.attribute_reference(&entry, dw::DW_AT_abstract_origin);
            if let Some(function) = origin.filter(|_| is_inlined) {
                let called = pc.and_then(|_| self.called(&dwarf, &view, &entry));
                found.push(FunctionCode { ranges, function, called });
            }
        }
        Ok(found)
    }
}
