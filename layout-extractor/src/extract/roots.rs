//! ROOTS: where questions about a program start.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use gimli::constants as dw;
use rayon::prelude::*;
use runtime_layouts::layout::file::StoredFrame;
use runtime_layouts::layout::source::{LayoutError, ThreadLocal};
use runtime_layouts::layout::{Function, TypeId};

use super::{Progress, Stage};
use crate::index::NodeNumber;
use crate::names::{split_last, without_arguments};
use crate::source::{DwarfSource, Everything};
use crate::units::{Entry, UnitNumber, malformed};
use crate::variables::RangedVariable;

/// Crates whose thread-local variables and own types a debugger asks for by name.
const RUNTIMES: [&str; 1] = ["tokio"];

/// The functions in a task's vtable that poll it, without generic arguments.
const TASK_POLLS: [&str; 1] = ["tokio::runtime::task::raw::poll"];

/// What was found in one unit, and then in all of them.
#[derive(Default)]
pub(super) struct Roots {
    /// Entry addresses of functions that poll tasks.
    pub(super) task_polls: Vec<u64>,
    /// Addresses of vtables for polled traits.
    pub(super) vtables: Vec<u64>,
    /// Thread-local variables, and whether the symbol table vouches for each.
    pub(super) thread_locals: Vec<(ThreadLocal, bool)>,
    /// Functions that keep a future on the stack.
    pub(super) frames: Vec<Frame>,
    /// The runtimes' own types.
    pub(super) types: Vec<TypeId>,
    /// Units that could not be read.
    pub(super) unreadable: usize,
    /// Entry addresses of every type's `poll`.
    polls: Vec<u64>,
    everything: Everything,
}

/// A function's code and variables.
pub(super) struct Frame {
    entry: u64,
    pub(super) code: Vec<(u64, u64)>,
    pub(super) variables: Vec<RangedVariable>,
    /// The `block_on`s that have code in it, the innermost inlined one first.
    pub(super) calls: Vec<(Vec<Range<u64>>, Arc<Function>)>,
}

impl Frame {
    /// A frame without variables yet, in the form of the file.
    pub(super) fn stored(&self) -> StoredFrame {
        StoredFrame { code: self.code.clone(), variables: Vec::new(), calls: Vec::new() }
    }

    /// The lowest address of the function's code.
    pub(super) fn low(&self) -> u64 {
        self.code.first().map_or(0, |code| code.0)
    }
}

/// Reads every unit.
pub(super) fn find(source: &DwarfSource, progress: &dyn Progress) -> Roots {
    let count = source.units.len();
    progress.start(Stage::Units, Some(count as u64));
    let mut roots = (0..count)
        .into_par_iter()
        .map(|number| {
            let found = in_unit(source, number);
            progress.advance(1);
            found.unwrap_or_else(|_| Roots { unreadable: 1, ..Roots::default() })
        })
        .reduce(Roots::default, Roots::join);
    // Vtables whose variable has no address are found as the debugger finds them: by their poll.
    roots.polls.sort_unstable();
    let slot = crate::vtables::POLL_SLOT * u64::from(source.object.facts.pointer_size);
    for &(place, value) in source.object.relocated_words() {
        if roots.polls.binary_search(&value).is_ok()
            && let Some(vtable) = place.checked_sub(slot)
        {
            roots.vtables.push(vtable);
        }
    }
    roots.task_polls.sort_unstable();
    roots.task_polls.dedup();
    roots.vtables.sort_unstable();
    roots.vtables.dedup();
    roots.frames.sort_by_key(|frame| frame.entry);
    let mut everything = std::mem::take(&mut roots.everything);
    for list in [&mut everything.functions, &mut everything.polls] {
        list.par_sort_unstable();
        list.dedup();
    }
    let _ = source.everything.set(everything);
    roots
}

impl Roots {
    fn join(mut self, mut other: Roots) -> Roots {
        self.task_polls.append(&mut other.task_polls);
        self.vtables.append(&mut other.vtables);
        self.thread_locals.append(&mut other.thread_locals);
        self.frames.append(&mut other.frames);
        self.types.append(&mut other.types);
        self.polls.append(&mut other.polls);
        self.everything.functions.append(&mut other.everything.functions);
        self.everything.polls.append(&mut other.everything.polls);
        self.unreadable += other.unreadable;
        self
    }
}

fn in_unit(source: &DwarfSource, number: UnitNumber) -> Result<Roots, LayoutError> {
    let dwarf = source.dwarf();
    let index = source.index(&dwarf, number)?;
    let view = source.units.view(&dwarf, number)?;
    let mut roots = Roots::default();
    for range in index.code.iter().filter(|range| range.is_entry) {
        if !source.object.is_loaded(range.low) || range.low == 0 {
            continue;
        }
        let path = source.path_of(&dwarf, index, range.node)?;
        let (parents, last) = split_last(&path);
        let name = without_arguments(last);
        if TASK_POLLS.iter().any(|poll| poll.strip_prefix(parents) == Some(&format!("::{name}"))) {
            roots.task_polls.push(range.low);
        }
        if matches!(name, "poll" | "poll_next") || name.starts_with("{async_") {
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
        RUNTIMES.contains(&krate) && krate.len() < path.len()
    };
    for &node in &index.thread_locals {
        let path = source.path_of(&dwarf, index, node)?;
        if is_of_runtime(&path) {
            roots.thread_locals.extend(source.thread_local(&dwarf, number, node, path)?);
        }
    }
    let root = source.units.root(&dwarf, number)?;
    if root.crate_name().is_some_and(|krate| RUNTIMES.contains(&krate)) {
        for (node, entry) in index.nodes.iter().enumerate() {
            let is_named = matches!(
                entry.tag(),
                dw::DW_TAG_structure_type | dw::DW_TAG_union_type | dw::DW_TAG_enumeration_type
            );
            if is_named && !entry.is_declaration() {
                let path = source.path_of(&dwarf, index, node as NodeNumber)?;
                if is_of_runtime(&path) {
                    roots.types.push(TypeId(view.start + u64::from(entry.offset)));
                }
            }
        }
    }
    roots.frames = frames(source, number)?;
    let functions = &source.names(&dwarf, index).functions;
    roots.everything.functions = functions.iter().map(|&(hash, _)| (hash, number)).collect();
    let polls = source.polled_in_unit(&dwarf, number)?;
    roots.everything.polls = polls.into_iter().map(|hash| (hash, number)).collect();
    Ok(roots)
}

/// The functions of a unit that are a `block_on` or have one inlined.
fn frames(source: &DwarfSource, number: UnitNumber) -> Result<Vec<Frame>, LayoutError> {
    let dwarf = source.dwarf();
    let index = source.index(&dwarf, number)?;
    let view = source.units.view(&dwarf, number)?;
    let at = |error| malformed(view.start, error);
    let mut blocking: HashMap<u64, bool> = HashMap::new();
    let mut blocks = |offset: u64| -> bool {
        *blocking.entry(offset).or_insert_with(|| {
            let path = source
                .node_at(&dwarf, offset)
                .and_then(|(_, index, node)| source.path_of(&dwarf, index, node));
            path.is_ok_and(|path| has_block_on(&path))
        })
    };
    let mut entries = view.unit.entries_raw(None).map_err(at)?;
    let mut entry = Entry::default();
    let mut function: Option<(isize, NodeNumber)> = None;
    let mut found: Vec<NodeNumber> = Vec::new();
    while !entries.is_empty() {
        let depth = entries.next_depth();
        let offset = entries.next_offset().0 as u64;
        // Reading an abbreviation twice is cheaper than reading every entry.
        let mut peek = entries.clone();
        let Some(abbreviation) = peek.read_abbreviation().map_err(at)? else {
            entries = peek;
            continue;
        };
        if function.is_some_and(|(above, _)| depth <= above) {
            function = None;
        }
        match abbreviation.tag() {
            dw::DW_TAG_subprogram => {
                let node = index.node_at(offset).filter(|&node| index.node(node).has_code());
                if let Some(node) = node {
                    function = Some((depth, node));
                    if blocks(view.start + offset) {
                        found.push(node);
                    }
                }
            }
            dw::DW_TAG_inlined_subroutine => {
                entries.read_entry(&mut entry).map_err(at)?;
                let origin = view.attribute_reference(&entry, dw::DW_AT_abstract_origin);
                if let (Some((_, node)), Some(origin)) = (function, origin)
                    && found.last() != Some(&node)
                    && blocks(origin)
                {
                    found.push(node);
                }
                continue;
            }
            _ => {}
        }
        peek.skip_attributes(abbreviation.attributes()).map_err(at)?;
        entries = peek;
    }
    let mut frames = Vec::new();
    for node in found {
        let ranges = index.code.iter().filter(|range| range.node == node);
        let mut code: Vec<_> = ranges
            .filter(|range| range.low != 0 && source.object.is_loaded(range.low))
            .map(|range| (range.low, range.high))
            .collect();
        code.sort_unstable();
        if !code.is_empty() {
            let entry = view.start + u64::from(index.node(node).offset);
            let variables = source.placed_variables(entry, None)?;
            let mut calls = Vec::new();
            for code in source.code_of(entry, None)?.into_iter().rev() {
                if blocks(code.function) {
                    calls.push((code.ranges, source.function(code.function)?));
                }
            }
            frames.push(Frame { entry, code, variables, calls });
        }
    }
    Ok(frames)
}

/// Whether a path leads through a `block_on…`: the function itself, or a closure in it.
fn has_block_on(path: &str) -> bool {
    let mut rest = path;
    while !rest.is_empty() {
        let (parents, last) = split_last(rest);
        if last.starts_with("block_on") {
            return true;
        }
        rest = parents;
    }
    false
}
