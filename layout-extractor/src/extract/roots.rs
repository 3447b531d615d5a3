//! ROOTS: where questions about a program start.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use gimli::{Dwarf, constants as dw};
use rayon::prelude::*;
use runtime_layouts::layout::file::StoredFrame;
use runtime_layouts::layout::source::{LayoutError, ThreadLocal};
use runtime_layouts::layout::{Function, TypeId};

use super::{Progress, Stage};
use crate::index::{NodeNumber, UnitIndex};
use crate::recipes::Wanted;
use crate::skim::Skim;
use crate::source::DwarfSource;
use crate::units::{Slice, UnitNumber, malformed};
use crate::variables::RangedVariable;

/// Crates whose thread-local variables and own types a debugger asks for by name.
const RUNTIMES: [&str; 1] = ["tokio"];

/// The functions in a task's vtable that poll it, without generic arguments.
const TASK_POLLS: [&str; 1] = ["tokio::runtime::task::raw::poll"];

/// How the functions begin that keep a future on the stack.
const BLOCK_ON: &str = "block_on";

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

/// Reads every unit that was compiled from Rust.
pub(super) fn find(source: &DwarfSource, progress: &dyn Progress) -> Roots {
    let dwarf = source.dwarf();
    let units = source.rust_units(&dwarf);
    progress.start(Stage::Units, Some(units.len() as u64));
    source.read_everything(|| progress.advance(1));
    let mut roots = units
        .par_iter()
        .map(|&number| {
            let found = in_unit(source, number);
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
        let is_notable = index.notable.binary_search(&range.node).is_ok();
        if !is_notable || !source.object.is_loaded(range.low) || range.low == 0 {
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
            if is_named
                && !entry.is_declaration()
                && let Some(outermost) = index.with_parents(node as NodeNumber).skip(1).last()
            {
                let krate = source.name_bytes(&dwarf, index.node(outermost).name());
                if RUNTIMES.iter().any(|runtime| runtime.as_bytes() == krate) {
                    roots.types.push(TypeId(view.start + u64::from(entry.offset)));
                }
            }
        }
    }
    let blocks =
        |node: &NodeNumber| index.node(*node).name().from(&dwarf).starts_with(BLOCK_ON.as_bytes());
    // What is inlined from another unit is named there.
    if index.refers || index.notable.iter().any(blocks) {
        roots.frames = frames(source, number)?;
    }
    Ok(roots)
}

fn is_task_poll(path: &str) -> bool {
    let is = |poll: &&str| {
        path.strip_prefix(*poll).is_some_and(|rest| rest.is_empty() || rest.starts_with('<'))
    };
    TASK_POLLS.iter().any(is)
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
            let node = source.node_at(&dwarf, offset);
            node.is_ok_and(|(_, index, node)| has_block_on(source, &dwarf, index, node))
        })
    };
    let mut function: Option<(i32, NodeNumber)> = None;
    let mut found: Vec<NodeNumber> = Vec::new();
    let wanted = Wanted::NAMED.and(Wanted::INLINED);
    let mut skim = Skim::of(&dwarf, &view, wanted).map_err(at)?;
    while let Some(entry) = skim.next().map_err(at)? {
        if function.is_some_and(|(above, _)| entry.depth <= above) {
            function = None;
        }
        match entry.tag() {
            dw::DW_TAG_subprogram => {
                let node = index.node_at(u64::from(entry.offset));
                if let Some(node) = node.filter(|&node| index.node(node).has_code()) {
                    function = Some((entry.depth, node));
                    if blocks(view.start + u64::from(entry.offset)) {
                        found.push(node);
                    }
                }
            }
            dw::DW_TAG_inlined_subroutine => {
                if let Some((_, node)) = function
                    && found.last() != Some(&node)
                    && let Some(origin) = skim.origin(&entry).map_err(at)?
                    && blocks(origin)
                {
                    found.push(node);
                }
            }
            _ => {}
        }
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

/// Whether a node's path leads through a `block_on…`: the function itself, or a closure in it.
fn has_block_on<'s>(
    source: &'s DwarfSource,
    dwarf: &Dwarf<Slice<'s>>,
    index: &'s UnitIndex,
    node: NodeNumber,
) -> bool {
    let Ok((index, node)) = source.named_node(dwarf, index, node) else { return false };
    let names = index.with_parents(node).map(|node| index.node(node).name());
    let mut names = names.map(|name| source.name_bytes(dwarf, name));
    names.any(|name| name.starts_with(BLOCK_ON.as_bytes()))
}
