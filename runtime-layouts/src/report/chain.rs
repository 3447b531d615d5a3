//! An await chain: the futures of a task, and where each of them stands.

use std::sync::Arc;

use super::FrameRef;
use crate::layout::SourceLocation;
use crate::layout::name::DisplayName;

/// A run of frames, each awaiting the next, and the branches that the last one awaits at once.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Chain {
    /// Outermost first: the order in which they are reached. Texts and JSON show them the other
    /// way round.
    pub frames: Vec<Frame>,
    /// What the last frame holds, when it holds several futures.
    pub branches: Vec<Chain>,
    /// What becomes of it when the task is polled.
    pub polled: Polled,
    /// Of a branch that nothing polls: the variable of the frame above that has it; `None` where it
    /// has no name in the source, as an arm of a `select!`.
    pub variable: Option<Arc<str>>,
    /// Of the same: whether the variable may have been moved away. What it leads to is there, but
    /// another one may have it.
    pub may_be_moved: bool,
    /// Futures in variables that may have been moved away, of which nothing else tells that they are
    /// there, with the numbers of the frames that have them. A report has none any more: those that have
    /// what somebody waits for are branches.
    pub doubtful: Vec<(usize, Self)>,
}

/// What memory keeps of a future that is being polled, which its thread's stack does not show.
///
/// While the thread is blocked, what is stored of a sibling branch is as it was when that was
/// suspended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SiblingsOfStack {
    /// The state machines that are being polled, outermost first, each at the await point that the
    /// stack shows; its branches are those that are not polled now.
    pub chain: Chain,
    /// Whether one of the branches may be the one that is being polled: several have its type, and
    /// nothing tells them apart.
    pub is_ambiguous: bool,
}

impl SiblingsOfStack {
    /// What a future stored when it was suspended last; `None` when that is nothing.
    pub(crate) fn stored(chain: Chain) -> Option<Box<Self>> {
        let has_place = chain.frames.first().is_some_and(|frame| frame.address != 0);
        has_place.then(|| Box::new(Self { chain, is_ambiguous: true }))
    }
}

/// What becomes of a branch when the frame that holds it is polled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Polled {
    /// It is polled too.
    #[default]
    Yes,
    /// Nothing polls it now: its holder stands at another await.
    No,
    /// It is an arm of a `select!` that is switched off: by its `if`, or since its output did not
    /// match.
    Disabled,
    /// It has ended.
    Ended,
}

impl Chain {
    /// The branches that wait for something: those that are polled.
    pub fn polled_branches(&self) -> impl Iterator<Item = &Chain> {
        self.branches.iter().filter(|branch| branch.polled == Polled::Yes)
    }

    /// The branch that a frame of this chain is in and that nothing polls, with the frame that has
    /// it: the outermost of them. `None` for a frame that is polled, or in none of the branches.
    #[must_use]
    pub fn unpolled_around(&self, frame: FrameRef) -> Option<(&Frame, &Self)> {
        let keeper = self.frames.last()?;
        self.branches.iter().find_map(|branch| match branch.polled {
            Polled::Yes => branch.unpolled_around(frame),
            _ => branch.has(frame).then_some((keeper, branch)),
        })
    }

    /// Whether a frame is in a branch that nothing polls, and a variable has that or what it is in
    /// which may have been moved away.
    #[must_use]
    pub fn may_be_moved_around(&self, frame: FrameRef) -> bool {
        let mut branches = self.branches.iter().filter(|branch| branch.has(frame));
        branches.any(|branch| branch.may_be_moved || branch.may_be_moved_around(frame))
    }

    /// What a frame of this chain or of its branches awaits; `None` where it awaits nothing, or
    /// several futures.
    #[must_use]
    pub fn awaited_by(&self, frame: FrameRef) -> Option<&Frame> {
        let own = self.frames.iter().position(|own| FrameRef::of(own) == frame);
        match own {
            Some(place) => self.frames.get(place + 1),
            None => self.branches.iter().find_map(|branch| branch.awaited_by(frame)),
        }
    }

    /// Visits the frames of this chain and of its branches.
    pub fn visit_frames<'c>(&'c self, visit: &mut dyn FnMut(&'c Frame)) {
        self.frames.iter().for_each(&mut *visit);
        self.branches.iter().for_each(|branch| branch.visit_frames(visit));
    }

    /// Whether a frame is in this chain or in a branch of it.
    #[must_use]
    pub fn has(&self, frame: FrameRef) -> bool {
        self.frames.iter().any(|own| FrameRef::of(own) == frame)
            || self.branches.iter().any(|branch| branch.has(frame))
    }
}

/// Number of a [`Site`] in its report.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SiteId(pub u32);

/// One future in a chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// What it is and where it stands.
    pub site: SiteId,
    /// The address of the future, 0 when it is not known; of a native frame its program counter.
    pub address: u64,
    /// Why the chain does not go on below, when it should: memory that could not be read, a type
    /// that is not known, a cycle.
    pub problem: Option<Box<str>>,
}

/// A future's type in one of its states: what all frames there have in common.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// Its name as the source spells it.
    pub name: DisplayName,
    /// The type's name as the debug information spells it.
    pub type_name: String,
    /// What it is.
    pub kind: FrameKind,
    /// Its state.
    pub state: FutureState,
    /// The await point, or for a future that is not an async fn, where its `poll` is declared;
    /// `None` when the debug information does not say.
    pub location: Option<SourceLocation>,
    /// Where in a macro the await point is, when `location` is where the macro was invoked; `None`
    /// otherwise.
    pub expanded: Option<SourceLocation>,
    /// Where an async block, fn or closure begins; `None` for other futures.
    pub defined: Option<SourceLocation>,
    /// Whether it is the program's own code: in a file that is neither a dependency's nor the
    /// standard library's. What counts is where the function begins: an await that a macro wrote
    /// stands in the macro's file. Of a program that cargo itself unpacked (`cargo install`), the
    /// crate that `main` is in counts as its own.
    pub user: bool,
}

/// What a frame is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FrameKind {
    /// `async fn`.
    AsyncFn,
    /// `async { … }`.
    AsyncBlock,
    /// `async || …`.
    AsyncClosure,
    /// A type with a `poll` of its own.
    Future,
    /// A type with a `poll_next` of its own.
    Stream,
    /// A function on a thread's native stack.
    Native,
}

/// How far a future has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FutureState {
    /// At an await point.
    Suspended,
    /// Never polled.
    Unresumed,
    /// Ran to its end.
    Returned,
    /// Panicked.
    Panicked,
    /// Runs now: the frame is one of a thread's native stack.
    Running,
    /// Does not say.
    Unknown,
}
