//! The threads of a process: what each is for, and what it does.

use crate::target::host::Ran;

use super::{Access, FrameRef, Report, ResourceId, ResourceKind, TaskIndex, ThreadRef};

/// One thread of the process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProcessThread {
    /// The thread.
    pub thread: ThreadRef,
    /// Whether it is the process's first thread, which runs `main`.
    pub is_main: bool,
    /// What it is for.
    pub role: ThreadRole,
    /// The task that it polls or the closure that it runs; `None` when it does neither. Of a thread
    /// that sleeps in `block_on`, the future that it blocks on.
    pub task: Option<TaskIndex>,
    /// What it does.
    pub activity: Activity,
    /// The call that blocks it, where it is one that is known; `None` for what is not blocked.
    pub blocked: Option<BlockedCall>,
    /// The locks that tasks wait for by blocking their threads of which this thread has an address on
    /// its stack or in a register, so that a guard of them may be there. All of them where its stack
    /// cannot be read. Of one that is blocked also the locks of tasks that are taken, if no guard of them
    /// was found anywhere; of one that is not parked, what only variables are known to have that may have
    /// been moved away. In the order of their numbers.
    pub refers_to: Vec<ResourceId>,
    /// For how long it was on a processor; `None` when the system does not tell.
    pub ran: Option<Ran>,
}

/// What a thread is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadRole {
    /// It polls the tasks of a runtime.
    Worker {
        /// The runtime's place in [`Report::runtimes`].
        runtime: usize,
        /// The worker's place in that runtime.
        worker: usize,
    },
    /// It runs closures for a runtime, which may block.
    BlockingPool,
    /// The program started it, or a library.
    Other,
}

/// What a thread does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Activity {
    /// It waits for work, or for what wakes the future that it blocks on: none of the user's code
    /// is under way on it but what called `block_on`.
    Parked,
    /// It waits in a call that does not end by itself.
    Blocked,
    /// It runs, or waits for what is not known.
    Running,
}

/// A call that blocks a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockedCall {
    /// The lock, or the call itself.
    pub resource: ResourceId,
    /// How it asks for the lock; `None` when there is but one way.
    pub access: Option<Access>,
    /// The call that the user made.
    pub call: FrameRef,
    /// The innermost frame of the user's own code; `None` when there is none.
    pub user: Option<FrameRef>,
}

impl ThreadRole {
    /// Its word in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Worker { .. } => "worker",
            Self::BlockingPool => "blocking_pool",
            Self::Other => "other",
        }
    }
}

impl Activity {
    /// Its word in the JSON report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Blocked => "blocked",
            Self::Running => "running",
        }
    }
}

impl ProcessThread {
    /// Whether it has the address of that, as far as that was looked for.
    #[must_use]
    pub fn refers_to(&self, id: ResourceId) -> bool {
        self.refers_to.binary_search(&id).is_ok()
    }

    /// Whether it may keep locks on its stack. One that waits for work does not; what called
    /// `block_on`, and sleeps there, may.
    #[must_use]
    pub fn may_hold_locks(&self) -> bool {
        let is_worker = matches!(self.role, ThreadRole::Worker { .. });
        self.activity != Activity::Parked || self.task.is_some() && !is_worker
    }
}

impl Report {
    /// The one thread that is blocked and has the address of a lock of tasks whose guard was found
    /// nowhere, and does not wait for it; `None` where there is none, or several.
    #[must_use]
    pub fn may_have_guard_of(&self, lock: ResourceId) -> Option<&ProcessThread> {
        let queue =
            || self.resource(lock).queue.iter().map(|wait| self.task(self.wait(*wait).task));
        let may_have = |thread: &&ProcessThread| {
            thread.activity == Activity::Blocked
                && thread.refers_to(lock)
                && queue().all(|task| task.thread != Some(thread.thread))
        };
        let mut threads = self.threads.iter().filter(may_have);
        threads.next().filter(|_| threads.next().is_none())
    }

    /// The threads that run no task and wait for locks of each other, as far as their stacks show: each
    /// circle with its first thread first.
    #[must_use]
    pub fn threads_in_circles(&self) -> Vec<Vec<ThreadRef>> {
        let next = |thread: ThreadRef| {
            let known = self.threads.iter().find(|known| known.thread == thread)?;
            let resource = self.resource(known.blocked.filter(|_| known.task.is_none())?.resource);
            match resource.holders.as_slice() {
                [holder] if resource.kind == ResourceKind::ThreadLock => {
                    Some(holder.thread?.thread)
                }
                _ => None,
            }
        };
        let mut circles: Vec<Vec<ThreadRef>> = Vec::new();
        for known in self.threads.iter().filter(|known| known.blocked.is_some()) {
            if circles.iter().flatten().any(|thread| *thread == known.thread) {
                continue;
            }
            let mut path = vec![known.thread];
            while let Some(thread) = path.last().and_then(|last| next(*last)) {
                if thread == known.thread {
                    circles.push(path);
                    break;
                }
                if path.contains(&thread) {
                    break;
                }
                path.push(thread);
            }
        }
        circles
    }

    /// Whether a thread may have what some variables are said to have, each of which may have been moved
    /// away, or a permit that nobody was found to have: one that does something else than to wait for it
    /// has its address, and is none of those that were found to have it.
    #[must_use]
    pub fn may_be_with_a_thread(&self, id: ResourceId) -> bool {
        let resource = self.resource(id);
        let is_known = |thread: &ProcessThread| {
            let task = thread.task;
            let mut waiting = resource.queue.iter().map(|wait| self.wait(*wait).task);
            waiting.any(|waiting| Some(waiting) == task)
                || resource.holders.iter().any(|holder| {
                    holder.task.is_some() && holder.task == task
                        || holder.thread.is_some_and(|holding| holding.thread == thread.thread)
                })
        };
        let may_have =
            |thread: &&ProcessThread| thread.activity != Activity::Parked && thread.refers_to(id);
        self.threads.iter().filter(may_have).any(|thread| !is_known(thread))
    }

    /// Whether a thread may hold that lock though no guard of it was found there: one that runs, is
    /// blocked by something else or sleeps in `block_on`, and has the lock's address. What only waits
    /// for work holds nothing.
    #[must_use]
    pub fn may_be_held_unseen(&self, lock: ResourceId) -> bool {
        let holders = &self.resource(lock).holders;
        let may_hold = |thread: &ProcessThread| {
            let waits = thread.blocked.is_some_and(|call| call.resource == lock);
            let mut seen = holders.iter().filter_map(|holder| holder.thread);
            thread.may_hold_locks()
                && !waits
                && thread.refers_to(lock)
                && !seen.any(|holding| holding.thread == thread.thread)
        };
        // Where the threads are not known nothing can be said of them.
        self.threads.is_empty() || self.threads.iter().any(may_hold)
    }
}
