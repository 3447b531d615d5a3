//! Functions that keep a future on the stack: every `block_on`, and what one is inlined into.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use runtime_layouts::layout::Function;
use runtime_layouts::layout::file::StoredFrame;
use runtime_layouts::layout::source::LayoutError;
use rustc_hash::FxHashSet;

use crate::dwarf::reader::UnitNumber;
use crate::indexes::node::NodeNumber;
use crate::indexes::unit_index::UnitIndex;
use crate::indexes::whole_program::WholeProgram;
use crate::questions::source::DwarfSource;
use crate::questions::variables::RangedVariable;

/// A function that keeps a future on its frame.
pub(super) struct Frame {
    entry: u64,
    pub(super) code: Vec<(u64, u64)>,
    pub(super) variables: Vec<RangedVariable>,
    /// The `block_on` functions with code in it, the innermost inlined one first.
    pub(super) calls: Vec<(Vec<Range<u64>>, Arc<Function>)>,
}

impl Frame {
    /// The frame as stored in a file, without variables and calls.
    pub(super) fn stored(&self) -> StoredFrame {
        StoredFrame { code: self.code.clone(), variables: Vec::new(), calls: Vec::new() }
    }

    /// The lowest address of the function's code.
    pub(super) fn low(&self) -> u64 {
        self.code.first().map_or(0, |code| code.0)
    }
}

/// All functions that are a `block_on` or have one inlined, in order, and the number of units in
/// which some could not be read.
pub(super) fn find(source: &DwarfSource, whole_program: &WholeProgram) -> (Vec<Frame>, usize) {
    let block_ons = &whole_program.block_ons;
    let of_units = whole_program.units.par_iter().with_max_len(1).map(|&number| {
        let mut frames = Vec::new();
        let read = in_unit(source, number, block_ons, &mut frames);
        (frames, usize::from(read.is_err()))
    });
    let of_units: Vec<_> = of_units.collect();
    let unreadable = of_units.iter().map(|(_, unreadable)| unreadable).sum();
    let mut frames: Vec<Frame> = of_units.into_iter().flat_map(|(frames, _)| frames).collect();
    frames.sort_by_key(|frame| frame.entry);
    (frames, unreadable)
}

fn in_unit(
    source: &DwarfSource,
    number: UnitNumber,
    block_ons: &FxHashSet<u64>,
    frames: &mut Vec<Frame>,
) -> Result<(), LayoutError> {
    let dwarf = source.dwarf();
    // A unit without an index was counted before.
    let Ok(index) = source.index(&dwarf, number) else { return Ok(()) };
    let start = source.units.entry(number).start;
    let mut read = Ok(());
    for node in functions(index, start, block_ons) {
        // An unreadable function does not hide the others.
        match frame(source, start, index, node, block_ons) {
            Ok(found) => frames.extend(found),
            Err(error) => read = Err(error),
        }
    }
    read
}

/// The functions of a unit with code that are one of `block_ons` or have one inlined, in order.
fn functions(index: &UnitIndex, start: u64, block_ons: &FxHashSet<u64>) -> Vec<NodeNumber> {
    // Each is found by its name, by the node that it is below, or by its origin.
    let own = index.searched.iter().copied().chain(index.block_ons.iter().cloned().flatten());
    let own = own.filter(|&node| {
        let node = index.node(node);
        node.has_code() && block_ons.contains(&(start + u64::from(node.offset)))
    });
    let is_block_on = |origin: &u64| block_ons.contains(origin);
    let inlining = index.inlined.functions().filter(|(_, origins)| origins.iter().any(is_block_on));
    let mut found: Vec<_> = own.chain(inlining.map(|(node, _)| node)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The frame of a function; `None` when none of its code is loaded.
fn frame(
    source: &DwarfSource,
    start: u64,
    index: &UnitIndex,
    node: NodeNumber,
    block_ons: &FxHashSet<u64>,
) -> Result<Option<Frame>, LayoutError> {
    let ranges = index.code.iter().filter(|range| range.node == node);
    let mut code: Vec<_> = ranges
        .filter(|range| range.low != 0 && source.object.is_loaded(range.low))
        .map(|range| (range.low, range.high))
        .collect();
    code.sort_unstable();
    if code.is_empty() {
        return Ok(None);
    }
    let entry = start + u64::from(index.node(node).offset);
    let variables = source.placed_variables(entry, None)?;
    let mut calls = Vec::new();
    for code in source.function_code(entry, None)?.into_iter().rev() {
        if block_ons.contains(&code.function) {
            calls.push((code.ranges, source.function(code.function)?));
        }
    }
    Ok(Some(Frame { entry, code, variables, calls }))
}
