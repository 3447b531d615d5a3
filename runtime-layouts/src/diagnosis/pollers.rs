//! Who would poll a task, and whether all of those threads are blocked.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::report::{
    Flavor, QueuePlace, Report, Runtime, Task, TaskIndex, TaskKind, TaskState, Wait, WaitId, Worker,
};

/// The waits that block threads, by thread and by runtime.
pub(super) struct Pollers {
    /// What blocks the thread that polls a task, by the kernel's thread id.
    of_threads: FxHashMap<u64, WaitId>,
    /// Of each runtime what blocks its workers; `None` where one of them is not blocked.
    of_runtimes: Vec<Option<Rc<[WaitId]>>>,
    /// What blocks the worker in whose LIFO slot a task is, which no other worker takes from.
    of_slots: FxHashMap<TaskIndex, WaitId>,
}

/// Whether a wait blocks the thread that polls its task.
pub(super) fn blocks_thread(report: &Report, wait: &Wait) -> bool {
    wait.blocks_thread && wait.is_polled && report.task(wait.task).state == TaskState::Running
}

impl Pollers {
    /// Those of a report.
    pub(super) fn of(report: &Report) -> Self {
        let blocking = report.waits.numbered().filter(|(_, wait)| blocks_thread(report, wait));
        let of_threads: FxHashMap<u64, WaitId> = blocking
            .filter_map(|(id, wait)| Some((report.task(wait.task).thread?.tid, id)))
            .collect();
        let of_runtime = |runtime: &Runtime| {
            let blocked = |worker: &Worker| {
                let thread = worker.thread.filter(|_| worker.state.is_busy())?;
                of_threads.get(&thread.tid).copied()
            };
            let all: Option<Vec<WaitId>> = runtime.workers.iter().map(blocked).collect();
            all.filter(|all| !all.is_empty()).map(Rc::from)
        };
        let of_runtimes = report.runtimes.iter().map(of_runtime).collect();
        let of_slots = in_slots(report, &of_threads);
        Self { of_threads, of_runtimes, of_slots }
    }

    /// What blocks every thread that could poll a task which none polls now; `None` when one of
    /// them is not blocked, or when they are not known.
    pub(super) fn of_task(&self, report: &Report, task: &Task) -> Option<Rc<[WaitId]>> {
        if task.state == TaskState::Running {
            return None;
        }
        if let Some(wait) = self.of_slots.get(&task.index) {
            return Some(Rc::from([*wait]));
        }
        let runtime = || {
            let at = task.runtime?;
            Some((report.runtimes.get(at)?, self.of_runtimes.get(at)?.clone()?))
        };
        match task.kind {
            TaskKind::Task => runtime().map(|(_, blocked)| blocked),
            // A `LocalSet` is polled by one thread: by that which polls another task of it, and of
            // such a runtime it is the only one.
            TaskKind::Local if self.of_set(report, task).is_some() => {
                self.of_set(report, task).map(|wait| Rc::from([wait]))
            }
            TaskKind::Local => runtime()
                .filter(|(runtime, _)| runtime.flavor == Flavor::CURRENT_THREAD)
                .map(|(_, blocked)| blocked),
            TaskKind::BlockOn => {
                let wait = *self.of_threads.get(&task.thread?.tid)?;
                // The call that blocks the thread may be the one that polls the task.
                let polls = &report.resource(report.wait(wait).resource).tasks;
                (!polls.contains(&task.index)).then(|| Rc::from([wait]))
            }
            TaskKind::Blocking => None,
        }
    }
}

impl Pollers {
    /// What blocks the thread that is in the poll of another task of the same set.
    fn of_set(&self, report: &Report, task: &Task) -> Option<WaitId> {
        let others = report.set_of(task.index)?.tasks.iter().map(|task| report.task(*task));
        let mut running = others.filter(|other| other.state == TaskState::Running);
        running.find_map(|other| self.of_threads.get(&other.thread?.tid).copied())
    }
}

fn in_slots(report: &Report, of_threads: &FxHashMap<u64, WaitId>) -> FxHashMap<TaskIndex, WaitId> {
    let queues = report.runtimes.iter().flat_map(|runtime| {
        runtime.queues.iter().filter_map(move |queue| match queue.place {
            QueuePlace::Lifo(worker) => Some((runtime.workers.get(worker)?, queue)),
            QueuePlace::Worker(_) | QueuePlace::Shared | QueuePlace::Blocking => None,
        })
    });
    let blocked = queues.filter_map(|(worker, queue)| {
        let wait = *of_threads.get(&worker.thread?.tid)?;
        Some(queue.tasks.iter().map(move |task| (*task, wait)))
    });
    blocked.flatten().collect()
}
