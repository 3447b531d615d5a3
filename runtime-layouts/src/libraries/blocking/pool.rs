//! The pool itself: how many threads it has, and what waits for one.

use super::expected::INNER;
use crate::knowledge::naming::version_in_path;
use crate::libraries::rust_std::collections;
use crate::report::{
    BlockingPool, Driver, Flavor, QueuePlace, RunQueue, Runtime, TaskIndex, TaskState,
};
use crate::value::{Program, Value, ValueError};
use crate::walk::Inspection;

/// The types of the static variable: in 1.3 it is made when it is first asked for.
pub(super) const STATICS: [&str; 2] =
    ["blocking::Executor", "async_lock::once_cell::OnceCell<blocking::Executor>"];

const QUEUE: &str = "alloc::collections::vec_deque::VecDeque<";
/// More closures than this are not listed.
const MAX_QUEUED: usize = 1 << 16;
/// More threads than this there cannot be (`MAX_MAX_THREADS`): memory is torn.
const MAX_THREADS: u64 = 10_000;

/// A pool.
pub(super) struct Pool {
    pub(super) address: u64,
    pub(super) module: usize,
    threads: u64,
    idle: u64,
    limit: Option<u64>,
    /// The headers of the tasks that wait for a thread, the next one first.
    pub(super) queued: Vec<u64>,
    is_locked: bool,
}

impl Pool {
    /// The pool in a static variable; `None` for one that was not made so far.
    pub(super) fn read(program: &Program<'_>, variable: Value) -> Result<Option<Self>, ValueError> {
        let Some(inner) = variable.find_inline(program, INNER.newest())? else { return Ok(None) };
        let number = |name| inner.member(program, name)?.unsigned(program);
        let (threads, idle) = (number("thread_count")?, number("idle_count")?);
        if threads > MAX_THREADS || idle > threads {
            return Ok(None);
        }
        let limit = match inner.find_number(program, "thread_limit")? {
            Some(limit) => Some(limit),
            None => variable.find_number(program, "thread_limit")?,
        };
        let word = variable.find_number(program, "futex")?;
        Ok(Some(Self {
            address: variable.address,
            module: variable.ty.module,
            threads,
            idle,
            limit: limit.filter(|limit| *limit > 0),
            queued: queued(program, inner)?,
            is_locked: word.is_some_and(|word| word != 0),
        }))
    }

    /// Whether it has threads, or should have.
    pub(super) fn is_used(&self) -> bool {
        self.threads > 0 || !self.queued.is_empty()
    }
}

/// The headers of the tasks in the queue; in 1.6 that is there only once something was in it.
fn queued(program: &Program<'_>, inner: Value) -> Result<Vec<u64>, ValueError> {
    let Some(queue) = inner.member(program, "queue")?.find_inline(program, QUEUE)? else {
        return Ok(Vec::new());
    };
    let queued = collections::in_deque(program, queue, MAX_QUEUED)?;
    let header = |runnable: Value| {
        let pointer = runnable.member(program, "ptr")?;
        Ok(program.read_pointer(pointer.address)?)
    };
    queued.into_iter().map(header).collect()
}

/// Adds a pool as what runs those of the tasks from the first one on that are its own. `is_only` says
/// that what threads run can be of no other.
pub(super) fn add_runtime(
    inspection: &mut Inspection<'_>,
    pool: &Pool,
    first: usize,
    is_only: bool,
) {
    let id = inspection.runtimes.len();
    let mut queued = vec![None; pool.queued.len()];
    let mut listed = 0;
    for (at, task) in (first..).zip(&mut inspection.tasks[first..]) {
        let place = pool.queued.iter().position(|header| *header == task.address);
        let runs = is_only && task.state == TaskState::Running;
        if task.runtime.is_some() || !(runs || place.is_some()) {
            continue;
        }
        task.runtime = Some(id);
        listed += 1;
        if let Some(place) = place {
            queued[place] = u32::try_from(at).ok().map(TaskIndex);
        }
    }
    if listed == 0 {
        return;
    }
    let tasks: Vec<TaskIndex> = queued.into_iter().flatten().collect();
    let files = inspection.source_files(pool.module);
    let version = files.filter_map(|file| version_in_path(file, "blocking")).next();
    let object =
        (pool.module > 0).then(|| inspection.program.layouts(pool.module).provenance().path);
    let mut incomplete = Vec::new();
    if pool.is_locked {
        incomplete.push("a thread is changing its queue".to_string());
    }
    inspection.runtimes.push(Runtime {
        id,
        library: super::LIBRARY.name,
        version,
        object,
        flavor: Flavor::BLOCKING_POOL,
        address: pool.address,
        workers: Vec::new(),
        driver: Driver::Unknown,
        injected: None,
        queues: match tasks.is_empty() {
            true => Vec::new(),
            false => vec![RunQueue { place: QueuePlace::Blocking, tasks }],
        },
        shutdown: None,
        blocking: Some(BlockingPool {
            threads: pool.threads,
            limit: pool.limit,
            idle: pool.idle,
            queued: pool.queued.len() as u64,
        }),
        counted_tasks: None,
        listed_tasks: listed,
        incomplete,
    });
}
