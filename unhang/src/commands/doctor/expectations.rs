//! What is expected of the compiler, the standard library and tokio, and whether it holds in a
//! program.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use layout_extractor::{DwarfSource, Matches};
use runtime_layouts::knowledge::expectation::{Expectation, Kind, Spelling};
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::layout::{Type, TypeKind};
use runtime_layouts::libraries::LIBRARIES;

use super::{Check, Checks};

fn all() -> impl Iterator<Item = &'static Expectation> {
    LIBRARIES.all().flat_map(|library| library.expectations)
}

/// Lists all of them.
pub(super) fn list() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for expectation in all() {
        let optional = if expectation.optional { ", where there is any" } else { "" };
        writeln!(out, "{}{optional} ({})", expectation.what, expectation.source)?;
        for spelling in expectation.spellings {
            writeln!(out, "  {}", described(expectation.kind, spelling))?;
        }
    }
    writeln!(out, "\n{} expectations. Give a program to see which of them it meets.", all().count())
}

/// `type tokio::runtime::task::core::Header { state, vtable }, since 1.0`.
fn described(kind: Kind, spelling: &Spelling) -> String {
    let mut text = format!("{} {}", word(kind), spelling.name);
    if !spelling.members.is_empty() {
        text.push_str(&format!(" {{ {} }}", spelling.members.join(", ")));
    }
    text.push_str(&format!(", since {}", spelling.since));
    if let Some(until) = spelling.until {
        text.push_str(&format!(", not in {until}"));
    }
    text
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Type => "type",
        Kind::StateMachine => "state machine",
        Kind::ThreadLocal => "thread-local",
        Kind::Function => "function",
    }
}

/// Holds a program against all of them.
///
/// # Errors
/// When the program cannot be read, or has no debug information.
pub(super) fn check(executable: &Path, checks: &mut Checks) -> anyhow::Result<()> {
    let source = DwarfSource::open(executable)?;
    if let Some(lack) = source.provenance().lack {
        anyhow::bail!("{lack}");
    }
    let names: Vec<&str> =
        all().flat_map(|expectation| expectation.spellings).map(|spelling| spelling.name).collect();
    let mut declared = source.find_all(&names).into_iter();
    let mut found = Vec::new();
    for expectation in all() {
        let named: Vec<Matches> = declared.by_ref().take(expectation.spellings.len()).collect();
        let program = Program { source: &source, expectation, found: named };
        found.push((expectation, program.check().with_context(|| expectation.what.to_string())?));
    }
    let is_there = |what| found.iter().any(|(known, check)| known.what == what && check.is_some());
    let absent = absent(executable, &found);
    let checked: Vec<Check> = found
        .iter()
        .map(|(expectation, check)| match check {
            Some(check) => check.clone(),
            None if absent.contains(&expectation.what) => not_there(expectation),
            None => missing(expectation, expectation.instead.is_some_and(is_there)),
        })
        .collect();
    checked.into_iter().for_each(|check| checks.add(check));
    Ok(())
}

/// What is expected of the runtimes that a program does not have: nothing of one was found, nor the text
/// that every program with it has.
fn absent(executable: &Path, found: &[(&'static Expectation, Option<Check>)]) -> Vec<&'static str> {
    let is_found = |of: &Expectation| {
        found.iter().any(|(known, check)| known.what == of.what && check.is_some())
    };
    LIBRARIES
        .runtimes()
        .filter(|(library, runtime)| {
            !library.expectations.iter().any(is_found)
                && !layout_extractor::may_have(executable, runtime.text)
        })
        .flat_map(|(library, _)| library.expectations.iter().map(|of| of.what))
        .collect()
}

fn not_there(expectation: &Expectation) -> Check {
    Check::note(word(expectation.kind), format!("{}: not in this program", expectation.what))
}

/// The line for what a program has nothing of; `has_other` when it has what may be there instead.
fn missing(expectation: &Expectation, has_other: bool) -> Check {
    let Expectation { what, kind, spellings, source, optional, instead } = *expectation;
    match instead {
        Some(other) if has_other => {
            Check::good(word(kind), format!("{what}: not needed, since the program has {other}"))
        }
        None if optional => not_there(expectation),
        _ => {
            let names: Vec<&str> = spellings.iter().map(|spelling| spelling.name).collect();
            let found = format!("{what}: there is no {}", names.join(" and no "));
            Check::bad(word(kind), format!("{found}; it has moved ({source})"))
        }
    }
}

/// A program, and what it has of one expectation.
struct Program<'p> {
    source: &'p DwarfSource,
    expectation: &'p Expectation,
    /// By spelling.
    found: Vec<Matches>,
}

impl Program<'_> {
    /// `None` when it has nothing of it.
    fn check(&self) -> anyhow::Result<Option<Check>> {
        let Expectation { what, kind, spellings, source, .. } = *self.expectation;
        let mut incomplete = None;
        let mut whole: Vec<&Spelling> = Vec::new();
        for (spelling, declared) in spellings.iter().zip(&self.found) {
            if !self.is_there(spelling, declared)? {
                continue;
            }
            let missing = self.missing_members(spelling, declared)?;
            if missing.is_empty() {
                // A name that stayed while members came: the newest that fits is said.
                if !whole.iter().any(|known| known.name == spelling.name) {
                    whole.push(spelling);
                }
            } else {
                incomplete.get_or_insert((spelling, missing));
            }
        }
        let kind = word(kind);
        if !whole.is_empty() {
            let names: Vec<String> = whole.iter().map(|spelling| dated(spelling)).collect();
            return Ok(Some(Check::good(kind, format!("{what}: {}", names.join(", ")))));
        }
        Ok(incomplete.map(|(spelling, missing)| {
            let members = missing.join("`, `");
            let found = format!("{what}: {} has no `{members}`", spelling.name);
            Check::bad(kind, format!("{found}; it has moved ({source})"))
        }))
    }

    fn is_there(&self, spelling: &Spelling, declared: &Matches) -> anyhow::Result<bool> {
        Ok(match self.expectation.kind {
            Kind::Type | Kind::StateMachine => !declared.types.is_empty(),
            Kind::Function => declared.functions > 0,
            Kind::ThreadLocal => !self.source.thread_locals(spelling.name)?.is_empty(),
        })
    }

    /// The members that none of the types of that name has: a generic one may be instantiated
    /// without those that it needs elsewhere.
    fn missing_members(
        &self,
        spelling: &Spelling,
        declared: &Matches,
    ) -> anyhow::Result<Vec<&'static str>> {
        let mut missing = spelling.members.to_vec();
        for id in &declared.types {
            let layout = self.source.type_at(*id)?;
            let mut has = vec![Arc::clone(&layout)];
            if let TypeKind::Enum { variants, .. } = &layout.kind {
                for variant in variants {
                    has.push(self.source.type_at(variant.ty)?);
                }
            }
            missing.retain(|member| has.iter().all(|ty: &Arc<Type>| ty.member(member).is_none()));
        }
        Ok(missing)
    }
}

/// A spelling, and when it was that.
fn dated(spelling: &Spelling) -> String {
    match spelling.until {
        Some(until) => format!("{} (before {until})", spelling.name),
        None => spelling.name.to_string(),
    }
}
