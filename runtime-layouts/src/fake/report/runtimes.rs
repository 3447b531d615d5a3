//! Runtimes, their threads, and what those run and hold.

use super::{FakeFrame, FakeReport, thread};
use crate::report::{
    Activity, Driver, Flavor, FrameRef, Holder, HoldingThread, LocalSet, ProcessThread, ResourceId,
    Runtime, SetPlace, TaskIndex, TaskKind, TaskState, ThreadRole, Worker, WorkerState,
};

impl FakeReport {
    /// A runtime with so many workers, all parked; its number.
    pub fn runtime(&mut self, workers: usize) -> usize {
        let id = self.report.runtimes.len();
        let parked = |index| Worker {
            index,
            thread: None,
            state: WorkerState::Parked,
            task: None,
            queued: None,
        };
        self.report.runtimes.push(Runtime {
            id,
            library: "tokio",
            version: None,
            object: None,
            flavor: Flavor::MULTI_THREAD,
            address: 0x10_0000 * (id as u64 + 1),
            workers: (0..workers).map(parked).collect(),
            driver: Driver::Worker(0),
            injected: None,
            queues: Vec::new(),
            blocking: None,
            shutdown: None,
            counted_tasks: None,
            listed_tasks: 0,
            incomplete: Vec::new(),
        });
        id
    }

    /// A runtime, to be changed.
    ///
    /// # Panics
    /// When it is none of this report's.
    pub fn runtime_mut(&mut self, id: usize) -> &mut Runtime {
        &mut self.report.runtimes[id]
    }

    /// Whether the program makes handles that abort tasks.
    pub fn has_abort_handles(&mut self, has: bool) {
        self.report.has_abort_handles = has;
    }

    /// Makes these tasks those of a local set that a frame keeps in a variable and does not poll;
    /// the set, to be changed.
    pub fn keeps_set(&mut self, at: FakeFrame, tasks: &[FakeFrame]) -> &mut LocalSet {
        for task in tasks {
            self.task_mut(*task).kind = TaskKind::Local;
        }
        let sets = &mut self.report.local_sets;
        sets.push(LocalSet {
            name: "LocalSet",
            address: 0x6000_0000 + sets.len() as u64 * 0x100,
            tasks: tasks.iter().map(|frame| frame.task).collect(),
            queue: Vec::new(),
            is_polled: Some(false),
            kept: Some(SetPlace {
                task: Some(at.task),
                frame: at.frame,
                variable: Some("set".into()),
                may_be_moved: false,
                is_shared: false,
            }),
        });
        let last = sets.len() - 1;
        &mut sets[last]
    }

    /// Lets a thread hold a lock that blocks threads, on behalf of no task.
    ///
    /// # Panics
    /// As [`FakeReport::holds`].
    pub fn thread_holds(&mut self, tid: u64, is_blocked: bool, lock: ResourceId) -> &mut Holder {
        let frame = FrameRef::of(&self.frame());
        let holder = self.holds(FakeFrame { task: TaskIndex(0), frame }, lock);
        holder.task = None;
        holder.thread = Some(HoldingThread { thread: thread(tid), is_blocked });
        holder
    }

    /// Lets a worker of the task's runtime poll the task, on the thread with that number.
    ///
    /// # Panics
    /// When the task is of no runtime, or the runtime has no such worker.
    pub fn runs(&mut self, at: FakeFrame, worker: usize, tid: u64) {
        let task = self.task_mut(at);
        task.state = TaskState::Running;
        task.thread = Some(thread(tid));
        let (id, runtime) = (task.id.clone(), task.runtime.expect("a runtime"));
        let worker = &mut self.report.runtimes[runtime].workers[worker];
        worker.state = WorkerState::Running;
        worker.thread = Some(thread(tid));
        worker.task = Some(id);
    }

    /// A thread that does that, to be changed: what blocks it is said by the wait of its task.
    pub fn thread(&mut self, tid: u64, activity: Activity) -> &mut ProcessThread {
        self.report.threads.push(ProcessThread {
            thread: thread(tid),
            is_main: false,
            role: ThreadRole::Other,
            task: None,
            activity,
            blocked: None,
            refers_to: Vec::new(),
            ran: None,
        });
        let last = self.report.threads.len() - 1;
        &mut self.report.threads[last]
    }
}
