//! Live values: guards and handles in the variables of suspended frames.

use std::rc::Rc;
use std::sync::Arc;

use super::site_table::{SiteTable, StateKey};
use crate::knowledge::Libraries;
use crate::layout::TypeKind;
use crate::layout::name::Environment;
use crate::report::{Chain, FrameRef, FutureState, Polled, SiteId};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::search::coroutine::Variable;
use crate::walk::search::end_types::EndTypes;
use crate::walk::search::search_for::SearchFor;
use crate::walk::search::shared::SharedPointer;
use crate::walk::search::traversals::Descent;
use crate::walk::search::{Collection, Finder, part_of};

/// Values that the frames of one chain keep: of more than this no more frames are looked at.
const MAX_LIVE_VALUES: usize = 10_000;

/// A value that a frame keeps.
pub(crate) struct LiveValue {
    /// The value.
    pub(crate) value: Value,
    /// The frame.
    pub(crate) frame: FrameRef,
    /// The variable; `None` for a part of a future that is no state machine, or for the future.
    pub(crate) variable: Option<Arc<str>>,
    /// Whether the variable may have been moved away.
    pub(crate) may_be_moved: bool,
    /// The pointers that others may share and behind which it lies, outermost first.
    pub(crate) shared: Vec<SharedPointer>,
    /// The collection in the variable that it is in; `None` for one that is in none.
    pub(crate) within: Option<Collection>,
    /// The frame that has the frame without polling it; `None` for one that is polled.
    pub(crate) holding_frame: Option<FrameRef>,
}

/// Finds what frames keep; keeps what it learns about types.
pub(crate) struct LiveValues {
    finder: Finder,
    /// Whether frames of a site can keep anything, by its number; `None` where that is not known
    /// yet. Most cannot, and there may be a million of them.
    can_hold: Vec<Option<bool>>,
}

impl LiveValues {
    /// A search for what is wanted.
    pub(crate) fn of(wanted: SearchFor, libraries: Libraries) -> Self {
        Self { finder: Finder::of(wanted, libraries), can_hold: Vec::new() }
    }

    /// A search for the ends of these types.
    pub(crate) fn of_ends(ends: Rc<EndTypes>, libraries: Libraries) -> Self {
        Self { finder: Finder::of_ends(ends, libraries), can_hold: Vec::new() }
    }

    /// Adds what the frames of a chain and of its branches keep, innermost first: a future may
    /// lie inside of the one that awaits it, with all that it keeps.
    pub(crate) fn of_chain(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        chain: &Chain,
        found: &mut Vec<LiveValue>,
    ) {
        self.finder.begin();
        let mut kept = Vec::new();
        self.of_branch(program, sites, chain, (None, false), &mut kept);
        found.append(&mut kept);
    }

    fn of_branch(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        chain: &Chain,
        (holding_frame, keeper_may_be_moved): (Option<FrameRef>, bool),
        found: &mut Vec<LiveValue>,
    ) {
        let last = chain.frames.last().map(FrameRef::of);
        for branch in chain.branches.iter().filter(|branch| branch.polled != Polled::Ended) {
            let keeper = holding_frame.or(last.filter(|_| branch.polled != Polled::Yes));
            let may_be_moved = keeper_may_be_moved || branch.may_be_moved;
            self.of_branch(program, sites, branch, (keeper, may_be_moved), found);
        }
        for frame in chain.frames.iter().rev() {
            if found.len() >= MAX_LIVE_VALUES || program.is_interrupted() {
                return;
            }
            if frame.address == 0 || !self.can_hold(program, sites, frame.site) {
                continue;
            }
            let Some(ty) = sites.type_of(frame.site) else { continue };
            let value = Value { ty, address: frame.address };
            // A frame that cannot be read is marked in its chain already.
            let first = found.len();
            let _ = self.of_frame(program, sites, FrameRef::of(frame), value, found);
            for kept in &mut found[first..] {
                kept.holding_frame = holding_frame;
                kept.may_be_moved |= keeper_may_be_moved;
            }
        }
    }

    /// Whether frames of a site can keep anything.
    fn can_hold(&mut self, program: &Program<'_>, sites: &SiteTable, site: SiteId) -> bool {
        let number = site.0 as usize;
        if self.can_hold.len() <= number {
            self.can_hold.resize(number + 1, None);
        }
        if let Some(known) = self.can_hold[number] {
            return known;
        }
        let state = sites.get(site).state;
        let is_over = matches!(state, FutureState::Returned | FutureState::Panicked);
        let can = !is_over
            && sites.key(site).is_some_and(|(ty, state)| {
                match (self.finder.traversals.of_type(program, ty), state) {
                    // What cannot be had holds nothing.
                    (Err(_), _) => false,
                    (Ok(traversal), _) if traversal.is_wanted => true,
                    (Ok(traversal), state) => match (&traversal.descent, state) {
                        (Descent::Nothing, _) => false,
                        (Descent::Coroutine { states }, StateKey::Variant(state)) => {
                            states.get(state).is_none_or(|state| !state.variables.is_empty())
                        }
                        _ => true,
                    },
                }
            });
        self.can_hold[number] = Some(can);
        can
    }

    /// Calls `found` with each reference of a chain's suspended frames that leads to what is wanted,
    /// and the frame and the variable that has it.
    pub(crate) fn borrows(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        chain: &Chain,
        found: &mut impl FnMut(&mut Self, FrameRef, &Arc<str>, Value),
    ) {
        for branch in chain.branches.iter().filter(|branch| branch.polled != Polled::Ended) {
            self.borrows(program, sites, branch, found);
        }
        for frame in chain.frames.iter().rev().filter(|frame| frame.address != 0) {
            let Some((ty, StateKey::Variant(state))) = sites.key(frame.site) else { continue };
            let Ok(traversal) = self.finder.traversals.of_type(program, ty) else { continue };
            let Descent::Coroutine { states } = &traversal.descent else { continue };
            for borrow in states.get(state).into_iter().flat_map(|state| &state.borrows) {
                let machine = Value { ty, address: frame.address };
                found(self, FrameRef::of(frame), &borrow.name, part_of(machine, borrow.part));
            }
        }
    }

    /// What a value holds, itself included.
    pub(crate) fn of_value(&mut self, program: &Program<'_>, value: Value) -> Vec<Value> {
        self.finder.begin();
        let below = self.finder.values_in(program, value);
        below.values.into_iter().map(|(value, _)| value).collect()
    }

    /// The same, each with the innermost collection that it is in.
    pub(crate) fn in_collections(
        &mut self,
        program: &Program<'_>,
        value: Value,
    ) -> Vec<(Value, Option<Collection>)> {
        self.finder.begin();
        let mut below = self.finder.values_in(program, value);
        let values = (0..).zip(below.values);
        values.map(|(place, (value, _))| (value, below.within.remove(&place))).collect()
    }

    fn of_frame(
        &mut self,
        program: &Program<'_>,
        sites: &SiteTable,
        frame: FrameRef,
        value: Value,
        found: &mut Vec<LiveValue>,
    ) -> Result<(), ValueError> {
        let traversal = self.finder.traversals.of_type(program, value.ty)?;
        let of_future = |value, shared, within| LiveValue {
            value,
            frame,
            variable: None,
            may_be_moved: false,
            shared,
            within,
            holding_frame: None,
        };
        if traversal.is_wanted {
            found.push(of_future(value, Vec::new(), None));
            return Ok(());
        }
        match &traversal.descent {
            Descent::Nothing => {}
            Descent::Coroutine { states } => {
                // Of a machine that is being polled what it stored last may not be where it stands.
                let active = match sites.key(frame.site) {
                    Some((_, StateKey::Variant(state))) if state < states.len() => state,
                    _ => value.active_variant(program)?.0,
                };
                for held in &states[active].variables {
                    let variable = part_of(value, held.part);
                    let mut below = self.finder.values_in(program, variable);
                    if below.values.is_empty() {
                        continue;
                    }
                    let may_be_moved =
                        held.may_be_moved(program, value) || !program.unwinds(value.ty.module);
                    let has_parts =
                        may_be_taken_apart(program, value.ty, (&held.name, variable.ty));
                    let values = (0..).zip(&below.values);
                    found.extend(values.map(|(place, (value, _))| LiveValue {
                        value: *value,
                        frame,
                        variable: Some(Arc::clone(&held.name)),
                        may_be_moved: may_be_moved
                            || has_parts && is_part(program, *value, variable),
                        shared: below.shared.remove(&place).unwrap_or_default(),
                        within: below.within.remove(&place),
                        holding_frame: None,
                    }));
                }
            }
            _ => {
                let mut below = self.finder.contents(program, value, &traversal);
                let values = (0..).zip(&below.values);
                found.extend(values.map(|(place, (value, _))| {
                    let shared = below.shared.remove(&place).unwrap_or_default();
                    of_future(*value, shared, below.within.remove(&place))
                }));
            }
        }
        Ok(())
    }
}

/// Whether the parts of a variable can be moved away one by one, while the variable stays and no flag
/// tells: a closure takes only the part that it uses (`async move { link.tx.send(1).await }`), and so
/// does a statement. That needs fields that the machine's own code can name: those of a tuple, or of a
/// struct of its own crate. Of an enum with a name nothing is left to use, so that it mostly goes as well;
/// one without is what a pattern takes apart, as the item of a `for`.
fn may_be_taken_apart(
    program: &Program<'_>,
    machine: Ty,
    (name_of_variable, variable): (&str, Ty),
) -> bool {
    let name = |ty: Ty| program.type_of(ty).map(|layout| (&*layout.name, &layout.kind));
    let (Ok((machine, _)), Ok((variable, kind))) = (name(machine), name(variable)) else {
        return false;
    };
    let is_environment = Environment::of(variable).is_some();
    match kind {
        _ if is_environment => false,
        TypeKind::Enum { .. } => Variable::is_temporary(name_of_variable),
        _ => variable.starts_with('(') || machine.split("::").next() == variable.split("::").next(),
    }
}

/// Whether a value is a part of a variable, and neither the whole of it nor behind a pointer.
fn is_part(program: &Program<'_>, value: Value, variable: Value) -> bool {
    let size = program.type_of(variable.ty).map_or(0, |layout| layout.size);
    let is_inside = value.address.wrapping_sub(variable.address) < size;
    is_inside && (value.ty, value.address) != (variable.ty, variable.address)
}
