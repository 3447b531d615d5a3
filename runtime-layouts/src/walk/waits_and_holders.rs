//! Collects the waits of all tasks and the holders of their resources in one pass, which fetches
//! each page of memory once.

use std::sync::mpsc::{self, Sender};

use super::chains::site_table::SiteTable;
use super::connections::{ConnectionBatch, ConnectionReader};
use super::holders::Holders;
use super::holders::guards::{GuardBatch, Guards};
use super::stacks::block_on_calls::PolledByCalls;
use super::threads;
use super::threads::lock_references;
use super::waits::leaf_waits::{FoundWait, LeafReader};
use super::waits::{QueueOrder, Waits};
use crate::knowledge::Tasks;
use crate::parallel::{self, Job};
use crate::report::{ProcessThread, Runtime, Task, TaskState};
use crate::value::Program;

/// What one thread found in a batch of tasks.
#[derive(Default)]
struct FoundInBatch {
    waits: Vec<FoundWait>,
    guards: GuardBatch,
    connections: ConnectionBatch,
}

/// What the tasks keep, batch by batch.
#[derive(Default)]
struct Kept {
    guards: Vec<GuardBatch>,
    connections: Vec<ConnectionBatch>,
}

/// What was found.
pub(crate) struct Found {
    /// The waits, and the resources with their holders.
    pub(crate) waits: Waits,
    /// What the tasks are connected by.
    pub(crate) connections: Vec<ConnectionBatch>,
    /// Every thread of the process.
    pub(crate) threads: Vec<ProcessThread>,
    /// `false` when it ended early, since the user asked to stop.
    pub(crate) is_whole: bool,
}

/// Finds the waits of all tasks and the holders of what they wait for, by several threads where
/// there are many tasks.
pub(crate) fn find(
    program: &Program<'_>,
    sites: &mut SiteTable,
    (runtimes, tasks, polled): (&[Runtime], &[Task], &PolledByCalls),
) -> Found {
    let mut waits = Waits::default();
    let mut holders = Holders::of(sites.libraries());
    // Some queue is as long as the list of tasks: it is read while others are still looked for.
    let (sender, orders) = mpsc::channel::<QueueOrder>();
    let mut connections = Vec::new();
    let (orders, is_whole) = parallel::beside(
        program,
        tasks.len(),
        |program| orders.into_iter().map(|order| order.read(program)).collect::<Vec<_>>(),
        || {
            let (kept, is_whole) = read(program, sites, (tasks, polled), &mut waits, sender);
            connections = kept.connections;
            if is_whole {
                waits.queue();
                holders.add_all(program, kept.guards, &mut waits);
            }
            is_whole
        },
    );
    let mut threads = Vec::new();
    if is_whole {
        waits.sort(program, sites, orders.unwrap_or_default());
        // Threads before holders, which they may be; and who has a lock before it is told whether
        // those that spin for it can ever get it.
        threads = threads::survey(program, sites, (runtimes, tasks), &mut waits);
        waits.take_callers(&threads);
        lock_references::mark(program, sites, (&mut threads, tasks), &waits);
        holders.finish(program, sites, (&threads, tasks, &connections), &mut waits);
        lock_references::add_holders(program, sites, (&threads, tasks), &mut waits);
        waits.let_spin(tasks, &mut threads);
    }
    Found { waits, connections, threads, is_whole }
}

/// What reads the tasks, one for each thread.
type Readers = (LeafReader, Guards, ConnectionReader);

/// Adds the waits, and returns what the tasks keep: whose guards those are can be told when all waits
/// are known. The orders of queues are sent, each as soon as it is known that it matters.
fn read(
    program: &Program<'_>,
    sites: &SiteTable,
    (tasks, polled): (&[Task], &PolledByCalls),
    waits: &mut Waits,
    orders: Sender<QueueOrder>,
) -> (Kept, bool) {
    let known = Tasks::of(tasks);
    let batch = |program: &Program<'_>, readers: &mut Readers, tasks: &[Task]| {
        let (leaves, guards, connections) = readers;
        let mut found =
            FoundInBatch { waits: Vec::with_capacity(tasks.len()), ..FoundInBatch::default() };
        for task in tasks.iter().take_while(|_| !program.target().interrupted()) {
            leaves.of_task(program, sites, &known, task, &mut found.waits);
            guards.of_task(program, sites, task, &mut found.guards);
            connections.of_task(program, sites, task, &mut found.connections);
        }
        found.guards.shrink();
        found
    };
    let libraries = sites.libraries();
    let begin = || -> Readers {
        (LeafReader::of(libraries), Guards::of(libraries), ConnectionReader::of(libraries))
    };
    let job = Job { items: tasks, begin: &begin, batch: &batch };
    let is_running = |task: &&Task| task.state == TaskState::Running;
    let mut running = tasks.iter().filter(is_running).peekable();
    let mut kept = Kept::default();
    let is_whole = job.run(program, &mut begin(), &mut |_, found: FoundInBatch| {
        for waiting in found.waits {
            while let Some(task) = running.next_if(|task| task.index <= waiting.wait.task) {
                waits.add_blocked(program, sites, task, polled);
            }
            if let Some(order) = waits.add(program, waiting) {
                // Nobody reads it where no thread could be started for that.
                let _ = orders.send(order);
            }
        }
        kept.guards.push(found.guards);
        kept.connections.push(found.connections);
    });
    running.for_each(|task| waits.add_blocked(program, sites, task, polled));
    (kept, is_whole)
}
