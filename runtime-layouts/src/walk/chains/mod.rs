//! Await chains: the frames from a future in memory down to its leaf.

pub(crate) mod live_values;
pub(crate) mod moved_away;
pub(crate) mod poll_roles;
mod progress;
pub(crate) mod read_tasks;
pub(crate) mod site_table;
pub(crate) mod useless_wakers;

use std::ops::Range;
use std::sync::Arc;

use self::progress::ChainProgress;
use self::site_table::{SiteTable, StateKey};
use crate::knowledge::Libraries;
use crate::layout::name::base_path;
use crate::report::{Chain, Frame, FutureState, Polled};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::search::coroutine::{CoroutineState, Variable};
use crate::walk::search::search_for::SearchFor;
use crate::walk::search::traversals::Descent;
use crate::walk::search::{Finder, Problem, SearchResult, part_of};

/// A task with more frames than this is cut off.
const MAX_FRAMES: usize = 10_000;
/// What is said of a future that a walk comes by again.
const ALREADY_SHOWN: &str = "this future was already shown: a cycle";
/// Branches within branches deeper than this are cut off.
const DEEPEST_BRANCH: usize = 64;

/// Walks chains; keeps what it learns about types.
pub(crate) struct Walker {
    pub(crate) finder: Finder,
    /// As this walker numbers them: futures alone.
    pub(crate) sites: SiteTable,
}

/// What stands below a frame.
#[derive(Default)]
struct FrameChildren {
    /// What the frame awaits, and whether it polls that.
    awaited: Vec<(Value, Polled)>,
    problem: Option<String>,
    /// What it may hold beside.
    held: Vec<HeldFuture>,
    /// The addresses of the frame itself.
    own_range: Range<u64>,
    /// Whether what it awaits may be polled by others as well.
    is_shared: bool,
}

/// A future in a variable of a frame that awaits something else.
struct HeldFuture {
    future: Value,
    /// Its name in the source; `None` where it has none.
    variable: Option<Arc<str>>,
    /// Whether it may have been moved away.
    may_be_moved: bool,
}

impl From<SearchResult> for FrameChildren {
    fn from(below: SearchResult) -> Self {
        let problem = below.problem.map(Problem::into_text);
        Self { awaited: below.values, problem, ..Self::default() }
    }
}

impl Walker {
    /// A walker that knows these libraries.
    pub(crate) fn of(libraries: Libraries) -> Self {
        Self { finder: Finder::of(SearchFor::Futures, libraries), sites: SiteTable::of(libraries) }
    }
}

impl Walker {
    /// The chain of a value that is known to be a future (a task's, an awaitee, a `block_on`'s).
    pub(crate) fn chain(&mut self, program: &Program<'_>, future: Value) -> Chain {
        let mut progress = ChainProgress::default();
        let mut chain = Chain::default();
        self.finder.begin();
        let below = self.finder.known_future(program, future);
        let mut problem = below.problem.map(Problem::into_text);
        match *below.values.as_slice() {
            [(future, _)] => self.extend(program, future, &mut chain, &mut progress, 0),
            _ => {
                problem = problem.or_else(|| Some("holds no future that unhang can show".into()));
            }
        }
        if let (Some(problem), true) = (problem, chain.frames.is_empty())
            && let Ok(site) = self.sites.of_type(program, future.ty, StateKey::Unknown)
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
        first: Value,
        chain: &mut Chain,
        progress: &mut ChainProgress,
        depth: usize,
    ) {
        let mut future = first;
        loop {
            let (mut frame, mut children) = match self.frame(program, future) {
                Ok(found) => found,
                Err(error) => {
                    if let Some(last) = chain.frames.last_mut() {
                        last.problem = Some(error.to_string().into());
                    } else if let Ok(site) =
                        self.sites.of_type(program, future.ty, StateKey::Unknown)
                    {
                        let problem = Some(error.to_string().into());
                        chain.frames.push(Frame { site, address: future.address, problem });
                    }
                    return;
                }
            };
            progress.frames += 1;
            let sized = program.type_of(future.ty).is_ok_and(|layout| layout.size > 0);
            if sized && !progress.see(future) {
                frame.problem = Some(ALREADY_SHOWN.into());
                chain.frames.push(frame);
                return;
            }
            if depth > DEEPEST_BRANCH || self.ends(program, progress) {
                frame.problem = Some(format!("cut off after {} frames", progress.frames).into());
                chain.frames.push(frame);
                return;
            }
            frame.problem = children.problem.take().map(Into::into);
            chain.frames.push(frame);
            if children.is_shared {
                // Whoever polls it has its frames, and of two handles of one task the first.
                let is_new = |(it, _): &(Value, Polled)| !progress.has_seen(program, *it);
                children.awaited.retain(|it| progress.unpolled == 0 && is_new(it));
            }
            match *children.awaited.as_slice() {
                [] if children.held.is_empty() => return,
                [(next, Polled::Yes)] if children.held.is_empty() || depth >= DEEPEST_BRANCH => {
                    future = next;
                }
                _ => return self.branch(program, children, chain, progress, depth),
            }
        }
    }

    /// Follows all that a chain's last frame awaits and holds.
    fn branch(
        &mut self,
        program: &Program<'_>,
        children: FrameChildren,
        chain: &mut Chain,
        progress: &mut ChainProgress,
        depth: usize,
    ) {
        let count = children.awaited.len();
        let keeper = chain.frames.len().saturating_sub(1);
        for (index, (future, polled)) in children.awaited.into_iter().enumerate() {
            if index > 0 && self.ends(program, progress) {
                cut(chain, format!("{index} of {count} branches are shown"));
                break;
            }
            let mut branch = Chain { polled, ..Chain::default() };
            let unpolled = usize::from(polled != Polled::Yes);
            progress.unpolled += unpolled;
            self.extend(program, future, &mut branch, progress, depth + 1);
            progress.unpolled -= unpolled;
            if self.state_within(program, &branch) == Some(FutureState::Returned) {
                branch.polled = Polled::Ended;
            }
            if branch.polled == Polled::No && !self.is_under_way(program, &branch) {
                continue;
            }
            chain.branches.push(branch);
        }
        for HeldFuture { future, variable, may_be_moved } in children.held {
            if self.ends(program, progress) {
                cut(chain, format!("cut off after {} frames", progress.frames));
                break;
            }
            // What it awaits borrows it: then that polls it.
            if progress.has_seen(program, future) {
                continue;
            }
            let mut branch = Chain { polled: Polled::No, variable, ..Chain::default() };
            progress.unpolled += 1;
            self.extend(program, future, &mut branch, progress, depth + 1);
            progress.unpolled -= 1;
            if leads_to_shown(&branch, &children.own_range) {
                continue;
            }
            // What was polled where it lies cannot have been moved away, since it was pinned.
            let was_polled = self.is_suspended_in(&branch, &children.own_range)
                || self.waits_in_queue(program, &branch);
            let is_pinned = children.own_range.contains(&future.address) && was_polled;
            branch.may_be_moved = may_be_moved && !is_pinned;
            if !self.is_under_way(program, &branch)
                || self.was_moved_to(program, &branch, &chain.branches)
            {
                continue;
            }
            if !branch.may_be_moved || self.leads_to_living_sets(program, &branch) {
                chain.branches.push(branch);
            } else if self.was_polled(&branch) {
                chain.doubtful.push((keeper, branch));
            }
        }
        if matches!(&*chain.branches, [only] if only.polled == Polled::Yes)
            && let Some(only) = chain.branches.pop()
        {
            let above = chain.frames.len();
            chain.frames.extend(only.frames);
            chain.branches = only.branches;
            let doubtful = only.doubtful.into_iter();
            chain.doubtful.extend(doubtful.map(|(keeper, branch)| (above + keeper, branch)));
        }
    }

    /// Whether the rest of a chain is cut off.
    fn ends(&self, program: &Program<'_>, progress: &ChainProgress) -> bool {
        progress.frames >= MAX_FRAMES || self.finder.is_exhausted() || program.is_interrupted()
    }

    /// Whether a chain's outermost future that has states is suspended, and lies there with all that
    /// is around it: a stream that an async block makes, as `async_stream`'s, is a struct with that
    /// block in it.
    fn is_suspended_in(&self, chain: &Chain, range: &Range<u64>) -> bool {
        let inline = chain.frames.iter().take_while(|frame| range.contains(&frame.address));
        let states = inline.map(|frame| self.sites.get(frame.site).state);
        let mut known = states.filter(|state| *state != FutureState::Unknown);
        known.next() == Some(FutureState::Suspended)
    }

    /// The same of the future that is all that the outermost one consists of.
    fn state_within(&self, program: &Program<'_>, chain: &Chain) -> Option<FutureState> {
        let size = |frame: &Frame| {
            let ty = self.sites.type_of(frame.site)?;
            Some(program.type_of(ty).ok()?.size)
        };
        let mut frames = chain.frames.iter().peekable();
        while let Some(frame) = frames.next() {
            let state = self.sites.get(frame.site).state;
            let is_only_around = |inner: &&Frame| {
                inner.address == frame.address
                    && size(inner).is_some()
                    && size(inner) == size(frame)
            };
            if state != FutureState::Unknown || !frames.peek().is_some_and(is_only_around) {
                return Some(state);
            }
        }
        None
    }

    /// Whether a future of a chain is suspended: it was polled.
    fn was_polled(&self, chain: &Chain) -> bool {
        let mut is_suspended = false;
        chain.visit_frames(&mut |frame| {
            is_suspended |= self.sites.get(frame.site).state == FutureState::Suspended;
        });
        is_suspended
    }

    /// Whether a chain leads to sets of futures, which are all there still, if perhaps elsewhere.
    fn leads_to_living_sets(&self, program: &Program<'_>, chain: &Chain) -> bool {
        let libraries = self.sites.libraries();
        let mut sets = 0;
        let mut live = true;
        chain.visit_frames(&mut |frame| {
            let path = base_path(&self.sites.get(frame.site).type_name);
            let Some(known) = libraries.future_set(path) else { return };
            let Some(ty) = self.sites.type_of(frame.site) else { return };
            sets += 1;
            // What cannot be read is nothing that can be shown.
            live &=
                (known.is_alive)(program, Value { ty, address: frame.address }).unwrap_or(false);
        });
        sets > 0 && live
    }

    /// Whether a chain has an async fn or block in it that has not ended, or a future that stands in a
    /// queue. What has neither (a channel's end, the handle of a task, a timer) is a variable like
    /// others, not a computation that was left standing.
    fn is_under_way(&self, program: &Program<'_>, chain: &Chain) -> bool {
        let states = chain.frames.iter().map(|frame| self.sites.get(frame.site).state);
        let mut known = states.filter(|state| *state != FutureState::Unknown);
        match known.next() {
            Some(state) => matches!(state, FutureState::Suspended | FutureState::Unresumed),
            None => {
                chain.frames.last().is_some_and(|frame| self.is_queued(program, frame))
                    || chain.branches.iter().any(|branch| self.is_under_way(program, branch))
            }
        }
    }

    /// Whether a future has put another one into a queue. It was polled for that; a listener alone is
    /// in its queue from the first, and may be moved.
    fn waits_in_queue(&self, program: &Program<'_>, chain: &Chain) -> bool {
        let inner = chain.frames.get(1..).and_then(|inner| inner.last());
        inner.is_some_and(|frame| self.is_queued(program, frame))
    }

    /// Whether a future that stands in a queue is what one that is polled was moved from: both are
    /// the same pointer to one place in it.
    fn was_moved_to(&self, program: &Program<'_>, branch: &Chain, others: &[Chain]) -> bool {
        let [old] = &*branch.frames else { return false };
        let Some(ty) = self.sites.type_of(old.site).filter(|_| self.is_queued(program, old)) else {
            return false;
        };
        let pointer = u64::from(program.pointer_size());
        if program.type_of(ty).is_ok_and(|layout| layout.size != pointer) {
            return false;
        }
        let polled = others.iter().filter(|other| other.polled == Polled::Yes);
        polled.filter_map(|other| other.frames.last()).any(|new| {
            let at = |frame: &Frame| program.read_pointer(frame.address).ok();
            self.sites.type_of(new.site) == Some(ty) && at(new).is_some() && at(new) == at(old)
        })
    }

    /// Whether a future stands in a queue.
    fn is_queued(&self, program: &Program<'_>, frame: &Frame) -> bool {
        let libraries = self.sites.libraries();
        let name =
            self.sites.type_of(frame.site).and_then(|ty| Some(&program.type_of(ty).ok()?.name));
        let known = name.and_then(|name| libraries.resource(name));
        known.is_some_and(|known| known.is_queued)
    }

    /// The frame of a future, and the futures below it.
    fn frame(
        &mut self,
        program: &Program<'_>,
        future: Value,
    ) -> Result<(Frame, FrameChildren), ValueError> {
        let traversal = self.finder.traversals.of_type(program, future.ty)?;
        let (state, children) = match &traversal.descent {
            Descent::Coroutine { states } => {
                let (state, _) = future.active_variant(program)?;
                (StateKey::Variant(state), self.children_in_state(program, future, states, state))
            }
            Descent::Variants { ended, .. } if ended.contains(&true) => {
                let (active, _) = future.active_variant(program)?;
                let state = if ended[active] { StateKey::Ended } else { StateKey::Unknown };
                (state, self.finder.contents(program, future, &traversal).into())
            }
            descent => {
                let below = self.finder.contents(program, future, &traversal);
                let is_empty = below.values.is_empty() && below.problem.is_none();
                let could_hold = !matches!(descent, Descent::Nothing);
                let ended = is_empty && could_hold && self.ends_empty(program, future.ty);
                let is_shared = matches!(descent, Descent::SharedFuture { .. });
                let children = FrameChildren { is_shared, ..below.into() };
                (if ended { StateKey::Ended } else { StateKey::Unknown }, children)
            }
        };
        let site = self.sites.of_type(program, future.ty, state)?;
        Ok((Frame { site, address: future.address, problem: None }, children))
    }

    /// Whether a future of that type that holds none has ended.
    fn ends_empty(&self, program: &Program<'_>, ty: Ty) -> bool {
        let libraries = self.sites.libraries();
        let layout = program.type_of(ty);
        layout.is_ok_and(|layout| libraries.is_ended_when_empty(base_path(&layout.name)))
    }

    /// What a state machine awaits and holds in its state.
    fn children_in_state(
        &mut self,
        program: &Program<'_>,
        coroutine: Value,
        states: &[CoroutineState],
        state: usize,
    ) -> FrameChildren {
        let state = &states[state];
        let mut children = match state.awaitee {
            Some(awaitee) => self.finder.known_future(program, part_of(coroutine, awaitee)).into(),
            None => FrameChildren::default(),
        };
        for variable in &state.variables {
            let part = part_of(coroutine, variable.part);
            let held = self.finder.values_in(program, part);
            if held.values.is_empty() && held.problem.is_none() {
                continue;
            }
            let may_be_moved = variable.may_be_moved(program, coroutine);
            // Bytes that are no value any more may look like anything; what cannot be read may be
            // such too.
            if let (Some(Problem::Cut(why)), false) = (held.problem, may_be_moved) {
                let problem = format!("`{}`: {why}", variable.name);
                children.problem.get_or_insert(problem);
            }
            children.held.extend(held.values.into_iter().map(|(future, _)| HeldFuture {
                future,
                variable: name_of(program, coroutine, states, variable, future),
                may_be_moved,
            }));
        }
        let size = program.type_of(coroutine.ty).map_or(0, |layout| layout.size);
        children.own_range = coroutine.address..coroutine.address.saturating_add(size);
        // Of two variables of one name, as two `pin!` make, rustc describes one (1.95). What the
        // user's variables borrow in the machine itself is there nevertheless.
        for borrow in &state.borrows {
            let part = part_of(coroutine, borrow.part);
            for (future, _) in self.finder.known_future(program, part).values {
                let is_known = children.held.iter().any(|held| held.future == future);
                if children.own_range.contains(&future.address) && !is_known {
                    let variable = Some(Arc::clone(&borrow.name));
                    children.held.push(HeldFuture { future, variable, may_be_moved: true });
                }
            }
        }
        children
    }
}

/// What the source calls a future in a variable: `pin!` and the like keep it in one of their own, and
/// the user's borrows it.
fn name_of(
    program: &Program<'_>,
    coroutine: Value,
    states: &[CoroutineState],
    variable: &Variable,
    future: Value,
) -> Option<Arc<str>> {
    let borrows = |borrow: &&Variable| {
        let pointer = part_of(coroutine, borrow.part).address;
        program.read_pointer(pointer).is_ok_and(|target| target == future.address)
    };
    // A borrow that is not used any more is in none of the later states, but its bytes may be.
    let mut all = states.iter().flat_map(|state| &state.borrows);
    let users = all.find(borrows).unwrap_or(variable);
    Some(Arc::clone(&users.name)).filter(|name| !Variable::is_temporary(name))
}

/// Whether what a machine holds has one in it that is shown elsewhere in that machine, as a runtime
/// polls what it keeps in an `Option`.
fn leads_to_shown(held: &Chain, own_range: &Range<u64>) -> bool {
    held.frames.last().is_some_and(|last| {
        last.problem.as_deref() == Some(ALREADY_SHOWN) && own_range.contains(&last.address)
    })
}

/// Says on the last frame of a chain that something below it is missing.
fn cut(chain: &mut Chain, why: String) {
    if let Some(last) = chain.frames.last_mut() {
        last.problem.get_or_insert(why.into());
    }
}
