//! What a value holds: the futures or guards in it, through everything that is neither.

use rustc_hash::FxHashSet;

use super::plan::{Plan, Planner, Shape, Wanted};
use crate::knowledge::Libraries;
use crate::knowledge::children::Part;
use crate::layout::TypeKind;
use crate::report::Polled;
use crate::value::{Program, Ty, Value, ValueError};

/// Pointers and wrappers between one future and the next, at most.
const DEEPEST_WRAPPER: usize = 64;
/// Elements of one array or slice that are looked at.
const MOST_ELEMENTS: u64 = 10_000;
/// Nodes of one linked list that are looked at.
const MOST_NODES: usize = 10_000;

/// A value that was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Node {
    pub(crate) ty: Ty,
    pub(crate) address: u64,
}

/// What was found in a value.
#[derive(Default)]
pub(crate) struct Below {
    /// The values, and of futures, whether their holder polls them.
    pub(crate) nodes: Vec<(Node, Polled)>,
    /// Those that lie behind a pointer that others may share.
    pub(crate) shared: FxHashSet<Node>,
    /// Why some may be missing.
    pub(crate) problem: Option<String>,
}

/// Finds values of one sort in others.
pub(crate) struct Finder {
    pub(crate) planner: Planner,
}

impl Finder {
    /// A finder of what is wanted.
    pub(crate) fn of(wanted: Wanted, libraries: Libraries) -> Self {
        Self { planner: Planner::of(wanted, libraries) }
    }

    /// What a value holds beside itself.
    pub(crate) fn below(&mut self, program: &Program<'_>, value: Value, plan: &Plan) -> Below {
        let mut below = Below::default();
        self.collect(program, value, plan, &mut below, 0);
        below
    }

    /// The futures in a value, through everything that is not one itself. A value that is `known`
    /// to be a future is one, behind its boxes, whether or not the program still has a `poll` of it:
    /// in optimized builds that may be inlined everywhere.
    pub(crate) fn futures_in(&mut self, program: &Program<'_>, value: Value, known: bool) -> Below {
        let mut below = Below::default();
        if !known {
            self.visit(program, value, &mut below, 0);
            return below;
        }
        let inner = innermost(program, value);
        match inner {
            Ok(inner)
                if self.planner.plan(program, inner.ty).is_ok_and(|plan| plan.makes_a_frame) =>
            {
                below.nodes.push(yes(inner));
            }
            _ => self.visit(program, value, &mut below, 0),
        }
        if below.nodes.is_empty() && below.problem.is_none() {
            match inner {
                Ok(inner) => below.nodes.push(yes(inner)),
                Err(error) => below.problem = Some(error.to_string()),
            }
        }
        below
    }

    fn visit(&mut self, program: &Program<'_>, value: Value, below: &mut Below, depth: usize) {
        if depth > DEEPEST_WRAPPER {
            below.problem = Some(format!("more than {DEEPEST_WRAPPER} wrappers in each other"));
            return;
        }
        match self.planner.plan(program, value.ty) {
            Ok(plan) if plan.is_wanted => {
                let node = Node { ty: value.ty, address: value.address };
                below.nodes.push((node, Polled::Yes));
            }
            Ok(plan) => self.collect(program, value, &plan, below, depth),
            Err(error) => below.problem = Some(error.to_string()),
        }
    }

    fn collect(
        &mut self,
        program: &Program<'_>,
        value: Value,
        plan: &Plan,
        below: &mut Below,
        depth: usize,
    ) {
        if let Err(error) = self.try_collect(program, value, plan, below, depth) {
            below.problem = Some(error.to_string());
        }
    }

    fn try_collect(
        &mut self,
        program: &Program<'_>,
        value: Value,
        plan: &Plan,
        below: &mut Below,
        depth: usize,
    ) -> Result<(), ValueError> {
        match &plan.shape {
            Shape::Nothing | Shape::Machine { .. } => {}
            Shape::Parts(parts) => {
                for part in parts {
                    self.visit(program, part_of(value, *part), below, depth + 1);
                }
            }
            Shape::Variants { parts, .. } => {
                let (active, _) = value.active_variant(program)?;
                for part in &parts[active] {
                    self.visit(program, part_of(value, *part), below, depth + 1);
                }
            }
            Shape::Pointer(target) => {
                let address = program.read_pointer(value.address)?;
                if address != 0 {
                    self.visit(program, Value { ty: *target, address }, below, depth + 1);
                }
            }
            Shape::Shared(target) => {
                let first = below.nodes.len();
                let address = program.read_pointer(value.address)?;
                if address != 0 {
                    self.visit(program, Value { ty: *target, address }, below, depth + 1);
                }
                below.shared.extend(below.nodes[first..].iter().map(|(node, _)| *node));
            }
            Shape::Dyn { data, vtable } => {
                let data = program.read_pointer(value.address.wrapping_add(*data))?;
                let vtable = program.read_pointer(value.address.wrapping_add(*vtable))?;
                match dyn_type(program, vtable) {
                    Ok(ty) => {
                        let inner = self.futures_in(program, Value { ty, address: data }, true);
                        below.nodes.extend(inner.nodes);
                        below.problem = inner.problem.or(below.problem.take());
                    }
                    Err(problem) => below.problem = Some(problem),
                }
            }
            Shape::Arms { arms, parts, mask, size } => {
                let mask = program.read_pointer(value.address.wrapping_add(*mask))?;
                let mask = program.read_unsigned(mask, *size)?;
                let arms = program.read_pointer(value.address.wrapping_add(*arms))?;
                for (number, part) in parts.iter().enumerate() {
                    let first = below.nodes.len();
                    let address = arms.wrapping_add(part.offset);
                    self.visit(program, Value { ty: part.ty, address }, below, depth + 1);
                    if mask & (1 << number) != 0 {
                        let nodes = below.nodes[first..].iter_mut();
                        nodes.for_each(|(_, polled)| *polled = Polled::Disabled);
                    }
                }
            }
            Shape::Array { element, size, count } => {
                self.elements(program, value.address, (*element, *size, *count), below, depth);
            }
            Shape::List { head, next, item } => {
                let mut nodes = Vec::new();
                let mut node = program.read_pointer(value.address.wrapping_add(*head))?;
                while node != 0 && nodes.len() < MOST_NODES {
                    nodes.push(node);
                    node = program.read_pointer(node.wrapping_add(*next))?;
                }
                // The list starts with the newest.
                for node in nodes.into_iter().rev() {
                    let address = node.wrapping_add(item.offset);
                    self.visit(program, Value { ty: item.ty, address }, below, depth + 1);
                }
                if node != 0 {
                    below.problem = Some(format!("{MOST_NODES} of a list's nodes are shown"));
                }
            }
            Shape::Slice { data, length, element, size } => {
                let start = program.read_pointer(value.address.wrapping_add(*data))?;
                let count = program.read_pointer(value.address.wrapping_add(*length))?;
                self.elements(program, start, (*element, *size, count), below, depth);
            }
        }
        Ok(())
    }

    fn elements(
        &mut self,
        program: &Program<'_>,
        start: u64,
        (ty, size, count): (Ty, u64, u64),
        below: &mut Below,
        depth: usize,
    ) {
        for index in 0..count.min(MOST_ELEMENTS) {
            let address = start.wrapping_add(index.wrapping_mul(size));
            self.visit(program, Value { ty, address }, below, depth + 1);
            if below.problem.is_some() {
                return;
            }
        }
        if count > MOST_ELEMENTS {
            below.problem = Some(format!("{MOST_ELEMENTS} of {count} elements are shown"));
        }
    }
}

pub(crate) fn part_of(value: Value, part: Part) -> Value {
    Value { ty: part.ty, address: value.address.wrapping_add(part.offset) }
}

fn yes(future: Value) -> (Node, Polled) {
    (Node { ty: future.ty, address: future.address }, Polled::Yes)
}

/// The concrete type behind a `dyn Future`, or one sentence why it is not known.
fn dyn_type(program: &Program<'_>, vtable: u64) -> Result<Ty, String> {
    let unknown = || format!("a `dyn Future` whose vtable {vtable:#x} no debug information names");
    let (module, address) = program.module_at(vtable).ok_or_else(unknown)?;
    let types = program.layouts(module).vtable_types(address).map_err(|e| e.to_string())?;
    types.first().map(|id| Ty { module, id: *id }).ok_or_else(unknown)
}

/// What a value is behind its boxes, pins and references.
fn innermost(program: &Program<'_>, value: Value) -> Result<Value, ValueError> {
    let mut at = value;
    for _ in 0..DEEPEST_WRAPPER {
        let layout = program.type_of(at.ty)?;
        let next = match &layout.kind {
            TypeKind::Pointer { target: Some(_) } => at.pointee(program)?,
            TypeKind::Struct { members }
                if members.len() == 1 && layout.name.starts_with("core::pin::Pin<") =>
            {
                Some(at.member(program, &members[0].name)?)
            }
            _ => None,
        };
        match next {
            Some(next) => at = next,
            None => return Ok(at),
        }
    }
    Ok(at)
}
