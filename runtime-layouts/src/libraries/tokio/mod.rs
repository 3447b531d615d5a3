//! tokio: runtimes, tasks and their states, found in memory.
//!
//! The search goes by structure, that is by names of types and members, and never by a version
//! number.

mod block_on;
mod block_on_stack;
mod blocking;
mod context;
mod duplex;
mod expected;
mod handles;
pub(crate) mod join;
mod linked_list;
mod local_set;
mod net;
mod outputs;
mod owned_list;
mod panics;
mod printers;
mod public_paths;
mod queues;
mod resources;
mod running;
mod runtime;
mod scheduler;
mod select;
mod shutdown;
mod spawn;
mod state;
pub(crate) mod sync;
mod task;
mod task_links;
mod time;
mod workers;

use std::collections::{HashMap, HashSet};

use self::context::ThreadContext;
use self::local_set::LocalSets;
use self::scheduler::Scheduler;
use crate::knowledge::connection::ObservedBuffer;
use crate::knowledge::naming::version_in_path;
use crate::knowledge::{BlockingCall, ConnectionType, Library, Runtime};
use crate::parallel::Job;
use crate::report::{Flavor, Task, TaskId, TaskKind, TaskState, ThreadRef};
use crate::value::Program;
use crate::walk::Inspection;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    // What its driver waits with: `mio/src/sys/unix/selector/epoll.rs` (1.0).
    entering_kernel: &["mio::"],
    runtime: Some(Runtime {
        root: Some(expected::CONTEXT.newest()),
        // In messages (`there is no reactor running, must be called from the context of a Tokio 1.x
        // runtime`), in names of threads, and in the paths of panics (tokio 1.0 to 1.54): `Tokio` or
        // `tokio`.
        text: b"okio",
        task_polls: &["tokio::runtime::task::raw::poll"],
        // `runtime/blocking/pool.rs` (tokio 1.0 to 1.54).
        pool_loops: &["tokio::runtime::blocking::pool::Inner::run"],
    }),
    notable_functions: NEW_RUNTIME,
    // `JoinHandle::abort_handle`, which a `JoinSet` calls for each of its tasks too
    // (`runtime/task/join.rs`, `task/join_set.rs`; 1.19 to 1.54). Both are generic: only a program
    // that calls them has them.
    makes_abort_handles: &["abort_handle"],
    expectations: expected::EXPECTATIONS,
    named_types: expected::NAMED_TYPES,
    defining_crates: &["tokio"],
    collections: &[select::COLLECTIONS, sync::messages::COLLECTIONS, outputs::COLLECTIONS],
    printers: &[printers::PRINTERS],
    // `tokio::coop` until 1.21.
    passing_on: &["tokio::runtime::", "tokio::loom::", "tokio::task::coop::", "tokio::coop::"],
    public_paths: public_paths::PUBLIC_PATHS,
    resources: resources::RESOURCES,
    guards: resources::GUARDS,
    connections: &[
        ConnectionType::used("tokio::io::util::buf_writer::BufWriter", ObservedBuffer::writer),
        ConnectionType::socket("tokio::net::tcp::listener::TcpListener"),
        ConnectionType::socket("tokio::net::tcp::stream::TcpStream"),
        ConnectionType::socket("tokio::net::unix::stream::UnixStream"),
    ],
    handles: &handles::HANDLES,
    blocking: BLOCKING,
    ..Library::named("tokio")
};

/// Calls that poll a future until it is ready, and those that wait for a message
/// (`runtime/{runtime,handle}.rs`, `sync/{mpsc/bounded,mpsc/unbounded,oneshot}.rs`, tokio 1.54.1).
const BLOCKING: &[BlockingCall] = &[
    BlockingCall::block_on("tokio::runtime::handle::Handle::block_on"),
    BlockingCall::block_on("tokio::runtime::runtime::Runtime::block_on"),
    BlockingCall::block_on("tokio::sync::mpsc::bounded::Receiver::blocking_recv"),
    BlockingCall::block_on("tokio::sync::mpsc::bounded::Sender::blocking_send"),
    BlockingCall::block_on("tokio::sync::mpsc::unbounded::UnboundedReceiver::blocking_recv"),
    BlockingCall::block_on("tokio::sync::oneshot::Receiver::blocking_recv"),
    BlockingCall::block_on("tokio::sync::mutex::Mutex::blocking_lock"),
    BlockingCall::block_on("tokio::sync::rwlock::RwLock::blocking_read"),
    BlockingCall::block_on("tokio::sync::rwlock::RwLock::blocking_write"),
];

/// Functions that make a runtime which a thread need not be inside of.
const NEW_RUNTIME: &[&str] = &["new_current_thread", "build_local"];

/// Finds every runtime that a thread is inside of, its tasks, and the futures that threads block
/// on. Libraries may have a tokio of their own, which numbers its tasks from 1 again: behind the
/// first one that has any, the ids begin with the tokio's number and a dot.
pub(super) fn discover(inspection: &mut Inspection<'_>) {
    let mut number = 0;
    for module in 0..inspection.program.modules().len() {
        let (first_runtime, first_task) = (inspection.runtimes.len(), inspection.tasks.len());
        discover_in(inspection, module);
        if inspection.tasks.len() == first_task && inspection.runtimes.len() == first_runtime {
            continue;
        }
        number += 1;
        if number > 1 {
            for task in &mut inspection.tasks[first_task..] {
                task.id = TaskId(format!("{number}.{}", task.id.0));
            }
            let workers = inspection.runtimes[first_runtime..].iter_mut();
            for worker in workers.flat_map(|runtime| &mut runtime.workers) {
                worker.task = worker.task.take().map(|id| TaskId(format!("{number}.{}", id.0)));
            }
        }
    }
    if number == 0 && !inspection.problems.is_empty() {
        running::add_polled(inspection);
    }
    if number > 0
        && !inspection.runtimes.iter().any(|runtime| runtime.flavor == Flavor::CURRENT_THREAD)
    {
        admit_unseen(inspection);
    }
}

/// The same for the tokio in one module.
fn discover_in(inspection: &mut Inspection<'_>, module: usize) {
    let contexts = context::of_all_threads(inspection, module);
    if contexts.is_empty() {
        return;
    }
    let mut schedulers: Vec<Scheduler> = Vec::new();
    for context in &contexts {
        if let Some(scheduler) = context.scheduler(inspection)
            && !schedulers.iter().any(|known| known.address == scheduler.address)
        {
            schedulers.push(scheduler);
        }
    }
    let polled: HashMap<u64, ThreadRef> = contexts
        .iter()
        .filter_map(|context| Some((context.current_task?, context.thread)))
        .collect();
    let first = inspection.runtimes.len();
    let first_task = inspection.tasks.len();
    for scheduler in &schedulers {
        if inspection.interrupted() {
            return;
        }
        runtime::add(inspection, scheduler, &contexts, &polled);
    }
    block_on::add(inspection, module, &contexts, &schedulers, first);
    let mut sets = LocalSets::default();
    sets.add_entered(inspection, module, &contexts, &schedulers, first, &polled);
    sets.add_runners(inspection, first_task, &polled);
    blocking::add_running(inspection, &contexts, &schedulers, first);
    let known = handles::Known {
        module,
        first_task,
        first_runtime: first,
        contexts: &contexts,
        polled: &polled,
    };
    handles::follow(inspection, &known, &mut schedulers, &mut sets);
    sets.add_runners(inspection, first_task, &polled);
    shutdown::mark(inspection, &schedulers, &contexts, first);
    sets.settle(inspection, first_task);
    order(inspection.program, &mut inspection.tasks[first_task..]);
    sets.finish(inspection, first_task);
    let queues = (first..).zip(&schedulers).flat_map(|(runtime, scheduler)| {
        queues::of(inspection.program, scheduler, &contexts, runtime)
    });
    let queues = queues.collect();
    queues::finish(inspection, queues, first_task);
    let version = inspection.source_files(module).find_map(version_in);
    let version = version.or_else(|| version_on_stacks(inspection.program, module));
    let object = (module > 0).then(|| inspection.program.layouts(module).provenance().path);
    for runtime in &mut inspection.runtimes[first..] {
        runtime.version = runtime.version.take().or_else(|| version.clone());
        runtime.object.clone_from(&object);
    }
}

/// Says so when there may be a runtime that nothing leads to.
fn admit_unseen(inspection: &mut Inspection<'_>) {
    let mut modules = inspection.program.modules().iter();
    if modules.any(|module| NEW_RUNTIME.iter().any(|name| module.layouts.has_function(name))) {
        inspection.caveats.push(
            "This list would miss a current_thread runtime that no thread is in now and that no \
             task or thread has a handle to."
                .to_string(),
        );
    }
}

/// tokio's version in the path of one of its files: `…/tokio-1.54.1/src/runtime/task/raw.rs`.
fn version_in(file: &str) -> Option<String> {
    version_in_path(file, "tokio")
}

/// tokio's version by the functions that threads are in, where no future of a task tells it.
fn version_on_stacks(program: &Program<'_>, module: usize) -> Option<String> {
    program.target().threads().iter().find_map(|thread| {
        program.stack(thread).iter().find_map(|frame| {
            let (of, address) = program.module_at(frame.pc.lookup())?;
            let calls = program.layouts(of).calls_at(address).ok().filter(|_| of == module)?;
            let mut files = calls.iter().filter_map(|call| call.location.as_ref());
            files.find_map(|location| version_in(&location.file.path))
        })
    })
}

/// `block_on` futures first, those by the kernel's thread ids, which are the same in every front;
/// then by runtime and number.
fn order(program: &Program<'_>, tasks: &mut [Task]) {
    // Once a task, and by several threads: its number is text, which is nowhere near the task.
    let batch = |_: &Program<'_>, (): &mut (), tasks: &[Task]| -> Vec<u128> {
        tasks.iter().map(place).collect()
    };
    let mut places = Vec::with_capacity(tasks.len());
    let job = Job { items: tasks, begin: &|| (), batch: &batch };
    job.run(program, &mut (), &mut |_, some| places.extend(some));
    // Where the user asked to stop.
    places.extend(tasks[places.len()..].iter().map(place));
    let mut order: Vec<(u128, usize)> = places.into_iter().zip(0..).collect();
    order.sort_unstable();
    // As `sort_by_cached_key` does it: one that was there was put where it belongs.
    for to in 0..order.len() {
        let mut from = order[to].1;
        while from < to {
            from = order[from].1;
        }
        order[to].1 = from;
        tasks.swap(to, from);
    }
}

/// What tells a task's place among others.
fn place(task: &Task) -> u128 {
    let (rank, number) = match (task.kind, task.runtime) {
        (TaskKind::BlockOn, _) => (0, task.thread.map_or(0, |thread| thread.tid)),
        (_, runtime) => {
            let rank = runtime.map_or(1, |runtime| runtime as u64 + 2);
            (rank, task.id.0.parse().unwrap_or(u64::MAX))
        }
    };
    u128::from(rank) << 64 | u128::from(number)
}

/// The thread that is inside this task's poll, and the task's state: a task whose state word says
/// that it runs.
fn running_on(
    state: TaskState,
    id: Option<u64>,
    polled: &HashMap<u64, ThreadRef>,
) -> Option<ThreadRef> {
    let id = id.filter(|_| state == TaskState::Running)?;
    polled.get(&id).copied()
}

/// Gives numbers to the tasks from the first one on that have no id of their own: in the order of
/// these addresses, the rest behind them.
fn number(inspection: &mut Inspection<'_>, first: usize, order: &[u64]) {
    const CAVEAT: &str = "The ids are positions in the runtime's task lists, oldest first: before \
                          tokio 1.18 tasks have no ids of their own.";
    let tasks = &mut inspection.tasks;
    if !tasks[first..].iter().any(|task| task.id.0.is_empty()) {
        return;
    }
    let places: HashMap<u64, usize> =
        order.iter().enumerate().map(|(place, address)| (*address, place)).collect();
    tasks[first..].sort_by_key(|task| places.get(&task.address).copied().unwrap_or(usize::MAX));
    let taken: HashSet<String> = tasks.iter().map(|task| task.id.0.clone()).collect();
    let mut free = (1..).map(task_id).filter(|id| !taken.contains(&id.0));
    for task in &mut tasks[first..] {
        if task.id.0.is_empty()
            && let Some(id) = free.next()
        {
            task.id = id;
        }
    }
    if !inspection.caveats.iter().any(|caveat| caveat == CAVEAT) {
        inspection.caveats.push(CAVEAT.to_string());
    }
}

fn task_id(number: u64) -> TaskId {
    TaskId(number.to_string())
}

/// The threads of the contexts that belong to a worker of the scheduler at this address.
fn worker_threads(
    contexts: &[ThreadContext],
    scheduler: u64,
) -> impl Iterator<Item = &ThreadContext> {
    contexts.iter().filter(move |context| {
        context.worker.as_ref().is_some_and(|worker| worker.scheduler == scheduler)
    })
}
