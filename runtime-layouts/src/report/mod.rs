//! The report: the result of an inspection, and the only thing that the front ends render.
//!
//! A process may have a million tasks, so a report is compact: it stores what all frames of one
//! type and state share (names, files, lines) once, as a [`Site`]; a task has site numbers and
//! addresses.

mod chain;
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
mod task;
mod threads;
mod timer;
mod trust;
mod unaccepted;
mod unflushed;
mod wait_list;
mod wakers;

pub use self::chain::{
    Chain, Frame, FrameKind, FutureState, Polled, SiblingsOfStack, Site, SiteId,
};
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
pub use self::task::{Panic, Task, TaskId, TaskKind, TaskState};
pub use self::threads::{Activity, BlockedCall, ProcessThread, ThreadRole};
pub use self::timer::{Clock, Due, Timer};
pub use self::trust::{FrameSource, FutureType, Trust};
pub use self::unaccepted::Unaccepted;
pub use self::unflushed::Unflushed;
pub use self::wait_list::WaitList;
pub use self::wakers::{TaskWakers, WakerPlace};

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
    /// Connections that wait to be accepted while nobody waits for one there, by task.
    pub unaccepted: Vec<Unaccepted>,
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
            unaccepted: Vec::new(),
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
