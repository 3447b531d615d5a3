//! Reports made by hand: tasks, locks, and a line for each wait.
//!
//! ```
//! use runtime_layouts::diagnosis::findings;
//! use runtime_layouts::fake::{FakeReport, finding_lines};
//! use runtime_layouts::report::ResourceKind;
//!
//! let mut story = FakeReport::new();
//! let (first, second) = (story.task(), story.task());
//! let stock = story.resource(ResourceKind::Mutex, "stock");
//! let orders = story.resource(ResourceKind::Mutex, "orders");
//! story.holds(first, stock);
//! story.waits(first, orders);
//! story.holds(second, orders);
//! story.waits(second, stock);
//! let report = story.report();
//! assert_eq!(
//!     finding_lines(&report, &findings(&report)),
//!     ["Deadlock: 1 waits for orders, held by 2; 2 waits for stock, held by 1"]
//! );
//! ```

mod runtimes;

use crate::layout::name::DisplayName;
use crate::report::{
    Access, Activity, BlockedCall, Chain, Clock, Due, Frame, FrameKind, FrameRef, FrameSource,
    FutureState, Holder, Polled, Report, Resource, ResourceId, ResourceKind, Site, SiteId,
    TargetSummary, Task, TaskId, TaskIndex, TaskKind, TaskState, TaskWakers, ThreadRef, Timer,
    Trust, Wait, WaitId,
};
use crate::target::TargetKind;

/// A report that is put together step by step.
///
/// Tasks are numbered from 1 in the order in which they are made, and are idle. What a task waits
/// for may be said in any order; a queue is in the order in which it is said.
pub struct FakeReport {
    report: Report,
    /// In the order in which they were said, each with the frame at which its task waits.
    waits: Vec<Wait>,
    frames: u64,
}

/// A frame of a task of a [`FakeReport`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FakeFrame {
    /// The task.
    pub task: TaskIndex,
    /// The frame.
    pub frame: FrameRef,
}

impl Default for FakeReport {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeReport {
    /// No runtimes, tasks and resources yet.
    #[must_use]
    pub fn new() -> Self {
        let target = TargetSummary {
            kind: TargetKind::Live,
            pid: Some(1),
            executable: "/shop/shop".into(),
            build_id: None,
        };
        let report = Report { sites: vec![site()], types: vec![None], ..Report::empty(target) };
        Self { report, waits: Vec::new(), frames: 0 }
    }

    /// A new task; its outermost frame. It is of the runtime that was made last.
    pub fn task(&mut self) -> FakeFrame {
        let frame = self.frame();
        let index = TaskIndex(count(&self.report.tasks));
        self.report.tasks.push(Task {
            id: TaskId((index.0 + 1).to_string()),
            runtime: self.report.runtimes.len().checked_sub(1),
            kind: TaskKind::Task,
            state: TaskState::Idle,
            root: Some(frame.site),
            address: frame.address << 16,
            thread: None,
            spawned_at: None,
            chain: Chain { frames: vec![frame.clone()], ..Chain::default() },
            trust: Trust::of(FrameSource::StateMachines),
            siblings_of_stack: None,
            panic: None,
            wakers: TaskWakers::default(),
            index,
            problems: Vec::new(),
        });
        FakeFrame { task: index, frame: FrameRef::of(&frame) }
    }

    /// The task that a frame is of, to be changed.
    ///
    /// # Panics
    /// When the frame is none of this report's.
    pub fn task_mut(&mut self, frame: FakeFrame) -> &mut Task {
        &mut self.report.tasks[frame.task.0 as usize]
    }

    /// The frame that another one awaits, and nothing beside.
    ///
    /// # Panics
    /// When the other one is none of this report's, or awaits something already.
    pub fn awaits(&mut self, outer: FakeFrame) -> FakeFrame {
        let frame = self.frame();
        let chain = self.chain_that_ends_with(outer);
        assert!(chain.branches.is_empty(), "it awaits something already");
        chain.frames.push(frame.clone());
        FakeFrame { task: outer.task, frame: FrameRef::of(&frame) }
    }

    /// A future that a frame polls beside others.
    ///
    /// # Panics
    /// When the frame is none of this report's, or is not the last one of its chain.
    pub fn branch(&mut self, outer: FakeFrame) -> FakeFrame {
        self.holds_future(outer, Polled::Yes)
    }

    /// A future that a frame holds but does not poll now.
    ///
    /// # Panics
    /// As [`FakeReport::branch`].
    pub fn unpolled(&mut self, outer: FakeFrame) -> FakeFrame {
        self.holds_future(outer, Polled::No)
    }

    /// The same in a variable that may have been moved away with it.
    ///
    /// # Panics
    /// As [`FakeReport::branch`].
    pub fn perhaps_unpolled(&mut self, outer: FakeFrame) -> FakeFrame {
        let held = self.unpolled(outer);
        let chain = self.chain_that_ends_with(outer);
        let branch = chain.branches.last_mut().expect("the one that was added");
        branch.may_be_moved = true;
        held
    }

    fn holds_future(&mut self, outer: FakeFrame, polled: Polled) -> FakeFrame {
        let frame = self.frame();
        let chain = self.chain_that_ends_with(outer);
        let frames = vec![frame.clone()];
        let variable = (polled == Polled::No).then(|| "future".into());
        chain.branches.push(Chain { frames, polled, variable, ..Chain::default() });
        FakeFrame { task: outer.task, frame: FrameRef::of(&frame) }
    }

    /// Something that can be waited for or held.
    pub fn resource(&mut self, kind: ResourceKind, name: &str) -> ResourceId {
        let id = ResourceId(count(&self.report.resources));
        self.report.resources.push(Resource {
            kind,
            address: 0x5000_0000 + u64::from(id.0) * 0x100,
            name: name.into(),
            state: None,
            timer: None,
            reserved: None,
            is_reachable: false,
            is_in_order: true,
            holders: Vec::new(),
            is_taken: None,
            parties: None,
            queue: Vec::new(),
            given: None,
            tasks: Vec::new(),
            needs_all: false,
            thread: None,
            declared_in: None,
            child: None,
        });
        id
    }

    /// A channel that counts so many owners of the ends that are waited for.
    pub fn channel(&mut self, kind: ResourceKind, name: &str, parties: u64) -> ResourceId {
        let id = self.resource(kind, name);
        self.resource_mut(id).parties = Some(parties);
        id
    }

    /// The end of tasks: of one, or of the next of several.
    pub fn end_of(&mut self, tasks: &[FakeFrame]) -> ResourceId {
        let (kind, name) = match tasks {
            [_] => (ResourceKind::Join, "the end of a task"),
            _ => (ResourceKind::JoinSet, "JoinSet"),
        };
        let id = self.channel(kind, name, tasks.len() as u64);
        self.resource_mut(id).tasks = tasks.iter().map(|frame| frame.task).collect();
        id
    }

    /// A timer that did not go off.
    pub fn timer(&mut self, name: &str, due: Due) -> ResourceId {
        let id = self.resource(ResourceKind::Sleep, name);
        let timer = Timer { due, has_fired: Some(false), clock: Clock::Stop };
        self.resource_mut(id).timer = Some(timer);
        id
    }

    /// A resource, to be changed.
    ///
    /// # Panics
    /// When it is none of this report's.
    pub fn resource_mut(&mut self, id: ResourceId) -> &mut Resource {
        &mut self.report.resources[id.0 as usize]
    }

    /// Lets a frame wait for a resource; the wait, to be changed.
    ///
    /// # Panics
    /// When the frame is none of this report's.
    pub fn waits(&mut self, at: FakeFrame, resource: ResourceId) -> &mut Wait {
        let chain = &self.report.tasks[at.task.0 as usize].chain;
        let holding_frame = holding_frame(chain, at.frame, None).expect("a frame of this report");
        let kind = self.report.resource(resource).kind;
        self.waits.push(Wait {
            task: at.task,
            resource,
            access: None,
            is_granted: false,
            note: None,
            is_polled: holding_frame.is_none(),
            is_limit: false,
            blocks_thread: matches!(kind, ResourceKind::ThreadLock | ResourceKind::Blocking),
            waker: None,
            holding_frame,
            leaf: at.frame,
            user: None,
        });
        let last = self.waits.len() - 1;
        &mut self.waits[last]
    }

    /// Lets all waits so far be in code of the user's.
    pub fn of_the_user(&mut self) {
        self.waits.iter_mut().for_each(|wait| wait.user = Some(wait.leaf));
    }

    /// The same, and the frame was given the resource but was not polled since.
    ///
    /// # Panics
    /// As [`FakeReport::waits`].
    pub fn is_given(&mut self, at: FakeFrame, resource: ResourceId) -> &mut Wait {
        let wait = self.waits(at, resource);
        wait.is_granted = true;
        wait
    }

    /// Lets a frame hold a resource, or an end of a channel that others wait for; the holder, to be
    /// changed.
    ///
    /// # Panics
    /// When the resource is none of this report's.
    pub fn holds(&mut self, at: FakeFrame, resource: ResourceId) -> &mut Holder {
        let access = match self.report.resource(resource).kind {
            ResourceKind::Semaphore => Access::Permits(1),
            ResourceKind::Notify => Access::Handle,
            kind if kind.is_channel() => Access::Send,
            _ => Access::Exclusive,
        };
        let chain = &self.report.tasks[at.task.0 as usize].chain;
        let holding_frame = holding_frame(chain, at.frame, None).flatten();
        let holders = &mut self.resource_mut(resource).holders;
        holders.push(Holder {
            is_static: false,
            task: Some(at.task),
            frame: at.frame,
            variable: Some("guard".into()),
            guard: "Guard".into(),
            access,
            may_be_moved: false,
            shared_end: None,
            thread: None,
            within: None,
            holding_frame,
        });
        let last = holders.len() - 1;
        &mut holders[last]
    }

    /// Lets a task be woken, and no thread poll it.
    pub fn is_woken(&mut self, at: FakeFrame) {
        self.task_mut(at).state = TaskState::Scheduled;
    }

    /// The report: waits by task and by the order of its frames, as every report has them.
    #[must_use]
    pub fn report(mut self) -> Report {
        let mut order: Vec<usize> = (0..self.waits.len()).collect();
        let place = |number: &usize| {
            let wait = &self.waits[*number];
            let leaves = leaves(&self.report.task(wait.task).chain);
            (wait.task, leaves.iter().position(|leaf| *leaf == wait.leaf))
        };
        order.sort_by_key(place);
        let mut ids = vec![WaitId(0); order.len()];
        for (id, number) in (0..).zip(&order) {
            ids[*number] = WaitId(id);
        }
        for (id, wait) in ids.into_iter().zip(&self.waits) {
            let resource = &mut self.report.resources[wait.resource.0 as usize];
            resource.queue.push(id);
        }
        self.report.waits = order.iter().map(|number| self.waits[*number].clone()).collect();
        let waits = &self.report.waits;
        for resource in &mut self.report.resources {
            let is_given = |id: &WaitId| waits[id.0 as usize].is_granted;
            resource.queue.sort_by_key(|id| !is_given(id));
            resource.given = resource.queue.iter().copied().find(is_given);
        }
        self.report.holdings = holdings(&self.report.resources);
        let report = &mut self.report;
        for thread in report.threads.iter_mut().filter(|it| it.activity == Activity::Blocked) {
            let task = report.tasks.iter().find(|task| task.thread == Some(thread.thread));
            let wait =
                report.waits.iter().find(|wait| task.is_some_and(|it| it.index == wait.task));
            let call = wait.map(|wait| BlockedCall {
                resource: wait.resource,
                access: wait.access,
                call: wait.leaf,
                user: wait.user,
            });
            thread.blocked = thread.blocked.or(call);
        }
        self.report
    }

    fn frame(&mut self) -> Frame {
        self.frames += 1;
        Frame { site: SiteId(0), address: 0x1000 * self.frames, problem: None }
    }

    fn chain_that_ends_with(&mut self, frame: FakeFrame) -> &mut Chain {
        let chain = &mut self.report.tasks[frame.task.0 as usize].chain;
        ending_with(chain, frame.frame).expect("the last frame of a chain of this report")
    }
}

/// Who holds what, by task, as [`Report::holdings`] has it.
fn holdings(resources: &[Resource]) -> Vec<(TaskIndex, ResourceId, u32)> {
    let mut holdings = Vec::new();
    for (id, resource) in (0..).map(ResourceId).zip(resources) {
        let holders = (0..).zip(&resource.holders);
        holdings.extend(holders.filter_map(|(number, it)| Some((it.task?, id, number))));
    }
    holdings.sort_unstable();
    holdings
}

fn site() -> Site {
    Site {
        name: DisplayName::of_environment("shop::work::{async_fn_env#0}", None, &[]),
        type_name: "shop::work::{async_fn_env#0}".into(),
        kind: FrameKind::AsyncFn,
        state: FutureState::Suspended,
        location: None,
        expanded: None,
        defined: None,
        user: true,
    }
}

fn thread(tid: u64) -> ThreadRef {
    ThreadRef { number: u32::try_from(tid).unwrap_or(u32::MAX), tid }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// The chain below this one, or this one itself, whose last frame that is.
fn ending_with(chain: &mut Chain, frame: FrameRef) -> Option<&mut Chain> {
    if chain.frames.last().map(FrameRef::of) == Some(frame) {
        return Some(chain);
    }
    chain.branches.iter_mut().find_map(|branch| ending_with(branch, frame))
}

/// The frame that holds a frame of this chain without polling it; `Some(None)` when it is polled,
/// `None` when it is not in the chain.
fn holding_frame(
    chain: &Chain,
    wanted: FrameRef,
    above: Option<FrameRef>,
) -> Option<Option<FrameRef>> {
    if chain.frames.iter().any(|frame| FrameRef::of(frame) == wanted) {
        return Some(above);
    }
    let last = chain.frames.last().map(FrameRef::of);
    chain.branches.iter().find_map(|branch| {
        let holder = last.filter(|_| branch.polled != Polled::Yes);
        holding_frame(branch, wanted, above.or(holder))
    })
}

/// The frames of a chain and its branches, in the order in which they are reached.
fn leaves(chain: &Chain) -> Vec<FrameRef> {
    let below = chain.branches.iter().flat_map(leaves);
    chain.frames.iter().map(FrameRef::of).chain(below).collect()
}
