//! INVOCATIONS: where a macro was invoked whose code awaits.
//!
//! The await point that a state machine's variant names stands in the macro's own file. The body
//! of the same machine has a variable for what it awaits there, and that one is declared at the
//! invocation: rustc gives the variables and the code of a function the place where the outermost
//! macro of another crate was invoked in that function (`rustc_codegen_ssa`,
//! `mir/debuginfo.rs`, `adjust_span_for_debugging`; the variants of a coroutine are written
//! without it). So nothing has to be concluded from the order of code, and optimized builds, whose
//! bodies are inlined and whose lines are reordered, say the same.
//!
//! `match poll_fn(…) { mut __awaitee => … }` is how rustc spells `.await`, in 1.63 already
//! (`rustc_ast_lowering`, `expr.rs`, `make_lowered_await`). Tests: `tests/fixtures/macros`.

use std::sync::Arc;

use gimli::constants as dw;
use runtime_layouts::layout::source::{LayoutError, LayoutSource};
use runtime_layouts::layout::{SourceLocation, Type, TypeId, TypeKind};

use super::paths::MAX_ORIGINS;
use super::source::DwarfSource;
use crate::dwarf::function_entries::FunctionEntries;
use crate::dwarf::reader::Entry;
use crate::dwarf::unit_view::origin_of;

/// What rustc calls the future that a body awaits.
const AWAITEE: &str = "__awaitee";

impl DwarfSource {
    /// Where the macro was invoked whose code awaits in this state of a state machine.
    pub(crate) fn find_invocation(
        &self,
        machine: TypeId,
        state: usize,
    ) -> Result<Option<SourceLocation>, LayoutError> {
        let ty = self.type_at(machine)?;
        let Some(line) = line_in_macro(&ty, state) else { return Ok(None) };
        let TypeKind::Enum { variants, .. } = &ty.kind else { return Ok(None) };
        let Some(awaitee) = self.awaitee_of(variants[state].ty)? else { return Ok(None) };
        // What two states await cannot be told apart by its type.
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
            // A compiler that declares it in the macro too tells nothing new.
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

    /// Where the body declares what it awaits and has a type of this name: those of the body alone,
    /// not of what is inlined into it.
    fn declarations_of_awaitee(
        &self,
        body: u64,
        awaitee: &str,
    ) -> Result<Vec<SourceLocation>, LayoutError> {
        let dwarf = self.dwarf();
        let mut found = Vec::new();
        let mut function = Some(body);
        // What was inlined somewhere says what it declares in an entry that its copies refer to.
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

/// The line of an await point that stands in another file than its function: in a macro.
fn line_in_macro(machine: &Type, state: usize) -> Option<&SourceLocation> {
    let TypeKind::Enum { variants, .. } = &machine.kind else { return None };
    let defined = variants.iter().find(|variant| &*variant.name == "Unresumed")?.line.as_ref()?;
    let line = variants.get(state)?.line.as_ref()?;
    (line.file.path != defined.file.path).then_some(line)
}
