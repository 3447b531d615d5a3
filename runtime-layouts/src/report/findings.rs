//! Findings: the faults that the diagnosis found, with their evidence.

use rustc_hash::FxHashSet;

use super::{Holder, Report, Resource, ResourceId, Task, TaskIndex, TaskKind, TaskState, WaitId};

/// What sort of fault was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum FindingKind {
    /// Tasks wait for each other in a circle, or one for itself.
    Deadlock,
    /// What is waited for was given, or will be given next, to a future that nothing polls.
    Futurelock,
    /// A thread that should run tasks is blocked by code that is not async.
    BlockedWorker,
    /// Tasks wait for what nothing can bring any more.
    NeverWoken,
    /// No thread waits for the timers and sockets of a runtime.
    Undriven,
    /// A runtime is being dropped, and its end is waited for.
    Shutdown,
    /// A lock is kept while its holder waits for something else, and others wait for the lock.
    LockAcrossAwait,
}

/// One fault, with its evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Whether memory shows all of it; `false` when a part is likely, not certain.
    pub is_sure: bool,
    /// The links of the chain: each waits for what the next one keeps from it. Of a circle the
    /// last one waits for what the first one keeps.
    pub links: Vec<Link>,
    /// The index of the runtime that it is about as a whole, in [`Report::runtimes`]; `None` for a
    /// fault of tasks.
    pub runtime: Option<usize>,
    /// Tasks that wait for the same things, or for those that do, in the order in which they were
    /// found.
    pub behind: Vec<TaskIndex>,
}

/// One wait, and what keeps it from ending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// What is waited for, by whom.
    pub wait: WaitId,
    /// Why it does not end.
    pub cause: Cause,
}

/// Why a wait does not end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// That holder has it: the number of one of its resource's holders.
    Held(u32),
    /// That holder has it, and every thread that could poll the holder is blocked: by the wait of
    /// the next link.
    HeldUnpolled(u32),
    /// One of those who wait for it has it, though no guard was found: no other thread runs.
    HeldByWaiter,
    /// That wait, which nothing polls, was given it or comes before.
    Unpolled(WaitId),
    /// That task has not ended.
    NotEnded(TaskIndex),
    /// That local task's set is polled by nobody.
    SetNotPolled(TaskIndex),
    /// That closure has no thread, and no closure that has one ends.
    NoThread(TaskIndex),
    /// No thread of the runtime with that index waits for timers and sockets.
    NotDriven(usize),
    /// That task keeps the thread that would bring it busy.
    Busy(TaskIndex),
    /// It never comes.
    Never,
    /// Nothing can wake the task that waits.
    NoWaker,
}

impl Finding {
    /// The tasks of its links, each once; of the end of a runtime what it waits for.
    #[must_use]
    pub fn tasks(&self, report: &Report) -> Vec<TaskIndex> {
        let left = match (self.kind, self.runtime) {
            (FindingKind::Shutdown, Some(runtime)) => report.left_in(runtime),
            _ => Vec::new(),
        };
        let task = |link: &Link| match link.cause {
            Cause::Busy(task) => task,
            _ => report.wait(link.wait).task,
        };
        let mut seen = FxHashSet::default();
        let all = left.into_iter().chain(self.links.iter().map(task));
        all.filter(|task| seen.insert(*task)).collect()
    }
}

impl Report {
    /// What keeps a runtime from ending: the closures that its threads for blocking work run, and
    /// the tasks that its workers run.
    fn left_in(&self, runtime: usize) -> Vec<TaskIndex> {
        let runs = |task: &&Task| {
            task.runtime == Some(runtime)
                && task.state == TaskState::Running
                && task.kind != TaskKind::BlockOn
        };
        self.tasks.iter().filter(runs).map(|task| task.index).collect()
    }
}

impl Link {
    /// The resource that is waited for, and its holder where one keeps it.
    #[must_use]
    pub fn resource<'r>(
        &self,
        report: &'r Report,
    ) -> (ResourceId, &'r Resource, Option<&'r Holder>) {
        let id = report.wait(self.wait).resource;
        let resource = report.resource(id);
        let holder = match self.cause {
            Cause::Held(number) | Cause::HeldUnpolled(number) => {
                resource.holders.get(number as usize)
            }
            _ => None,
        };
        (id, resource, holder)
    }
}
