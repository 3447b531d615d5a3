//! What the variables of suspended frames keep.

use std::sync::Arc;

use super::find::{Below, Finder, Node, part_of};
use super::plan::{Shape, Wanted};
use super::sites::{Sites, Standing};
use crate::knowledge::Libraries;
use crate::report::{Chain, FrameRef, FutureState, Polled, SiteId};
use crate::value::{Program, Value, ValueError};

/// Values that the frames of one chain keep: of more than this no more frames are looked at.
const MOST_KEPT: usize = 10_000;

/// A value that a frame keeps.
pub(crate) struct Kept {
    /// The value.
    pub(crate) node: Node,
    /// The frame.
    pub(crate) frame: FrameRef,
    /// The variable; `None` for a part of a future that is no state machine, or for the future.
    pub(crate) variable: Option<Arc<str>>,
    /// Whether the variable may have been moved away.
    pub(crate) may_be_moved: bool,
    /// Whether it lies behind a pointer that others may share.
    pub(crate) is_shared: bool,
}

/// Finds what frames keep; keeps what it learns about types.
pub(crate) struct Keeps {
    finder: Finder,
    /// Whether frames of a site can keep anything, by its number; `None` where that is not known
    /// yet. Most cannot, and there may be a million of them.
    can_keep: Vec<Option<bool>>,
}

impl Keeps {
    /// A search for what is wanted.
    pub(crate) fn of(wanted: Wanted, libraries: Libraries) -> Self {
        Self { finder: Finder::of(wanted, libraries), can_keep: Vec::new() }
    }

    /// Adds what the frames of a chain and of its branches keep, innermost first: a future may
    /// lie inside of the one that awaits it, with all that it keeps.
    pub(crate) fn of_chain(
        &mut self,
        program: &Program<'_>,
        sites: &Sites,
        chain: &Chain,
        found: &mut Vec<Kept>,
    ) {
        self.finder.begin();
        let mut kept = Vec::new();
        self.of_branch(program, sites, chain, &mut kept);
        found.append(&mut kept);
    }

    fn of_branch(
        &mut self,
        program: &Program<'_>,
        sites: &Sites,
        chain: &Chain,
        found: &mut Vec<Kept>,
    ) {
        for branch in chain.branches.iter().filter(|branch| branch.polled != Polled::Ended) {
            self.of_branch(program, sites, branch, found);
        }
        for frame in chain.frames.iter().rev() {
            if found.len() >= MOST_KEPT || program.is_interrupted() {
                return;
            }
            if frame.address == 0 || !self.can_keep(program, sites, frame.site) {
                continue;
            }
            let Some(ty) = sites.type_of(frame.site) else { continue };
            let value = Value { ty, address: frame.address };
            // A frame that cannot be read is marked in its chain already.
            let _ = self.of_frame(program, FrameRef::of(frame), value, found);
        }
    }

    /// Whether frames of a site can keep anything.
    fn can_keep(&mut self, program: &Program<'_>, sites: &Sites, site: SiteId) -> bool {
        let number = site.0 as usize;
        if self.can_keep.len() <= number {
            self.can_keep.resize(number + 1, None);
        }
        if let Some(known) = self.can_keep[number] {
            return known;
        }
        let state = sites.get(site).state;
        let is_over = matches!(state, FutureState::Returned | FutureState::Panicked);
        let can = !is_over
            && sites.place(site).is_some_and(|(ty, standing)| {
                match (self.finder.planner.plan(program, ty), standing) {
                    // What cannot be had holds nothing.
                    (Err(_), _) => false,
                    (Ok(plan), _) if plan.is_wanted => true,
                    (Ok(plan), standing) => match (&plan.shape, standing) {
                        (Shape::Nothing, _) => false,
                        (Shape::Machine { states }, Standing::Variant(state)) => {
                            states.get(state).is_none_or(|state| !state.variables.is_empty())
                        }
                        _ => true,
                    },
                }
            });
        self.can_keep[number] = Some(can);
        can
    }

    /// What a value holds, itself included.
    pub(crate) fn of_value(&mut self, program: &Program<'_>, value: Value) -> Vec<Node> {
        self.finder.begin();
        let below = self.finder.futures_in(program, value, false);
        below.nodes.into_iter().map(|(node, _)| node).collect()
    }

    fn below(&mut self, program: &Program<'_>, value: Value) -> Below {
        self.finder.futures_in(program, value, false)
    }

    fn of_frame(
        &mut self,
        program: &Program<'_>,
        frame: FrameRef,
        value: Value,
        found: &mut Vec<Kept>,
    ) -> Result<(), ValueError> {
        let plan = self.finder.planner.plan(program, value.ty)?;
        let of_future =
            |node, is_shared| Kept { node, frame, variable: None, may_be_moved: false, is_shared };
        if plan.is_wanted {
            found.push(of_future(Node { ty: value.ty, address: value.address }, false));
            return Ok(());
        }
        match &plan.shape {
            Shape::Nothing => {}
            Shape::Machine { states } => {
                let (active, _) = value.active_variant(program)?;
                for held in &states[active].variables {
                    let below = self.below(program, part_of(value, held.part));
                    if below.nodes.is_empty() {
                        continue;
                    }
                    let may_be_moved =
                        held.may_be_moved(program, value) || !program.unwinds(value.ty.module);
                    found.extend(below.nodes.iter().map(|(node, _)| Kept {
                        node: *node,
                        frame,
                        variable: Some(Arc::clone(&held.name)),
                        may_be_moved,
                        is_shared: below.shared.contains(node),
                    }));
                }
            }
            _ => {
                let below = self.finder.below(program, value, &plan);
                let nodes = below.nodes.iter();
                found.extend(nodes.map(|(node, _)| of_future(*node, below.shared.contains(node))));
            }
        }
        Ok(())
    }
}
