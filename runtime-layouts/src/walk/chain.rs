//! Await chains: from a future in memory down to what it waits for.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::find::{Below, Finder, Node, Problem, part_of};
use super::machine::MachineState;
use super::plan::{Shape, Wanted};
use super::sites::{Sites, Standing};
use crate::knowledge::Libraries;
use crate::layout::name::base_path;
use crate::report::{Chain, Frame, FutureState, Polled};
use crate::value::{Program, Ty, Value, ValueError};

/// A task with more frames than this is cut off.
const MOST_FRAMES: usize = 10_000;
/// Branches within branches deeper than this are cut off.
const DEEPEST_BRANCH: usize = 64;

/// Walks chains; keeps what it learns about types.
pub(crate) struct Walker {
    finder: Finder,
    /// As this walker numbers them: futures alone.
    pub(crate) sites: Sites,
}

/// What stands below a frame.
#[derive(Default)]
struct Beneath {
    /// What the frame awaits, and whether it polls that.
    nodes: Vec<(Node, Polled)>,
    problem: Option<String>,
    /// What it may hold beside, and whether that may have been moved away.
    held: Vec<(Node, bool)>,
    /// The addresses of the frame itself.
    within: Range<u64>,
}

impl From<Below> for Beneath {
    fn from(below: Below) -> Self {
        let problem = below.problem.map(Problem::into_text);
        Self { nodes: below.nodes, problem, ..Self::default() }
    }
}

/// The state of one walk.
struct Walk {
    /// By address, since the debug information may describe a type in several places.
    seen: Seen,
    frames: usize,
}

impl Walker {
    /// A walker that knows these libraries.
    pub(crate) fn of(libraries: Libraries) -> Self {
        Self { finder: Finder::of(Wanted::Futures, libraries), sites: Sites::of(libraries) }
    }
}

/// The futures that a walk came by. Most chains are short: their few are looked through one by
/// one.
#[derive(Default)]
struct Seen {
    first: Vec<Node>,
    others: FxHashMap<u64, Vec<Ty>>,
}

/// So many are looked through one by one.
const FEW: usize = 16;

impl Seen {
    fn types_at(&self, address: u64) -> impl Iterator<Item = Ty> {
        let first = self.first.iter().filter(move |node| node.address == address);
        let others = self.others.get(&address).into_iter().flatten();
        first.map(|node| node.ty).chain(others.copied())
    }

    fn add(&mut self, node: Node) {
        if self.first.len() < FEW {
            self.first.push(node);
        } else {
            self.others.entry(node.address).or_default().push(node.ty);
        }
    }
}

impl Walk {
    /// Whether the future was not seen before.
    fn see(&mut self, node: Node) -> bool {
        let is_new = self.seen.types_at(node.address).all(|ty| ty != node.ty);
        self.seen.add(node);
        is_new
    }

    /// Whether the future was seen, if under another description of its type.
    fn has_seen(&self, program: &Program<'_>, node: Node) -> bool {
        let name = |ty: Ty| program.type_of(ty).map(|layout| Arc::clone(&layout.name)).ok();
        let mut there = self.seen.types_at(node.address);
        there.any(|ty| ty == node.ty || name(ty) == name(node.ty))
    }
}

impl Walker {
    /// The chain of a value that is known to be a future (a task's, an awaitee, a `block_on`'s).
    pub(crate) fn chain(&mut self, program: &Program<'_>, future: Value) -> Chain {
        let mut walk = Walk { seen: Seen::default(), frames: 0 };
        let mut chain = Chain::default();
        self.finder.begin();
        let below = self.finder.futures_in(program, future, true);
        let mut problem = below.problem.map(Problem::into_text);
        match *below.nodes.as_slice() {
            [(node, _)] => self.extend(program, node, &mut chain, &mut walk, 0),
            _ => {
                problem = problem.or_else(|| Some("holds no future that unhang can show".into()));
            }
        }
        if let (Some(problem), true) = (problem, chain.frames.is_empty())
            && let Ok(site) = self.sites.of_type(program, future.ty, Standing::Unknown)
        {
            chain.frames.push(Frame {
                site,
                address: future.address,
                problem: Some(problem.into()),
            });
        }
        chain.frames.shrink_to_fit();
        chain
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
                    } else if let Ok(site) = self.sites.of_type(program, node.ty, Standing::Unknown)
                    {
                        let problem = Some(error.to_string().into());
                        chain.frames.push(Frame { site, address: node.address, problem });
                    }
                    return;
                }
            };
            walk.frames += 1;
            let sized = program.type_of(node.ty).is_ok_and(|layout| layout.size > 0);
            if sized && !walk.see(node) {
                frame.problem = Some("this future was already shown: a cycle".into());
                chain.frames.push(frame);
                return;
            }
            if depth > DEEPEST_BRANCH || self.ends(program, walk) {
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
        below: Beneath,
        chain: &mut Chain,
        walk: &mut Walk,
        depth: usize,
    ) {
        let count = below.nodes.len();
        for (index, (node, polled)) in below.nodes.into_iter().enumerate() {
            if index > 0 && self.ends(program, walk) {
                cut(chain, format!("{index} of {count} branches are shown"));
                break;
            }
            let mut branch = Chain { polled, ..Chain::default() };
            self.extend(program, node, &mut branch, walk, depth + 1);
            if self.state_of(&branch) == Some(FutureState::Returned) {
                branch.polled = Polled::Ended;
            }
            chain.branches.push(branch);
        }
        for (node, may_be_moved) in below.held {
            if self.ends(program, walk) {
                cut(chain, format!("cut off after {} frames", walk.frames));
                break;
            }
            // What it awaits borrows it: then that polls it.
            if walk.has_seen(program, node) {
                continue;
            }
            let mut branch = Chain { polled: Polled::No, ..Chain::default() };
            self.extend(program, node, &mut branch, walk, depth + 1);
            // What was polled where it lies cannot have been moved away, since it was pinned.
            let is_pinned = below.within.contains(&node.address)
                && self.state_of(&branch) == Some(FutureState::Suspended);
            if self.is_under_way(&branch) && (is_pinned || !may_be_moved) {
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

    /// Whether the rest of a chain is cut off.
    fn ends(&self, program: &Program<'_>, walk: &Walk) -> bool {
        walk.frames >= MOST_FRAMES || self.finder.is_exhausted() || program.is_interrupted()
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
    fn frame(&mut self, program: &Program<'_>, node: Node) -> Result<(Frame, Beneath), ValueError> {
        let plan = self.finder.planner.plan(program, node.ty)?;
        let value = Value { ty: node.ty, address: node.address };
        let (standing, below) = match &plan.shape {
            Shape::Machine { states } => {
                let (state, _) = value.active_variant(program)?;
                (Standing::Variant(state), self.below_state(program, value, &states[state]))
            }
            Shape::Variants { ended, .. } if ended.contains(&true) => {
                let (active, _) = value.active_variant(program)?;
                let standing = if ended[active] { Standing::Ended } else { Standing::Unknown };
                (standing, self.finder.below(program, value, &plan).into())
            }
            shape => {
                let below = self.finder.below(program, value, &plan);
                let is_empty = below.nodes.is_empty() && below.problem.is_none();
                let could_hold = !matches!(shape, Shape::Nothing);
                let ended = is_empty && could_hold && self.ends_empty(program, node.ty);
                (if ended { Standing::Ended } else { Standing::Unknown }, below.into())
            }
        };
        let site = self.sites.of_type(program, node.ty, standing)?;
        Ok((Frame { site, address: node.address, problem: None }, below))
    }

    /// Whether a future of that type that holds none has ended.
    fn ends_empty(&self, program: &Program<'_>, ty: Ty) -> bool {
        let libraries = self.sites.libraries();
        let layout = program.type_of(ty);
        layout.is_ok_and(|layout| libraries.is_ended_when_empty(base_path(&layout.name)))
    }

    /// What a state machine awaits and holds in its state.
    fn below_state(
        &mut self,
        program: &Program<'_>,
        machine: Value,
        state: &MachineState,
    ) -> Beneath {
        let mut below = match state.awaitee {
            Some(awaitee) => {
                self.finder.futures_in(program, part_of(machine, awaitee), true).into()
            }
            None => Beneath::default(),
        };
        for variable in &state.variables {
            let part = part_of(machine, variable.part);
            let held = self.finder.futures_in(program, part, false);
            if held.nodes.is_empty() && held.problem.is_none() {
                continue;
            }
            let may_be_moved = variable.may_be_moved(program, machine);
            // Bytes that are no value any more may look like anything; what cannot be read may be
            // such too.
            if let (Some(Problem::Cut(why)), false) = (held.problem, may_be_moved) {
                let problem = format!("`{}`: {why}", variable.name);
                below.problem.get_or_insert(problem);
            }
            below.held.extend(held.nodes.into_iter().map(|(node, _)| (node, may_be_moved)));
        }
        let size = program.type_of(machine.ty).map_or(0, |layout| layout.size);
        below.within = machine.address..machine.address.saturating_add(size);
        below
    }
}

/// Says on the last frame of a chain that something below it is missing.
fn cut(chain: &mut Chain, why: String) {
    if let Some(last) = chain.frames.last_mut() {
        last.problem.get_or_insert(why.into());
    }
}
