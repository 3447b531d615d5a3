//! The report: the result of an inspection, and the only thing that the front ends render.
//!
//! A process may have a million tasks, so a report is compact: it stores what all frames of one
//! type and state share (names, files, lines) once, as a [`Site`]; a task has site numbers and
//! addresses.

mod completeness;
mod connections;
mod duration;
mod findings;
mod flavor;
mod kinds;
mod leads;
mod local_sets;
mod resources;
mod runtimes;
mod threads;
mod timer;
mod trust;
mod unflushed;
mod wait_list;
mod wakers;

pub use self::completeness::Completeness;
pub use self::connections::{Connection, Driven, Phase, Protocol, Request, Role};
pub use self::duration::short;
pub use self::findings::{Cause, Finding, FindingKind, Link};
pub use self::flavor::{Flavor, Pollers};
pub use self::kinds::ResourceKind;
pub use self::leads::{Lead, LeadReason, Leads};
pub use self::local_sets::{LocalSet, SetPlace};
pub use self::resources::{
    Access, BlockedChild, FileKeeper, FrameRef, Holder, HoldingThread, ReservedPlaces, Resource,
    ResourceId, TaskIndex, Wait, WaitId, Within,
};
pub use self::runtimes::{
    BlockingPool, Driver, QueuePlace, RunQueue, Runtime, Shutdown, Worker, WorkerState,
};
pub use self::threads::{Activity, BlockedCall, ProcessThread, ThreadRole};
pub use self::timer::{Clock, Due, Timer};
pub use self::trust::{FrameSource, FutureType, Trust};
pub use self::unflushed::Unflushed;
pub use self::wait_list::WaitList;
pub use self::wakers::{TaskWakers, WakerPlace};

use std::sync::Arc;

use crate::layout::SourceLocation;
use crate::layout::name::DisplayName;
use crate::target::TargetKind;
use crate::value::Ty;

/// Everything that was found in one stopped process.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was inspected.
    pub target: TargetSummary,
    /// The runtimes, in the order in which they were found.
    pub runtimes: Vec<Runtime>,
    /// The threads, in the order of the front.
    pub threads: Vec<ProcessThread>,
    /// Sets of tasks that stay on one thread and that a future runs, as tokio's `LocalSet`.
    pub local_sets: Vec<LocalSet>,
    /// What frames refer to by [`SiteId`].
    pub sites: Vec<Site>,
    /// The types of the sites' futures, by number of the site, with which the variables of a frame
    /// can be read from the process; `None` for a native frame.
    pub types: Vec<Option<Ty>>,
    /// The tasks: `block_on` futures first, then by runtime and id.
    pub tasks: Vec<Task>,
    /// What tasks wait for.
    pub resources: Vec<Resource>,
    /// Who waits for it.
    pub waits: WaitList,
    /// Who holds what, by task: the numbers of a resource and of one of its holders.
    pub holdings: Vec<(TaskIndex, ResourceId, u32)>,
    /// The connections that the futures of tasks have, by task.
    pub connections: Vec<Connection>,
    /// Which task serves which request, by task: the numbers of a connection and of one of its
    /// requests.
    pub serving: Vec<(TaskIndex, u32, u32)>,
    /// What tasks have written and not flushed while they wait for the answer, by task.
    pub unflushed: Vec<Unflushed>,
    /// Whether the program may have handles with which a task can be aborted, beside those that
    /// await its end.
    pub has_abort_handles: bool,
    /// What could not be read or may be wrong, beyond a single task: a sentence each.
    pub problems: Vec<String>,
    /// What could exist and could not be seen, though nothing shows that it does: a sentence each.
    pub caveats: Vec<String>,
    /// Whether Ctrl-C ended the inspection early.
    pub interrupted: bool,
}

impl Report {
    /// A report in which nothing was found.
    #[must_use]
    pub const fn empty(target: TargetSummary) -> Self {
        Self {
            target,
            runtimes: Vec::new(),
            threads: Vec::new(),
            local_sets: Vec::new(),
            sites: Vec::new(),
            types: Vec::new(),
            tasks: Vec::new(),
            resources: Vec::new(),
            waits: WaitList::new(),
            holdings: Vec::new(),
            connections: Vec::new(),
            serving: Vec::new(),
            unflushed: Vec::new(),
            has_abort_handles: false,
            problems: Vec::new(),
            caveats: Vec::new(),
            interrupted: false,
        }
    }

    /// What a task waits for.
    #[must_use]
    pub fn waits_of(&self, task: TaskIndex) -> &[Wait] {
        self.waits.of_task(task)
    }

    /// What a task holds.
    pub fn held_by(&self, task: TaskIndex) -> impl Iterator<Item = (&Resource, &Holder)> {
        let start = self.holdings.partition_point(|holding| holding.0 < task);
        let holdings = self.holdings[start..].iter().take_while(move |holding| holding.0 == task);
        holdings.map(|(_, resource, number)| {
            let resource = self.resource(*resource);
            (resource, &resource.holders[*number as usize])
        })
    }

    /// A wait by its number.
    #[must_use]
    pub fn wait(&self, id: WaitId) -> &Wait {
        &self.waits[id.0 as usize]
    }

    /// Whether a wait for an object of a pool ends without one, too: at a time limit.
    #[must_use]
    pub fn has_limit(&self, wait: WaitId) -> bool {
        let wait = self.wait(wait);
        // Who waits with its thread does so for as long as its pool lets it.
        let is_limited = wait.blocks_thread;
        self.resource(wait.resource).kind == ResourceKind::Pool
            && (is_limited
                || self.waits_of(wait.task).iter().any(|other| other.is_limit && other.is_polled))
    }

    /// A resource by its number.
    #[must_use]
    pub fn resource(&self, id: ResourceId) -> &Resource {
        &self.resources[id.0 as usize]
    }

    /// A task by its index.
    #[must_use]
    pub fn task(&self, index: TaskIndex) -> &Task {
        &self.tasks[index.0 as usize]
    }

    /// The set that a local task is of; `None` for another task.
    #[must_use]
    pub fn set_of(&self, task: TaskIndex) -> Option<&LocalSet> {
        self.local_sets.iter().find(|set| set.tasks.binary_search(&task).is_ok())
    }

    /// Who holds it: `task 4`, `thread 3`.
    #[must_use]
    pub fn holder_name(&self, holder: &Holder) -> String {
        match (holder.task, holder.thread) {
            (Some(task), _) => format!("task {}", self.task(task).id.0),
            (None, Some(holding)) => format!("thread {}", holding.thread.number),
            (None, None) if holder.is_static => match &holder.variable {
                Some(variable) => format!("static {variable}"),
                None => "a static variable".to_string(),
            },
            (None, None) => "an unknown thread".to_string(),
        }
    }

    /// The site of a frame.
    #[must_use]
    pub fn site(&self, id: SiteId) -> &Site {
        &self.sites[id.0 as usize]
    }
}

/// The text with a full stop at its end, if it has none.
#[must_use]
pub fn sentence(text: &str) -> String {
    if text.ends_with(['.', '?', '!']) { text.to_string() } else { format!("{text}.") }
}

/// What was inspected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TargetSummary {
    /// Process or core file.
    pub kind: TargetKind,
    /// The process id; `None` when unknown.
    pub pid: Option<u64>,
    /// The executable's path.
    pub executable: String,
    /// Its GNU build id in hexadecimal; `None` when it has none.
    pub build_id: Option<String>,
}

/// A thread as the front numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadRef {
    /// The front's number.
    pub number: u32,
    /// The kernel's thread id.
    pub tid: u64,
}

/// A task's id as the user types it: the runtime's own id, `main`, or `b3` for the `block_on`
/// future of the front's thread 3. Where a process holds several copies of tokio, the ids of the
/// second one begin with `2.`, as in `2.7`, and so on.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TaskId(pub String);

/// What sort of root a task is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaskKind {
    /// Spawned on a runtime.
    Task,
    /// The future that a thread blocks on.
    BlockOn,
    /// Spawned on a `LocalSet`.
    Local,
    /// A `spawn_blocking` closure.
    Blocking,
}

/// A task's state, from the runtime's own state word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaskState {
    /// Waits to be woken.
    Idle,
    /// Was woken and waits to be polled.
    Scheduled,
    /// Is being polled now: what its frames show is from before this poll.
    Running,
    /// Has an output that nobody has taken yet.
    Complete,
    /// Was aborted.
    Cancelled,
    /// The state word could not be read.
    Unknown,
}

impl TaskState {
    /// Its word in texts and in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
        }
    }
}

/// One task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The index of its runtime in [`Report::runtimes`]; `None` for a `block_on` future whose
    /// runtime is not known.
    pub runtime: Option<usize>,
    /// What sort of root it is.
    pub kind: TaskKind,
    /// Its state.
    pub state: TaskState,
    /// The site of its outermost future; `None` when its type is not known.
    pub root: Option<SiteId>,
    /// The address of its header, or of the `block_on` future; 0 when that is not known.
    pub address: u64,
    /// The thread that polls it; `None` when none does.
    pub thread: Option<ThreadRef>,
    /// Where it was spawned, as the runtime records it: tokio does when the program was built with
    /// `--cfg tokio_unstable`. `None` when it does not. The path is the one that the compiler was
    /// given, so cargo's is relative to the workspace for the workspace's own crates.
    pub spawned_at: Option<SourceLocation>,
    /// Its await chain.
    pub chain: Chain,
    /// How that was found, and how far it can be trusted.
    pub trust: Trust,
    /// What memory keeps of the future of a task that a thread polls, beside what that thread's stack
    /// shows in [`Task::chain`]; `None` for every other task, and where nothing is kept.
    pub beside_stack: Option<Box<BesideStack>>,
    /// How it panicked; `None` for one that did not.
    pub panic: Option<Panic>,
    /// How many wakers of it exist.
    pub wakers: TaskWakers,
    /// Its place in [`Report::tasks`].
    pub index: TaskIndex,
    /// What could not be read. What may be wrong is in [`Task::trust`].
    pub problems: Vec<String>,
}

impl Task {
    /// What it does, in a word for a reader: that of its state, or `panicked`.
    #[must_use]
    pub fn state_word(&self) -> &'static str {
        match self.panic {
            Some(_) => "panicked",
            None => self.state.word(),
        }
    }
}

/// The panic that ended a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Panic {
    /// What it said; `None` for one with something else than a text, and where memory does not show
    /// it.
    pub message: Option<Arc<str>>,
}

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
pub struct BesideStack {
    /// The state machines that are being polled, outermost first, each at the await point that the
    /// stack shows; its branches are those that are not polled now.
    pub chain: Chain,
    /// Whether one of the branches may be the one that is being polled: several have its type, and
    /// nothing tells them apart.
    pub is_ambiguous: bool,
}

impl BesideStack {
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
