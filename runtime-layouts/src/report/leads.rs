//! Leads: where to look first while no fault is certain.

use super::{ResourceKind, TaskIndex, WaitId};

/// Where to look, best first, and what all tasks wait for.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Leads {
    /// Where to look; empty beside a certain fault, but for what must be said in any case, and where
    /// no task waits for anything inside the program.
    pub first: Vec<Lead>,
    /// How many tasks wait for what comes from outside of the program, or for nothing: kinds in
    /// their order.
    pub outside: Vec<(ResourceKind, usize)>,
    /// How many tasks wait for something inside the program, or for something unknown, those that
    /// serve not among them.
    pub inside: usize,
    /// How many tasks of libraries wait for messages that bring them work, while nothing that would
    /// send one waits for them.
    pub serving: usize,
    /// How many tasks run, or are about to.
    pub running: usize,
}

/// One place to look at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lead {
    /// Why it is one.
    pub reason: LeadReason,
    /// The tasks that stand so, in their order: never empty. Of a circle, each waits for the next.
    pub tasks: Vec<TaskIndex>,
    /// What the first of them waits for; `None` for a task that runs or is about to.
    pub wait: Option<WaitId>,
    /// How many other tasks wait for them, directly or through others.
    pub behind: usize,
}

/// Why something is worth a look, what tells most first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum LeadReason {
    /// Tasks have panicked, and nobody has asked for it.
    Panicked,
    /// A thread that polls tasks is blocked.
    BlockedThread,
    /// A task waits for what it holds itself, but others may end the wait.
    OwnHolding,
    /// Tasks wait for each other, but others may end one of the waits.
    Circle,
    /// A child process is waited for, and waits for this process itself.
    BlockedChild,
    /// A lock is taken, and who holds it was not found.
    HolderNotFound,
    /// A timer is due and does not go off.
    Overdue,
    /// Connections wait to be accepted, and the task that listens waits for something else.
    Unaccepted,
    /// Others wait for a task, or it waits for something whose source was not found.
    ChainEnd,
}

impl LeadReason {
    /// Its word in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Panicked => "panicked",
            Self::BlockedThread => "blocked_thread",
            Self::OwnHolding => "own_holding",
            Self::Circle => "circle",
            Self::BlockedChild => "blocked_child",
            Self::HolderNotFound => "holder_not_found",
            Self::Overdue => "overdue",
            Self::Unaccepted => "unaccepted",
            Self::ChainEnd => "chain_end",
        }
    }
}
