//! The roots of an extraction: the addresses, variables and types that a debugger starts from.

use runtime_layouts::knowledge::expectation::NamedType;
use runtime_layouts::knowledge::{Libraries, StreamingTrait};
use runtime_layouts::layout::TypeId;
use runtime_layouts::layout::source::{LayoutError, StaticVariable, ThreadLocal};

use super::progress::{Progress, Stage};
use crate::dwarf::reader::UnitNumber;
use crate::dwarf::tags::is_nominal;
use crate::indexes::whole_program::WholeProgram;
use crate::questions::names_by_pattern::name_matches;
use crate::questions::source::DwarfSource;
use crate::questions::static_variables::own_name;
use crate::questions::vtables::{POLL_SLOT, is_polled};

/// What was found in one unit, and then in all of them.
#[derive(Default)]
pub(super) struct Roots {
    /// Entry addresses of functions that poll tasks.
    pub(super) task_polls: Vec<u64>,
    /// Addresses of vtables for polled traits.
    pub(super) vtables: Vec<u64>,
    /// Thread-local variables, and whether the symbol table confirms each.
    pub(super) thread_locals: Vec<(ThreadLocal, bool)>,
    /// The variables at fixed addresses whose types a library is found by.
    pub(super) static_variables: Vec<StaticVariable>,
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
    let wanted = Wanted::of(source.libraries);
    let (whole_program, of_units) = source.read_whole_program(|number, is_asked| {
        let found = if is_asked { in_unit(source, &wanted, number) } else { Ok(Roots::default()) };
        progress.advance(1);
        found.unwrap_or_else(|_| Roots { unreadable: 1, ..Roots::default() })
    });
    let mut roots = of_units.into_iter().fold(Roots::default(), Roots::join);
    // Vtables whose variable has no address are found as a debugger finds them: by their `poll`.
    roots.polls.sort_unstable();
    let slot = POLL_SLOT * u64::from(source.object.facts.pointer_size);
    for &(place, value) in source.object.relocated_words() {
        if roots.polls.binary_search(&source.object.code_address(value)).is_ok()
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
    roots.static_variables.sort_unstable_by_key(|variable| variable.address);
    roots.static_variables.dedup_by_key(|variable| variable.address);
    (whole_program, roots)
}

impl Roots {
    fn join(mut self, mut other: Roots) -> Roots {
        self.task_polls.append(&mut other.task_polls);
        self.vtables.append(&mut other.vtables);
        self.thread_locals.append(&mut other.thread_locals);
        self.static_variables.append(&mut other.static_variables);
        self.types.append(&mut other.types);
        self.polls.append(&mut other.polls);
        self.unreadable += other.unreadable;
        self
    }
}

fn in_unit(
    source: &DwarfSource,
    wanted: &Wanted,
    number: UnitNumber,
) -> Result<Roots, LayoutError> {
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
        if wanted.is_name_of_task_poll(name)
            && wanted.is_task_poll(&source.path_of(&dwarf, of, at)?)
        {
            roots.task_polls.push(range.low);
        }
        let streams = |known: &StreamingTrait| known.polls.iter().any(|it| it.as_bytes() == name);
        if matches!(name, b"poll" | b"poll_next")
            || name.starts_with(b"{async_")
            || source.libraries.streaming().any(streams)
        {
            roots.polls.push(range.low);
        }
    }
    let is_wanted = |name: &[u8]| is_polled(name, source.libraries);
    for &(address, offset) in &index.statics {
        if source.object.is_loaded(address)
            && address != 0
            && source
                .vtable_type(&dwarf, &view, view.start + u64::from(offset), &is_wanted)?
                .is_some()
        {
            roots.vtables.push(address);
        }
    }
    for &node in &index.thread_locals {
        let path = source.path_of(&dwarf, index, node)?;
        if wanted.is_of_runtime(&path) {
            roots.thread_locals.extend(source.thread_local(&dwarf, number, node, path)?);
        }
    }
    source.static_variables_in_unit(
        &dwarf,
        number,
        &wanted.static_types,
        &mut roots.static_variables,
    )?;
    if root.crate_name().is_some_and(|name| wanted.is_defining(name)) {
        for (node, entry) in (0..).zip(&index.nodes) {
            if is_nominal(entry.tag())
                && !entry.is_declaration()
                && wanted.may_be_named(entry.name().from(&dwarf))
                && let Some(named) = wanted.named_type(&source.path_of(&dwarf, index, node)?)
            {
                let ty = TypeId(view.start + u64::from(entry.offset));
                roots.types.push((ty, named.behind));
            }
        }
    }
    Ok(roots)
}

/// What a debugger will ask for by name, of the libraries that are known.
struct Wanted {
    libraries: Libraries,
    /// The last parts of the paths of the types that are asked for by name, in order.
    own_names: Vec<&'static [u8]>,
    /// The names of the types whose variables at fixed addresses are asked for.
    static_types: Vec<&'static str>,
}

impl Wanted {
    fn of(libraries: Libraries) -> Self {
        let names = libraries.named_types().map(|named| own_name(named.name).as_bytes());
        let mut own_names: Vec<_> = names.collect();
        own_names.sort_unstable();
        own_names.dedup();
        Self { libraries, own_names, static_types: libraries.static_types().collect() }
    }

    /// Whether a function of that name may poll a task: the path of one takes longer to find out.
    fn is_name_of_task_poll(&self, name: &[u8]) -> bool {
        let mut polls = self.libraries.runtimes().flat_map(|(_, runtime)| runtime.task_polls);
        polls.any(|path| own_name(path).as_bytes() == name)
    }

    /// Whether the function with this path polls a task.
    fn is_task_poll(&self, path: &str) -> bool {
        self.libraries.polls_task(path)
    }

    /// Whether the thread-local variable with this path is a runtime's.
    fn is_of_runtime(&self, path: &str) -> bool {
        let mut runtimes = self.libraries.runtimes();
        path.split_once("::")
            .is_some_and(|(name, _)| runtimes.any(|(library, _)| library.name == name))
    }

    /// Whether the units of that crate describe types that are asked for by name.
    fn is_defining(&self, name: &str) -> bool {
        self.libraries.all().any(|library| library.defining_crates.contains(&name))
    }

    /// How the type with this path is asked for by name; `None` when it is not.
    fn named_type(&self, path: &str) -> Option<NamedType> {
        self.libraries.named_types().find(|named| name_matches(path, named.name))
    }

    /// Whether a type may be asked for that has this name of its own, with what follows it in its
    /// section: most are ruled out.
    fn may_be_named(&self, name: &[u8]) -> bool {
        let is = |own: &&&[u8]| {
            let rest = name.strip_prefix(**own);
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(0 | b'<')))
        };
        // A comparison of one byte is most of it.
        let first = name.first();
        self.own_names.iter().filter(|own| own.first() == first).any(|own| is(&own))
    }
}
