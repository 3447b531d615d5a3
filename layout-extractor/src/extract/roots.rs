//! The roots of an extraction: the addresses, variables and types that a debugger starts from.

use std::sync::LazyLock;

use runtime_layouts::expected::{ByName, types_by_name};
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::{LayoutError, ThreadLocal};

use super::progress::{Progress, Stage};
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::tags::is_nominal;
use crate::indexes::whole_program::WholeProgram;
use crate::questions::find_all::name_matches;
use crate::questions::source::DwarfSource;
use crate::questions::vtables::POLL_SLOT;
use crate::support::library_names::{
    CRATES_WITH_NAMED_TYPES, CRATES_WITH_THREAD_LOCALS, TASK_POLLS,
};

/// The roots in one unit, or in all units.
#[derive(Default)]
pub(super) struct Roots {
    /// Entry addresses of functions that poll tasks.
    pub(super) task_polls: Vec<u64>,
    /// Addresses of vtables for polled traits.
    pub(super) vtables: Vec<u64>,
    /// Thread-local variables, and whether the symbol table confirms each.
    pub(super) thread_locals: Vec<(ThreadLocal, bool)>,
    /// The types that are looked up by name, each with the thread-local variable that leads to it,
    /// if one does.
    pub(super) types: Vec<(TypeId, Option<&'static str>)>,
    /// The number of units that could not be read completely.
    pub(super) unreadable: usize,
    /// Entry addresses of every type's `poll`.
    polls: Vec<u64>,
}

/// Reads every unit that may have roots.
pub(super) fn find<'s>(
    source: &'s DwarfSource,
    progress: &dyn Progress,
) -> (&'s WholeProgram, Roots) {
    progress.start(Stage::Units, Some(source.units.len() as u64));
    let (whole_program, of_units) = source.read_whole_program(|number, is_asked| {
        let found = if is_asked { in_unit(source, number) } else { Ok(Roots::default()) };
        progress.advance(1);
        found.unwrap_or_else(|_| Roots { unreadable: 1, ..Roots::default() })
    });
    let mut roots = of_units.into_iter().fold(Roots::default(), Roots::join);
    // Vtables whose variable has no address are found as a debugger finds them: by their `poll`.
    roots.polls.sort_unstable();
    let slot = POLL_SLOT * u64::from(source.object.facts.pointer_size);
    for &(place, value) in source.object.relocated_words() {
        if roots.polls.binary_search(&value).is_ok()
            && let Some(vtable) = place.checked_sub(slot)
        {
            roots.vtables.push(vtable);
        }
    }
    let Roots { types, thread_locals, .. } = &mut roots;
    types.retain(|(_, behind)| {
        behind.is_none_or(|local| {
            thread_locals.iter().any(|(variable, _)| variable.name.starts_with(local))
        })
    });
    roots.task_polls.sort_unstable();
    roots.task_polls.dedup();
    roots.vtables.sort_unstable();
    roots.vtables.dedup();
    (whole_program, roots)
}

impl Roots {
    fn join(mut self, mut other: Roots) -> Roots {
        self.task_polls.append(&mut other.task_polls);
        self.vtables.append(&mut other.vtables);
        self.thread_locals.append(&mut other.thread_locals);
        self.types.append(&mut other.types);
        self.polls.append(&mut other.polls);
        self.unreadable += other.unreadable;
        self
    }
}

fn in_unit(source: &DwarfSource, number: UnitNumber) -> Result<Roots, LayoutError> {
    let dwarf = source.dwarf();
    let root = source.units.root(&dwarf, number)?;
    let index = source.index(&dwarf, number)?;
    let view = source.units.view(&dwarf, number)?;
    let mut roots = Roots::default();
    for range in index.code.iter().filter(|range| range.is_entry) {
        let is_searched = index.searched.binary_search(&range.node).is_ok();
        if !is_searched || !source.object.is_loaded(range.low) || range.low == 0 {
            continue;
        }
        let (of, at) = source.named_node(&dwarf, index, range.node)?;
        let name = source.name_bytes(&dwarf, of.node(at).name());
        let name = name.split(|byte| *byte == b'<').next().unwrap_or_default();
        if name == b"poll" && is_task_poll(&source.path_of(&dwarf, of, at)?) {
            roots.task_polls.push(range.low);
        }
        if matches!(name, b"poll" | b"poll_next") || name.starts_with(b"{async_") {
            roots.polls.push(range.low);
        }
    }
    for &(address, offset) in &index.statics {
        if source.object.is_loaded(address)
            && address != 0
            && source.vtable_type(&dwarf, &view, view.start + u64::from(offset))?.is_some()
        {
            roots.vtables.push(address);
        }
    }
    let is_of_runtime = |path: &str| {
        let krate = path.split("::").next().unwrap_or_default();
        CRATES_WITH_THREAD_LOCALS.contains(&krate) && krate.len() < path.len()
    };
    for &node in &index.thread_locals {
        let path = source.path_of(&dwarf, index, node)?;
        if is_of_runtime(&path) {
            roots.thread_locals.extend(source.thread_local(&dwarf, number, node, path)?);
        }
    }
    if root.crate_name().is_some_and(|krate| CRATES_WITH_NAMED_TYPES.contains(&krate)) {
        for (node, entry) in (0..).zip(&index.nodes) {
            if is_nominal(entry.tag())
                && !entry.is_declaration()
                && may_be_asked_for(entry.name().from(&dwarf))
                && let Some(by_name) = asked_for(&source.path_of(&dwarf, index, node)?)
            {
                let ty = TypeId(view.start + u64::from(entry.offset));
                roots.types.push((ty, by_name.behind));
            }
        }
    }
    Ok(roots)
}

/// How the type with this path is looked up by name; `None` when it is not.
fn asked_for(path: &str) -> Option<ByName> {
    types_by_name().find(|by_name| name_matches(path, by_name.name))
}

/// Whether a type may be one of those, by its own name and what follows that in its section. Rules
/// out most types.
fn may_be_asked_for(name: &[u8]) -> bool {
    static OWN_NAMES: LazyLock<Vec<&[u8]>> = LazyLock::new(|| {
        let mut names: Vec<_> =
            types_by_name().map(|by_name| own_name(by_name.name).as_bytes()).collect();
        names.sort_unstable();
        names.dedup();
        names
    });
    let is = |own: &&[u8]| {
        let rest = name.strip_prefix(*own);
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(0 | b'<')))
    };
    // Usually the first byte decides.
    let first = name.first();
    OWN_NAMES.iter().filter(|own| own.first() == first).any(is)
}

/// The last segment of a path, without generic arguments.
fn own_name(path: &str) -> &str {
    let path = path.split('<').next().unwrap_or_default();
    path.rsplit("::").next().unwrap_or_default()
}

fn is_task_poll(path: &str) -> bool {
    let is = |poll: &&str| {
        path.strip_prefix(*poll).is_some_and(|rest| rest.is_empty() || rest.starts_with('<'))
    };
    TASK_POLLS.iter().any(is)
}
