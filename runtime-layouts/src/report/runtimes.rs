//! Runtimes: their workers, queues, driver and threads for blocking work.

use super::{Flavor, FrameRef, TaskId, TaskIndex, ThreadRef};

/// One runtime.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Runtime {
    /// Its number in this report, counted from 0.
    pub id: usize,
    /// The library: `tokio`.
    pub library: &'static str,
    /// The library's version; `None` when the debug information does not show it.
    pub version: Option<String>,
    /// The path of the library that it is in; `None` for the executable.
    pub object: Option<String>,
    /// How it schedules its tasks.
    pub flavor: Flavor,
    /// The address of the scheduler's handle, which is its identity.
    pub address: u64,
    /// Its workers, by index.
    pub workers: Vec<Worker>,
    /// Who waits for its timers and sockets on behalf of all.
    pub driver: Driver,
    /// Tasks in the queue that all workers take from; `None` when unknown.
    pub injected: Option<u64>,
    /// Its queues with the tasks in them that were found; those that are empty are left out.
    pub queues: Vec<RunQueue>,
    /// Its pool of threads for blocking work; `None` when unknown.
    pub blocking: Option<BlockingPool>,
    /// That it is being dropped, and who waits for that; `None` when it is not.
    pub shutdown: Option<Shutdown>,
    /// How many tasks the runtime itself says that it owns; `None` when it does not keep count.
    pub counted_tasks: Option<u64>,
    /// How many tasks were found in its lists.
    pub listed_tasks: u64,
    /// Why the list may be incomplete; empty when it is complete.
    pub incomplete: Vec<String>,
}

/// One worker of a runtime.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Worker {
    /// Its index in the runtime.
    pub index: usize,
    /// The thread it runs on; `None` when none was found.
    pub thread: Option<ThreadRef>,
    /// What it does.
    pub state: WorkerState,
    /// The id of the task that it polls; `None` when it polls none.
    pub task: Option<TaskId>,
    /// Tasks in its own run queue, without the LIFO slot; `None` when unknown.
    pub queued: Option<u64>,
}

/// Who waits for the timers and sockets of a runtime on behalf of all its tasks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Driver {
    /// That worker, by its index: it sleeps in the driver, or is the only one and runs.
    Worker(usize),
    /// No thread does now. A worker that runs takes it when it has nothing else to do; one that
    /// sleeps beside it does not.
    Nobody,
    /// Not known, or there is none.
    Unknown,
}

/// A queue of tasks that were woken and wait to be polled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunQueue {
    /// Which one it is.
    pub place: QueuePlace,
    /// The tasks in it, those that come next first.
    pub tasks: Vec<TaskIndex>,
}

/// Where a queue is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueuePlace {
    /// The one place of that worker for the task that it polls next, which no other worker takes
    /// from.
    Lifo(usize),
    /// That worker's queue, which others take from when they have nothing to do.
    Worker(usize),
    /// The queue that all workers take from.
    Shared,
    /// The queue of closures that the threads for blocking work take from.
    Blocking,
}

/// A runtime's threads for blocking work. The workers of a multi-threaded tokio runtime, which are
/// threads of the same pool, do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockingPool {
    /// Threads, idle ones too.
    pub threads: u64,
    /// How many there may be; `None` when unknown.
    pub limit: Option<u64>,
    /// Threads that wait for work.
    pub idle: u64,
    /// Closures that wait for a thread.
    pub queued: u64,
}

impl BlockingPool {
    /// Whether closures wait and no further thread will come for them before one of those that run
    /// has ended.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.queued > 0 && self.idle == 0 && self.limit.is_some_and(|limit| self.threads >= limit)
    }
}

/// The end of a runtime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shutdown {
    /// The thread that waits until the runtime's threads have ended; `None` when none was found.
    pub waiting: Option<ThreadRef>,
    /// The innermost call of the user's own code on that thread: `drop(runtime)`; `None` when its
    /// stack shows none.
    pub at: Option<FrameRef>,
    /// Whether it waits no longer than some time: `Runtime::shutdown_timeout`.
    pub has_timeout: bool,
}

/// What a worker does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkerState {
    /// Waits for work, or for the I/O and timer driver.
    Parked,
    /// Runs a task or looks for one.
    Running,
    /// Runs a task whose code, which is not async there, blocks the thread.
    Blocked,
    /// Its thread has ended, since the runtime shuts down.
    Ended,
    /// Could not be told.
    Unknown,
}

impl WorkerState {
    /// Whether it runs a task or looks for one, even if that blocks it.
    #[must_use]
    pub const fn is_busy(self) -> bool {
        matches!(self, Self::Running | Self::Blocked)
    }
}
