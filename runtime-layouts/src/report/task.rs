//! A task: what it is, and what it does.

use std::sync::Arc;

use super::{Chain, SiblingsOfStack, SiteId, TaskIndex, TaskWakers, ThreadRef, Trust};
use crate::layout::SourceLocation;

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
    /// The index of its runtime in [`Report::runtimes`](super::Report::runtimes); `None` for a `block_on` future whose
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
    pub siblings_of_stack: Option<Box<SiblingsOfStack>>,
    /// How it panicked; `None` for one that did not.
    pub panic: Option<Panic>,
    /// How many wakers of it exist.
    pub wakers: TaskWakers,
    /// Its place in [`Report::tasks`](super::Report::tasks).
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
