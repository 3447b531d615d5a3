//! The line where a macro was invoked whose expansion awaits.
//!
//! The variant of a state machine names the line of its await point. When a macro expanded to that
//! `.await`, the line is in the macro's own file. The body of the state machine has a variable for
//! the awaitee at that point, and that variable is declared at the invocation: rustc gives
//! variables and code the location where the outermost macro of another crate was invoked in the
//! function (`rustc_codegen_ssa`, `mir/debuginfo.rs`, `adjust_span_for_debugging`; it writes the
//! variants of a coroutine without that adjustment). Nothing is concluded from the order of code,
//! so optimized builds, whose bodies are inlined and whose lines are reordered, give the same
//! answer.
//!
//! `match poll_fn(…) { mut __awaitee => … }` is how rustc spells `.await`, from 1.63 on at the
//! latest (`rustc_ast_lowering`, `expr.rs`, `make_lowered_await`). Tests: `tests/fixtures/macros`.

use std::sync::Arc;

use gimli::constants as dw;
use runtime_layouts::layout::source::{LayoutError, LayoutSource};
use runtime_layouts::layout::{SourceLocation, Type, TypeId, TypeKind};

use super::paths::MAX_ORIGINS;
use super::source::DwarfSource;
use crate::dwarf::function_entries::FunctionEntries;
use crate::dwarf::reader::Entry;
use crate::dwarf::unit_view::origin_of;

/// rustc's name of the awaitee.
const AWAITEE: &str = "__awaitee";

impl DwarfSource {
    /// The location where a macro was invoked that awaits in this state of a state machine; `None`
    /// when the await point is in the function itself, or the location is ambiguous.
    pub(crate) fn find_invocation(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        let ty = self.type_at(machine)?;
        let Some(line) = line_in_macro(&ty, state) else { return Ok(None) };
        let TypeKind::Enum { variants, .. } = &ty.kind else { return Ok(None) };
        let Some(awaitee) = self.awaitee_of(variants[state].ty)? else { return Ok(None) };
        // Two states that await the same type cannot be told apart.
        for (other, variant) in variants.iter().enumerate() {
            if other != state && self.awaitee_of(variant.ty)?.as_ref() == Some(&awaitee) {
                return Ok(None);
            }
        }
        let Some(body) = self.bodies.get_or_try(machine.0, || self.find_body(machine.0))? else {
            return Ok(None);
        };
        let mut declared = self.declarations_of_awaitee(body, &awaitee)?;
        declared.dedup();
        Ok(match <[_; 1]>::try_from(declared) {
            // A location in the macro says nothing new.
            Ok([invoked]) if invoked.file.path != line.file.path => Some(invoked),
            _ => None,
        })
    }

    /// The name of the type that a state awaits; `None` when it awaits nothing.
    fn awaitee_of(&self, state: TypeId) -> Result<Option<Arc<str>>, LayoutError> {
        match self.type_at(state)?.member(AWAITEE) {
            Some(awaitee) => Ok(Some(Arc::clone(&self.type_at(awaitee.ty)?.name))),
            None => Ok(None),
        }
    }

    /// Where a body declares awaitees with a type of this name, without those of functions that are
    /// inlined into it.
    fn declarations_of_awaitee(
        &self,
        body: u64,
        awaitee: &str,
    ) -> Result<Vec<SourceLocation>, LayoutError> {
        let dwarf = self.dwarf();
        let mut found = Vec::new();
        let mut function = Some(body);
        // For an inlined function the variables are below its abstract origin.
        for _ in 0..MAX_ORIGINS {
            let Some(offset) = function else { break };
            let (number, ..) = self.node_at(&dwarf, offset)?;
            let view = self.units.view(&dwarf, number)?;
            let mut entry = Entry::default();
            let mut scopes = FunctionEntries::of(&view, offset, &mut entry)?;
            function = origin_of(&view, &entry);
            while let Some(depth) = scopes.next(&mut entry)? {
                match entry.tag() {
                    dw::DW_TAG_inlined_subroutine => scopes.skip_below(depth),
                    dw::DW_TAG_variable => {
                        if self.entry_name(&dwarf, &view, &entry).as_deref() == Some(AWAITEE)
                            && let Some(ty) = view.attribute_reference(&entry, dw::DW_AT_type)
                            && self.type_name(&dwarf, ty, 0)? == awaitee
                        {
                            let Some(place) = self.declared(&dwarf, &view, &entry) else {
                                return Ok(Vec::new());
                            };
                            found.push(place);
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(found)
    }
}

/// The line of an await point that is in another file than its function: in a macro.
fn line_in_macro(machine: &Type, state: usize) -> Option<&SourceLocation> {
    let TypeKind::Enum { variants, .. } = &machine.kind else { return None };
    let defined = variants.iter().find(|variant| &*variant.name == "Unresumed")?.line.as_ref()?;
    let line = variants.get(state)?.line.as_ref()?;
    (line.file.path != defined.file.path).then_some(line)
}
