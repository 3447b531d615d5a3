//! A look at every thread of the process: what it is for, and what it does.
//!
//! What a runtime says of a thread is believed: a worker that is parked, and a thread that polls a
//! task, whose frames are known already. Every other thread's stack is unwound, once.

pub(crate) mod guards;
pub(crate) mod lock_references;
pub(crate) mod stack_references;

use rustc_hash::FxHashMap;

use crate::knowledge::Libraries;
use crate::layout::name::plain_path;
use crate::report::{
    Activity, BlockedCall, ProcessThread, ResourceKind, Runtime, Task, TaskIndex, TaskKind,
    TaskState, ThreadRef, ThreadRole, WorkerState,
};
use crate::target::Thread;
use crate::value::Program;
use crate::walk::chains::site_table::SiteTable;
use crate::walk::stacks::blocked_calls;
use crate::walk::stacks::native_stack::{self, NativeCall};
use crate::walk::waits::Waits;

/// What runtimes and tasks say of threads, by the kernel's thread ids.
struct Known<'r> {
    workers: FxHashMap<u64, (usize, usize, WorkerState)>,
    /// The task that each polls, or else the future that it sleeps for.
    tasks: FxHashMap<u64, &'r Task>,
    /// What blocks the thread that polls a task.
    blocked: FxHashMap<TaskIndex, BlockedCall>,
}

/// Every thread, in the order of the front. The locks that threads wait for which poll no task are
/// added to `waits`.
pub(crate) fn survey(
    program: &Program<'_>,
    sites: &mut SiteTable,
    (runtimes, tasks): (&[Runtime], &[Task]),
    waits: &mut Waits,
) -> Vec<ProcessThread> {
    let known = Known::of(runtimes, tasks, waits);
    let pid = program.target().identity().pid;
    let wants_locks = waits.resources.iter().any(|it| it.kind == ResourceKind::ThreadLock);
    let mut found = Vec::new();
    for thread in program.target().threads() {
        if program.is_interrupted() {
            break;
        }
        let task = known.tasks.get(&thread.tid).copied();
        let worker = known.workers.get(&thread.tid).copied();
        let mut one = ProcessThread {
            thread: ThreadRef { number: thread.number, tid: thread.tid },
            is_main: pid.map_or(thread.number == 1, |pid| pid == thread.tid),
            role: match (worker, task) {
                (Some((runtime, worker, _)), _) => ThreadRole::Worker { runtime, worker },
                (None, Some(task)) if task.kind == TaskKind::Blocking => ThreadRole::BlockingPool,
                _ => ThreadRole::Other,
            },
            task: task.map(|task| task.index),
            activity: Activity::Running,
            blocked: None,
            refers_to: Vec::new(),
            ran: program.target().host().and_then(|host| host.ran(thread.tid)),
        };
        let is_parked = worker.is_some_and(|(_, _, state)| state == WorkerState::Parked);
        match task {
            Some(task) if task.state == TaskState::Running => {
                one.blocked = known.blocked.get(&task.index).copied();
            }
            Some(task) if task.kind == TaskKind::BlockOn => {
                if is_in_call(sites, task) && !one.is_main {
                    look(program, sites, thread, waits, &mut one);
                }
                if one.blocked.is_none() {
                    one.activity = Activity::Parked;
                }
            }
            _ if is_parked => one.activity = Activity::Parked,
            _ => look(program, sites, thread, waits, &mut one),
        }
        if one.blocked.is_some() {
            one.activity = Activity::Blocked;
        }
        // On its way to sleep or from there it may hold a lock of its runtime's.
        if wants_locks
            && one.activity == Activity::Parked
            && !blocked_calls::is_in_kernel(program, sites.libraries(), thread)
        {
            one.activity = Activity::Running;
        }
        found.push(one);
    }
    found
}

/// Whether a future is one that a thread outside of all runtimes waits for by a call for a channel or
/// a lock, as `Receiver::blocking_recv`.
fn is_in_call(sites: &SiteTable, task: &Task) -> bool {
    let is_users = |root| sites.is_user_code(root);
    task.kind == TaskKind::BlockOn && task.runtime.is_none() && !task.root.is_some_and(is_users)
}

impl<'r> Known<'r> {
    fn of(runtimes: &[Runtime], tasks: &'r [Task], waits: &Waits) -> Self {
        let mut workers = FxHashMap::default();
        for (at, runtime) in runtimes.iter().enumerate() {
            for (number, worker) in runtime.workers.iter().enumerate() {
                if let Some(thread) = worker.thread {
                    workers.insert(thread.tid, (at, number, worker.state));
                }
            }
        }
        let mut by_thread: FxHashMap<u64, &Task> = FxHashMap::default();
        for task in tasks {
            let Some(thread) = task.thread else { continue };
            let polled = by_thread.entry(thread.tid).or_insert(task);
            if polled.state != TaskState::Running {
                *polled = task;
            }
        }
        let blocks = waits.waits.iter().filter_map(|wait| {
            let (resource, access) = (wait.resource, wait.access);
            let call = BlockedCall { resource, access, call: wait.leaf, user: wait.user };
            wait.blocks_thread.then_some((wait.task, call))
        });
        Self { workers, tasks: by_thread, blocked: blocks.collect() }
    }
}

/// What the stack of a thread shows that polls no task.
fn look(
    program: &Program<'_>,
    sites: &mut SiteTable,
    thread: &Thread,
    waits: &mut Waits,
    found: &mut ProcessThread,
) {
    let calls = native_stack::calls(program, &program.stack(thread));
    // A worker is on a thread of the pool, as far as its stack shows.
    let is_worker = matches!(found.role, ThreadRole::Worker { .. });
    if let Some(has_work) = pool_thread(sites.libraries(), &calls).filter(|_| !is_worker) {
        found.role = ThreadRole::BlockingPool;
        if !has_work {
            found.activity = Activity::Parked;
            return;
        }
    }
    let chain = native_stack::chain_of(program, sites, &calls);
    if let Some(blocked) = blocked_calls::of_frames(program, sites, thread, &chain) {
        found.blocked = Some(waits.blocked_thread(sites, &chain, blocked));
    }
}

/// Of a thread of a runtime's pool, whether it runs a closure; `None` for any other thread.
fn pool_thread(libraries: Libraries, calls: &[NativeCall]) -> Option<bool> {
    let mut has_work = false;
    for call in calls {
        let NativeCall::Known { call, .. } = call else { continue };
        let function = plain_path(&call.function.name);
        for (_, runtime) in libraries.runtimes() {
            has_work |= runtime.task_polls.contains(&&*function);
            if runtime.pool_loops.contains(&&*function) {
                return Some(has_work);
            }
        }
    }
    None
}

/// Gives what waits for the ends of threads the futures that these block on: a thread does not end
/// before its future does. Where one of several threads is waited for, and it is not known which, all of
/// them must block on some.
pub(crate) fn give_joined(threads: &[ProcessThread], tasks: &[Task], waits: &mut Waits) {
    let future = |joined: &ThreadRef| {
        let future = threads.iter().find(|it| it.thread == *joined)?.task?;
        let known = &tasks[future.0 as usize];
        (known.kind == TaskKind::BlockOn && known.state != TaskState::Running).then_some(future)
    };
    for (id, joined) in &waits.threads {
        let resource = &mut waits.resources[id.0 as usize];
        let futures: Vec<TaskIndex> = joined.iter().filter_map(future).collect();
        let are_all = futures.len() == joined.len();
        if resource.tasks.is_empty() && (resource.needs_all || are_all) {
            resource.tasks = futures;
        }
    }
}

/// Marks the workers whose threads the tasks that they poll block.
pub(crate) fn mark_blocked_workers(runtimes: &mut [Runtime], tasks: &[Task], waits: &Waits) {
    for wait in waits.waits.iter().filter(|wait| wait.blocks_thread) {
        let thread = tasks[wait.task.0 as usize].thread;
        let workers = runtimes.iter_mut().flat_map(|runtime| &mut runtime.workers);
        for worker in workers.filter(|it| it.state.is_busy() && it.thread.is_some()) {
            if worker.thread == thread {
                worker.state = WorkerState::Blocked;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeReport;
    use crate::knowledge::ObservedResource;

    /// The futures that are needed by who waits for two threads, of which the first blocks on a future
    /// and the second one does so or computes.
    fn needed(needs_all: bool, does_second_block: bool) -> usize {
        let mut story = FakeReport::new();
        let futures = [story.task(), story.task()];
        for (tid, at) in (7..).zip(futures) {
            let future = story.task_mut(at);
            future.kind = TaskKind::BlockOn;
            let is_blocked = tid == 7 || does_second_block;
            story.thread(tid, Activity::Parked).task = is_blocked.then_some(at.task);
        }
        let report = story.report();
        let threads: Vec<ThreadRef> = report.threads.iter().map(|known| known.thread).collect();
        let mut waits = Waits::default();
        let joined = ObservedResource {
            threads,
            needs_all,
            ..ObservedResource::without_address(ResourceKind::Blocking)
        };
        let id = waits.resource(joined, &"a scope".into());
        give_joined(&report.threads, &report.tasks, &mut waits);
        waits.resources[id.0 as usize].tasks.len()
    }

    #[test]
    fn one_of_several_threads_may_be_the_one_that_goes_on() {
        assert_eq!((needed(true, true), needed(true, false)), (2, 1), "each must end");
        assert_eq!((needed(false, true), needed(false, false)), (2, 0), "one of them");
    }
}
