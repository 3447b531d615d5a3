//! Reads every unit of a program, for an extraction.

use std::cmp::Reverse;
use std::sync::OnceLock;

use gimli::Dwarf;
use rayon::prelude::*;
use runtime_layouts::layout::source::LayoutError;
use rustc_hash::{FxHashMap, FxHashSet};

use super::source::DwarfSource;
use crate::dwarf::name_ref::NameRef;
use crate::dwarf::reader::UnitNumber;
use crate::indexes::name_index::body_parent;
use crate::indexes::node::NodeNumber;
use crate::indexes::whole_program::{Body, WholeProgram, bodies_with_path, body_key};
use crate::object::sections::Slice;

/// The functions of one unit that [`WholeProgram`] lists.
#[derive(Default)]
struct Functions {
    bodies: Vec<Body>,
    block_ons: Vec<u64>,
}

impl DwarfSource {
    /// Indexes every Rust unit, on all processors. Calls `visit` with the number of each unit and
    /// whether questions are asked of it, and returns its results in the order of the units.
    ///
    /// The precompiled standard library, a third of the units in a small program, is left out.
    pub(crate) fn read_whole_program<T: Send>(
        &self,
        visit: impl Fn(UnitNumber, bool) -> T + Sync,
    ) -> (&WholeProgram, Vec<T>) {
        let dwarf = self.dwarf();
        let read = |number: UnitNumber| {
            let root = self.units.root(&dwarf, number);
            let is_asked = root.map(|root| root.is_rust && !root.is_bare_standard());
            // An unreadable unit has no functions.
            let functions = matches!(is_asked, Ok(true)).then(|| {
                let _ = self.poll_index(&dwarf, number);
                self.functions_of(&dwarf, number).unwrap_or_default()
            });
            // `visit` sees for itself that a unit cannot be read.
            (number, functions, visit(number, is_asked.unwrap_or(true)))
        };
        // The largest first, so that no thread is left alone with it at the end.
        let mut order: Vec<UnitNumber> = (0..self.units.len()).collect();
        order.sort_by_key(|&number| {
            let entry = self.units.entry(number);
            Reverse(entry.end - entry.start)
        });
        let units = || order.into_par_iter().with_max_len(1).map(read).collect();
        // The work that cannot be divided runs beside it.
        let (mut units, ()): (Vec<_>, ()) = rayon::join(units, || self.read_object(&dwarf));
        units.sort_unstable_by_key(|(number, ..)| *number);
        let (functions, visited) =
            units.into_iter().map(|(_, functions, visited)| (functions, visited)).unzip();
        (self.whole_program.get_or_init(|| self.join_units(&dwarf, functions)), visited)
    }

    /// Joins the tables of the units.
    fn join_units<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        functions: Vec<Option<Functions>>,
    ) -> WholeProgram {
        let of_rust = functions.iter().flatten();
        let mut whole_program = WholeProgram {
            polls: FxHashMap::default(),
            bodies: Vec::with_capacity(of_rust.map(|of_unit| of_unit.bodies.len()).sum()),
            thread_locals: Vec::new(),
            block_ons: FxHashSet::default(),
            units: Vec::with_capacity(functions.len()),
            left_out: Vec::new(),
            bodies_left_out: OnceLock::new(),
        };
        let mut rust = Vec::with_capacity(functions.len());
        for (number, functions) in functions.into_iter().enumerate() {
            let is_rust = self.units.root(dwarf, number).is_ok_and(|root| root.is_rust);
            rust.extend(is_rust.then_some(number));
            let Some(functions) = functions else {
                whole_program.left_out.extend(is_rust.then_some(number));
                continue;
            };
            whole_program.units.push(number);
            whole_program.bodies.extend(functions.bodies);
            whole_program.block_ons.extend(functions.block_ons);
            let polls = self.poll_index(dwarf, number).ok();
            for (name, poll) in polls.into_iter().flat_map(|polls| polls.all()) {
                whole_program.polls.entry(name.into()).or_insert(*poll);
            }
            let index = self.index(dwarf, number);
            if index.is_ok_and(|index| !index.thread_locals.is_empty()) {
                whole_program.thread_locals.push(number);
            }
        }
        self.rust_units.get_or_init(|| rust);
        whole_program.bodies.par_sort_unstable();
        whole_program
    }

    /// As [`WholeProgram::bodies`], for the units that were left out. They are read for the first
    /// path that may be in one of them.
    pub(crate) fn bodies_left_out<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        whole_program: &'s WholeProgram,
        path: &str,
    ) -> impl Iterator<Item = (UnitNumber, Vec<NodeNumber>)> {
        let krate = path.split("::").next();
        let is_of_crate = |number: &UnitNumber| {
            self.units.root(dwarf, *number).is_ok_and(|root| root.crate_name() == krate)
        };
        let bodies = whole_program.left_out.iter().any(is_of_crate).then(|| {
            whole_program.bodies_left_out.get_or_init(|| {
                let all = whole_program.left_out.iter();
                let bodies =
                    all.filter_map(|&unit| Some(self.functions_of(dwarf, unit).ok()?.bodies));
                let mut bodies: Vec<Body> = bodies.flatten().collect();
                bodies.sort_unstable();
                bodies
            })
        });
        bodies_with_path(bodies.map_or(&[], Vec::as_slice), path)
    }

    /// Reads what is outside of the units: address ranges, relocations, symbols.
    fn read_object<'s>(&'s self, dwarf: &Dwarf<Slice<'s>>) {
        self.address_map(dwarf);
        self.object.relocated_words();
        self.polled_symbols();
    }

    fn functions_of<'s>(
        &'s self,
        dwarf: &Dwarf<Slice<'s>>,
        number: UnitNumber,
    ) -> Result<Functions, LayoutError> {
        let index = self.index(dwarf, number)?;
        let start = self.units.entry(number).start;
        let offset = |node: NodeNumber| start + u64::from(index.node(node).offset);
        let mut functions = Functions::default();
        for (node, of, at) in self.searched_functions(dwarf, index) {
            if let Some(parent) = body_parent(dwarf, of.node(at)) {
                let name = self.name_bytes(dwarf, of.node(at).name());
                let key = body_key(&self.joined_path(dwarf, of, parent), name);
                functions.bodies.push(Body { key, unit: number as u32, node });
            }
            if of.is_block_on(at) {
                functions.block_ons.push(offset(node));
            }
        }
        let nodes = index.block_ons.iter().cloned().flatten();
        let has_name = |node: &NodeNumber| !matches!(index.node(*node).name(), NameRef::Origin(_));
        functions.block_ons.extend(nodes.filter(has_name).map(offset));
        Ok(functions)
    }
}
