//! Runtimes and local sets in JSON.

use serde::Serialize;

use super::{PlaceJson, ThreadJson, hexadecimal};
use crate::text::workers::summary;
use runtime_layouts::report::{
    BlockingPool, Driver, LocalSet, QueuePlace, Report, RunQueue, Runtime, Shutdown, TaskIndex,
    Worker, WorkerState,
};

/// So many tasks stand with each queue and set; how many there are stands beside them.
const MAX_LISTED: usize = 64;

fn ids<'r>(report: &'r Report, tasks: &[TaskIndex]) -> Vec<&'r str> {
    tasks.iter().take(MAX_LISTED).map(|task| report.task(*task).id.0.as_str()).collect()
}

#[derive(Serialize)]
pub(super) struct RuntimeJson<'r> {
    id: usize,
    runtime: &'r str,
    version: Option<&'r str>,
    object: Option<&'r str>,
    flavor: &'r str,
    text: String,
    polled_by: &'static str,
    workers: Vec<WorkerJson<'r>>,
    driver: DriverJson,
    injected: Option<u64>,
    queues: Vec<QueueJson<'r>>,
    blocking: Option<BlockingJson>,
    shutdown: Option<ShutdownJson<'r>>,
    alive_tasks: u64,
    counted_tasks: Option<u64>,
    incomplete: &'r [String],
}

impl<'r> RuntimeJson<'r> {
    pub(super) fn new(report: &'r Report, runtime: &'r Runtime) -> Self {
        Self {
            id: runtime.id,
            runtime: runtime.library,
            version: runtime.version.as_deref(),
            object: runtime.object.as_deref(),
            flavor: runtime.flavor.name,
            text: summary(report, runtime),
            polled_by: runtime.flavor.pollers.word(),
            workers: runtime.workers.iter().map(WorkerJson::new).collect(),
            driver: DriverJson::new(runtime.driver),
            injected: runtime.injected,
            queues: runtime.queues.iter().map(|queue| QueueJson::new(report, queue)).collect(),
            blocking: runtime.blocking.as_ref().map(BlockingJson::new),
            shutdown: runtime.shutdown.map(|shutdown| ShutdownJson::new(report, shutdown)),
            alive_tasks: runtime.listed_tasks,
            counted_tasks: runtime.counted_tasks,
            incomplete: &runtime.incomplete,
        }
    }
}

#[derive(Serialize)]
struct WorkerJson<'r> {
    index: usize,
    thread: Option<u32>,
    tid: Option<u64>,
    state: &'static str,
    task: Option<&'r str>,
    queued: Option<u64>,
}

impl<'r> WorkerJson<'r> {
    fn new(worker: &'r Worker) -> Self {
        Self {
            index: worker.index,
            thread: worker.thread.map(|thread| thread.number),
            tid: worker.thread.map(|thread| thread.tid),
            state: match worker.state {
                WorkerState::Parked => "parked",
                WorkerState::Running => "running",
                WorkerState::Blocked => "blocked",
                WorkerState::Ended => "ended",
                WorkerState::Unknown => "unknown",
            },
            task: worker.task.as_ref().map(|task| task.0.as_str()),
            queued: worker.queued,
        }
    }
}

/// Who waits for timers and sockets.
#[derive(Serialize)]
struct DriverJson {
    state: &'static str,
    worker: Option<usize>,
}

impl DriverJson {
    fn new(driver: Driver) -> Self {
        match driver {
            Driver::Worker(index) => Self { state: "worker", worker: Some(index) },
            Driver::Nobody => Self { state: "nobody", worker: None },
            Driver::Unknown => Self { state: "unknown", worker: None },
        }
    }
}

#[derive(Serialize)]
struct QueueJson<'r> {
    place: &'static str,
    worker: Option<usize>,
    tasks: Vec<&'r str>,
    tasks_count: usize,
}

impl<'r> QueueJson<'r> {
    fn new(report: &'r Report, queue: &RunQueue) -> Self {
        let (place, worker) = match queue.place {
            QueuePlace::Lifo(worker) => ("lifo", Some(worker)),
            QueuePlace::Worker(worker) => ("worker", Some(worker)),
            QueuePlace::Shared => ("shared", None),
            QueuePlace::Blocking => ("blocking", None),
        };
        let tasks_count = queue.tasks.len();
        Self { place, worker, tasks: ids(report, &queue.tasks), tasks_count }
    }
}

#[derive(Serialize)]
struct BlockingJson {
    threads: u64,
    limit: Option<u64>,
    idle: u64,
    queued: u64,
    full: bool,
}

impl BlockingJson {
    fn new(pool: &BlockingPool) -> Self {
        let BlockingPool { threads, limit, idle, queued } = *pool;
        Self { threads, limit, idle, queued, full: pool.is_full() }
    }
}

#[derive(Serialize)]
struct ShutdownJson<'r> {
    waiting: Option<ThreadJson>,
    at: Option<PlaceJson<'r>>,
    has_timeout: bool,
}

impl<'r> ShutdownJson<'r> {
    fn new(report: &'r Report, shutdown: Shutdown) -> Self {
        let at = shutdown.at.and_then(|at| report.site(at.site).location.as_ref());
        Self {
            waiting: shutdown.waiting.map(ThreadJson::of),
            at: at.map(PlaceJson::new),
            has_timeout: shutdown.has_timeout,
        }
    }
}

#[derive(Serialize)]
pub(super) struct LocalSetJson<'r> {
    address: String,
    tasks: Vec<&'r str>,
    tasks_count: usize,
    queue: Vec<&'r str>,
    queue_count: usize,
    polled: Option<bool>,
    kept: Option<KeptJson<'r>>,
}

#[derive(Serialize)]
struct KeptJson<'r> {
    task: Option<&'r str>,
    function: &'r str,
    place: Option<PlaceJson<'r>>,
    variable: Option<&'r str>,
    certain: bool,
    shared: bool,
}

impl<'r> LocalSetJson<'r> {
    pub(super) fn new(report: &'r Report, set: &'r LocalSet) -> Self {
        Self {
            address: hexadecimal(set.address),
            tasks: ids(report, &set.tasks),
            tasks_count: set.tasks.len(),
            queue: ids(report, &set.queue),
            queue_count: set.queue.len(),
            polled: set.is_polled,
            kept: set.kept.as_ref().map(|kept| {
                let site = report.site(kept.frame.site);
                KeptJson {
                    task: kept.task.map(|task| report.task(task).id.0.as_str()),
                    function: &site.name.full,
                    place: site.location.as_ref().map(PlaceJson::new),
                    variable: kept.variable.as_deref(),
                    certain: !kept.may_be_moved,
                    shared: kept.is_shared,
                }
            }),
        }
    }
}
