//! Await chains: from a future in memory down to what it waits for.

use std::collections::HashSet;
use std::ops::Range;

use super::collections;
use super::plan::{MachineState, Part, Plan, Planner, Shape};
use super::sites::{Sites, Standing};
use crate::layout::TypeKind;
use crate::report::{Chain, Frame, FutureState, Polled};
use crate::value::{Program, Ty, Value, ValueError};

/// A task with more frames than this is cut off.
const MOST_FRAMES: usize = 10_000;
/// Branches within branches deeper than this are cut off.
const DEEPEST_BRANCH: usize = 64;
/// Pointers and wrappers between one future and the next, at most.
const DEEPEST_WRAPPER: usize = 64;
/// Elements of one array or slice that are looked at.
const MOST_ELEMENTS: u64 = 10_000;
/// Nodes of one linked list that are looked at.
const MOST_NODES: usize = 10_000;

/// Walks chains; keeps what it learns about types.
#[derive(Default)]
pub(crate) struct Walker {
    planner: Planner,
    pub(crate) sites: Sites,
}

/// A future that was found, or why none was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Node {
    ty: Ty,
    address: u64,
}

/// What stands below a frame.
#[derive(Default)]
struct Below {
    /// What the frame awaits, and whether it polls that.
    nodes: Vec<(Node, Polled)>,
    /// What it may hold beside.
    held: Vec<Node>,
    /// Whether the variables that hold it may have been moved away.
    may_be_moved: bool,
    /// The addresses of the frame itself.
    within: Range<u64>,
    problem: Option<String>,
}

/// The state of one walk.
struct Walk {
    seen: HashSet<Node>,
    frames: usize,
}

impl Walker {
    /// The chain of a value that is known to be a future (a task's, an awaitee, a `block_on`'s).
    pub(crate) fn chain(&mut self, program: &Program<'_>, future: Value) -> Chain {
        let mut walk = Walk { seen: HashSet::new(), frames: 0 };
        let mut chain = Chain::default();
        let below = self.futures_in(program, future, true);
        let mut problem = below.problem;
        match *below.nodes.as_slice() {
            [(node, _)] => self.extend(program, node, &mut chain, &mut walk, 0),
            _ => {
                problem = problem.or_else(|| Some("holds no future that can be shown".into()));
            }
        }
        if let (Some(problem), true) = (problem, chain.frames.is_empty())
            && let Ok(site) = self.sites.of(program, future.ty, Standing::Unknown)
        {
            chain.frames.push(Frame {
                site,
                address: future.address,
                problem: Some(problem.into()),
            });
        }
        chain
    }

    /// The site of a future whose state does not matter.
    pub(crate) fn site_of_type(
        &mut self,
        program: &Program<'_>,
        ty: Ty,
    ) -> Option<crate::report::SiteId> {
        self.sites.of(program, ty, Standing::Unknown).ok()
    }

    /// Follows one future down, a frame each, until it ends or branches.
    fn extend(
        &mut self,
        program: &Program<'_>,
        first: Node,
        chain: &mut Chain,
        walk: &mut Walk,
        depth: usize,
    ) {
        let mut node = first;
        loop {
            let (mut frame, mut below) = match self.frame(program, node) {
                Ok(found) => found,
                Err(error) => {
                    if let Some(last) = chain.frames.last_mut() {
                        last.problem = Some(error.to_string().into());
                    } else if let Ok(site) = self.sites.of(program, node.ty, Standing::Unknown) {
                        let problem = Some(error.to_string().into());
                        chain.frames.push(Frame { site, address: node.address, problem });
                    }
                    return;
                }
            };
            walk.frames += 1;
            let sized = program.type_of(node.ty).is_ok_and(|layout| layout.size > 0);
            if sized && !walk.seen.insert(node) {
                frame.problem = Some("this future was already shown: a cycle".into());
                chain.frames.push(frame);
                return;
            }
            if walk.frames >= MOST_FRAMES || depth > DEEPEST_BRANCH {
                frame.problem = Some(format!("cut off after {} frames", walk.frames).into());
                chain.frames.push(frame);
                return;
            }
            frame.problem = below.problem.take().map(Into::into);
            chain.frames.push(frame);
            match *below.nodes.as_slice() {
                [] if below.held.is_empty() => return,
                [(next, Polled::Yes)] if below.held.is_empty() || depth >= DEEPEST_BRANCH => {
                    node = next;
                }
                _ => return self.branch(program, below, chain, walk, depth),
            }
        }
    }

    /// Follows all that a chain's last frame awaits and holds.
    fn branch(
        &mut self,
        program: &Program<'_>,
        below: Below,
        chain: &mut Chain,
        walk: &mut Walk,
        depth: usize,
    ) {
        for (node, polled) in below.nodes {
            let mut branch = Chain { polled, ..Chain::default() };
            self.extend(program, node, &mut branch, walk, depth + 1);
            if self.state_of(&branch) == Some(FutureState::Returned) {
                branch.polled = Polled::Ended;
            }
            chain.branches.push(branch);
        }
        for node in below.held {
            // What it awaits borrows it: then that polls it.
            if walk.seen.contains(&node) {
                continue;
            }
            let mut branch = Chain { polled: Polled::No, ..Chain::default() };
            self.extend(program, node, &mut branch, walk, depth + 1);
            // What was polled where it lies cannot have been moved away, since it was pinned.
            let is_pinned = below.within.contains(&node.address)
                && self.state_of(&branch) == Some(FutureState::Suspended);
            if self.is_under_way(&branch) && (is_pinned || !below.may_be_moved) {
                chain.branches.push(branch);
            }
        }
        if matches!(&*chain.branches, [only] if only.polled == Polled::Yes)
            && let Some(only) = chain.branches.pop()
        {
            chain.frames.extend(only.frames);
            chain.branches = only.branches;
        }
    }

    /// The state of a chain's outermost future.
    fn state_of(&self, chain: &Chain) -> Option<FutureState> {
        chain.frames.first().map(|frame| self.sites.get(frame.site).state)
    }

    /// Whether a chain has an async fn or block in it that has not ended. What has none (a channel's
    /// end, the handle of a task, a timer) is a variable like others, not a computation that was
    /// left standing.
    fn is_under_way(&self, chain: &Chain) -> bool {
        let states = chain.frames.iter().map(|frame| self.sites.get(frame.site).state);
        let mut known = states.filter(|state| *state != FutureState::Unknown);
        match known.next() {
            Some(state) => matches!(state, FutureState::Suspended | FutureState::Unresumed),
            None => chain.branches.iter().any(|branch| self.is_under_way(branch)),
        }
    }

    /// The frame of a future, and the futures below it.
    fn frame(&mut self, program: &Program<'_>, node: Node) -> Result<(Frame, Below), ValueError> {
        let plan = self.planner.plan(program, node.ty)?;
        let value = Value { ty: node.ty, address: node.address };
        let (standing, below) = match &plan.shape {
            Shape::Machine { states } => {
                let (state, _) = value.active_variant(program)?;
                (Standing::Variant(state), self.below_state(program, value, &states[state]))
            }
            Shape::Variants { ended, .. } if ended.contains(&true) => {
                let (active, _) = value.active_variant(program)?;
                let standing = if ended[active] { Standing::Ended } else { Standing::Unknown };
                (standing, self.below(program, value, &plan))
            }
            shape => {
                let below = self.below(program, value, &plan);
                let is_empty = below.nodes.is_empty() && below.problem.is_none();
                let could_hold = !matches!(shape, Shape::Nothing);
                let ended = is_empty && collections::ends_empty(program, node.ty, could_hold);
                (if ended { Standing::Ended } else { Standing::Unknown }, below)
            }
        };
        let site = self.sites.of(program, node.ty, standing)?;
        Ok((Frame { site, address: node.address, problem: None }, below))
    }

    /// What a state machine awaits and holds in its state.
    fn below_state(
        &mut self,
        program: &Program<'_>,
        machine: Value,
        state: &MachineState,
    ) -> Below {
        let mut below = match state.awaitee {
            Some(awaitee) => self.futures_in(program, part_of(machine, awaitee), true),
            None => Below::default(),
        };
        for part in &state.held {
            let held = self.futures_in(program, part_of(machine, *part), false);
            below.held.extend(held.nodes.into_iter().map(|(node, _)| node));
        }
        let size = program.type_of(machine.ty).map_or(0, |layout| layout.size);
        below.within = machine.address..machine.address.saturating_add(size);
        below.may_be_moved = !below.held.is_empty()
            && state.drop_flags.iter().any(|flag| {
                let flag = program.read_unsigned(machine.address.wrapping_add(*flag), 1);
                flag.is_ok_and(|flag| flag == 0)
            });
        below
    }

    fn below(&mut self, program: &Program<'_>, value: Value, plan: &Plan) -> Below {
        let mut below = Below::default();
        self.collect(program, value, plan, &mut below, 0);
        below
    }

    /// The futures in a value, through everything that is not one itself. When the value is
    /// `known` to be a future, there is at least one: if nothing else, the value.
    fn futures_in(&mut self, program: &Program<'_>, value: Value, known: bool) -> Below {
        let mut below = Below::default();
        self.visit(program, value, &mut below, 0);
        if known && below.nodes.is_empty() && below.problem.is_none() {
            match innermost(program, value) {
                Ok(Value { ty, address }) => below.nodes.push((Node { ty, address }, Polled::Yes)),
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
            Ok(plan) if plan.is_future => {
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

fn part_of(value: Value, part: Part) -> Value {
    Value { ty: part.ty, address: value.address.wrapping_add(part.offset) }
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
