//! Local sets: the tasks of a `LocalSet`, which no scheduler lists, and what polls the set.
//!
//! Source: `tokio/src/task/local.rs` (tokio 1.54.1). What leads to a set is the future that runs it,
//! `RunUntil` or the set itself, somewhere in the chain of a task or of a `block_on`; the
//! thread-local `CURRENT` of a thread that polls it; a variable; and every one of its tasks. Until
//! 1.26 the list was in `Context`, to which its tasks do not lead.

use std::collections::HashMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::context::{self, ThreadContext};
use super::expected::{LOCAL_CONTEXT, LOCAL_CURRENT, LOCAL_OWNED, LOCAL_SHARED};
use super::scheduler::Scheduler;
use super::task::TaskReader;
use super::{number, owned_list, queues};
use crate::knowledge::waker;
use crate::layout::{Type, TypeKind};
use crate::report::{
    Chain, Frame, FrameRef, LocalSet, Polled, SetPlace, Task, TaskIndex, TaskKind, ThreadRef,
};
use crate::value::path::{self, Reach};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::Inspection;

/// The type of a set.
pub(super) const SET: &str = "tokio::task::local::LocalSet";
const RUN_UNTIL: &str = "tokio::task::local::RunUntil<";
const ATOMIC_WAKER: &str = "tokio::sync::task::atomic_waker::AtomicWaker";

/// The sets of the tokio in one module.
#[derive(Default)]
pub(super) struct LocalSets {
    found: Vec<Found>,
    /// Their numbers, by the addresses of what their owners share.
    known: FxHashMap<u64, usize>,
}

/// A set that was found.
struct Found {
    /// `Shared`.
    shared: Value,
    /// What its list and its queue are reached from.
    from: Value,
    is_polled: bool,
    kept: Option<Kept>,
    /// The headers of its tasks.
    tasks: Vec<u64>,
}

/// What leads to a set without polling it.
pub(super) struct Kept {
    /// The frame in whose variables it is.
    pub(super) frame: FrameRef,
    /// The thread on whose stack that is; `None` for a frame of a future.
    pub(super) thread: Option<ThreadRef>,
    /// See [`SetPlace::variable`].
    pub(super) variable: Option<std::sync::Arc<str>>,
    /// See [`SetPlace::may_be_moved`].
    pub(super) may_be_moved: bool,
    /// See [`SetPlace::is_shared`].
    pub(super) is_shared: bool,
}

/// How a set was found.
pub(super) enum FoundBy {
    /// What polls it.
    Poller,
    /// What keeps it and does not poll it.
    Keeper(Kept),
    /// One of its tasks.
    Task,
}

impl LocalSets {
    /// Adds the sets that threads poll now: they may be in no chain, since a future that is polled
    /// for the first time has stored nothing yet.
    pub(super) fn add_entered(
        &mut self,
        inspection: &mut Inspection<'_>,
        module: usize,
        contexts: &[ThreadContext],
        schedulers: &[Scheduler],
        first_runtime: usize,
        polled: &HashMap<u64, ThreadRef>,
    ) {
        for (index, storage) in context::thread_locals_of(inspection, module, &LOCAL_CURRENT) {
            let Some(thread) = contexts.iter().find(|context| context.index == index) else {
                continue;
            };
            match entered(inspection.program, storage) {
                Ok(Some(context)) => {
                    let entered = thread.scheduler(inspection);
                    let runtime = entered.and_then(|entered| {
                        schedulers.iter().position(|known| known.address == entered.address)
                    });
                    let runtime = runtime.map(|number| first_runtime + number);
                    self.add(inspection, context, FoundBy::Poller, runtime, polled);
                }
                Ok(None) => {}
                Err(error) => inspection.problem(format!(
                    "thread {} (tid {}): its local set cannot be read: {error}",
                    thread.thread.number, thread.thread.tid
                )),
            }
        }
    }

    /// Adds the tasks of every local set that a task found so far runs, from the first one on, and
    /// of the sets that those run in turn.
    pub(super) fn add_runners(
        &mut self,
        inspection: &mut Inspection<'_>,
        first_task: usize,
        polled: &HashMap<u64, ThreadRef>,
    ) {
        // Mostly there is none, and there may be a million tasks to look through.
        if !inspection.has_sites_of(&[RUN_UNTIL, SET]) {
            return;
        }
        let mut next = first_task;
        while next < inspection.tasks.len() {
            let mut runners = Vec::new();
            runners_in(inspection, &inspection.tasks[next].chain, None, &mut runners);
            let runtime = inspection.tasks[next].runtime;
            next += 1;
            for (runner, found_by) in runners {
                if inspection.interrupted() {
                    return;
                }
                let set = runner.member(inspection.program, "local_set").unwrap_or(runner);
                self.add(inspection, set, found_by, runtime, polled);
            }
        }
    }

    /// Adds a set that something leads to, with its tasks, if it is not known yet. Returns whether
    /// it leads to one at all.
    pub(super) fn add(
        &mut self,
        inspection: &mut Inspection<'_>,
        from: Value,
        found_by: FoundBy,
        runtime: Option<usize>,
        polled: &HashMap<u64, ThreadRef>,
    ) -> bool {
        let program = &inspection.program;
        let mut is_shared = |ty: &Type| LOCAL_SHARED.is(ty);
        let Some(to_shared) = path::find(program, from.ty, Reach::RUNTIME, &mut is_shared) else {
            inspection.problem("the debug information does not describe the local set's tasks");
            return false;
        };
        let shared = match to_shared.follow(program, from) {
            Ok(Some(shared)) => shared,
            Ok(None) => return false,
            Err(error) => {
                inspection.problem(format!("a local set: {error}"));
                return false;
            }
        };
        let number = *self.known.entry(shared.address).or_insert_with(|| {
            let tasks = Vec::new();
            self.found.push(Found { shared, from, is_polled: false, kept: None, tasks });
            self.found.len() - 1
        });
        let set = &mut self.found[number];
        match found_by {
            FoundBy::Poller => set.is_polled = true,
            FoundBy::Keeper(kept) => {
                set.kept.get_or_insert(kept);
            }
            FoundBy::Task => {}
        }
        if set.tasks.is_empty() {
            set.tasks = read_tasks(inspection, from, runtime, polled);
            set.from = from;
        }
        true
    }

    /// Adds a task that is known to be one of a set's, but that no list leads to.
    pub(super) fn add_task(&mut self, shared: Value, header: u64) {
        if let Some(number) = self.known.get(&shared.address) {
            self.found[*number].tasks.push(header);
        }
    }

    /// Whether there are sets of which it is not known who keeps or polls them.
    pub(super) fn has_unplaced(&self) -> bool {
        self.found.iter().any(|set| !set.is_polled && set.kept.is_none())
    }

    /// Says where a set is that is known already, if the value is one of it.
    pub(super) fn place(&mut self, program: &Program<'_>, value: Value, kept: Kept) {
        let mut is_shared = |ty: &Type| LOCAL_SHARED.is(ty);
        let Some(path) = path::find(program, value.ty, Reach::RUNTIME, &mut is_shared) else {
            return;
        };
        let Ok(Some(shared)) = path.follow(program, value) else { return };
        if let Some(number) = self.known.get(&shared.address) {
            self.found[*number].kept.get_or_insert(kept);
        }
    }

    /// Gives the tasks of a set that nobody polls the runtime of what keeps the set.
    pub(super) fn settle(&self, inspection: &mut Inspection<'_>, first_task: usize) {
        let keepers = self.keepers(inspection, first_task);
        let mut runtimes: FxHashMap<u64, usize> = FxHashMap::default();
        for set in self.found.iter().filter(|set| !set.is_polled) {
            let keeper = set.kept.as_ref().and_then(|kept| keeper(inspection, &keepers, kept));
            let runtime = keeper.and_then(|task| inspection.tasks[task.0 as usize].runtime);
            runtimes.extend(set.tasks.iter().filter_map(|task| Some((*task, runtime?))));
        }
        if runtimes.is_empty() {
            return;
        }
        for task in inspection.tasks[first_task..].iter_mut() {
            if task.kind == TaskKind::Local {
                task.runtime = task.runtime.or(runtimes.get(&task.address).copied());
            }
        }
    }

    /// The tasks whose frames keep sets that nobody polls.
    fn keepers(
        &self,
        inspection: &Inspection<'_>,
        first_task: usize,
    ) -> FxHashMap<FrameRef, TaskIndex> {
        let kept = self.found.iter().filter(|set| !set.is_polled).filter_map(|it| it.kept.as_ref());
        let frames: FxHashSet<FrameRef> = kept.map(|kept| kept.frame).collect();
        let mut keepers = FxHashMap::default();
        if !frames.is_empty() {
            for (index, task) in (0..).map(TaskIndex).zip(&inspection.tasks).skip(first_task) {
                add_keepers(&task.chain, index, &frames, &mut keepers);
            }
        }
        keepers
    }

    /// The sets as the report has them. Called when the tasks from the first one on have their
    /// places in it.
    pub(super) fn finish(self, inspection: &mut Inspection<'_>, first_task: usize) {
        if self.found.is_empty() {
            return;
        }
        let keepers = self.keepers(inspection, first_task);
        let tasks = (0..).map(TaskIndex).zip(&inspection.tasks).skip(first_task);
        let by_header: FxHashMap<u64, TaskIndex> = tasks
            .filter(|(_, task)| task.kind == TaskKind::Local)
            .map(|(index, task)| (task.address, index))
            .collect();
        for set in self.found {
            let of = |headers: &[u64]| -> Vec<TaskIndex> {
                headers.iter().filter_map(|header| by_header.get(header).copied()).collect()
            };
            let mut tasks = of(&set.tasks);
            tasks.sort_unstable();
            let queue = queues::of_local_set(inspection.program, set.from).unwrap_or_default();
            let kept = set.kept.filter(|_| !set.is_polled).map(|kept| SetPlace {
                task: keeper(inspection, &keepers, &kept),
                frame: kept.frame,
                variable: kept.variable,
                may_be_moved: kept.may_be_moved,
                is_shared: kept.is_shared,
            });
            let is_polled = match set.is_polled {
                true => Some(true),
                false => {
                    has_waker(inspection.program, set.shared).is_ok_and(|has| !has).then_some(false)
                }
            };
            inspection.local_sets.push(LocalSet {
                name: "LocalSet",
                address: set.shared.address,
                tasks,
                queue: of(&queue),
                is_polled,
                kept,
            });
        }
    }
}

/// The task that keeps a set: of one on a thread's stack what the thread blocks on.
fn keeper(
    inspection: &Inspection<'_>,
    keepers: &FxHashMap<FrameRef, TaskIndex>,
    kept: &Kept,
) -> Option<TaskIndex> {
    let Some(thread) = kept.thread else { return keepers.get(&kept.frame).copied() };
    let blocks = |task: &Task| task.kind == TaskKind::BlockOn && task.thread == Some(thread);
    let index = inspection.tasks.iter().position(blocks)?;
    u32::try_from(index).ok().map(TaskIndex)
}

/// The tasks that keep something in one of these frames.
fn add_keepers(
    chain: &Chain,
    task: TaskIndex,
    frames: &FxHashSet<FrameRef>,
    keepers: &mut FxHashMap<FrameRef, TaskIndex>,
) {
    for frame in chain.frames.iter().map(FrameRef::of).filter(|frame| frames.contains(frame)) {
        keepers.insert(frame, task);
    }
    for branch in &chain.branches {
        add_keepers(branch, task, frames, keepers);
    }
}

/// The `Context` of the set that a thread polls. `None` when it polls none: `LocalSet::enter` sets
/// the same variable, but has `wake_on_schedule` with it. Until 1.27 the variable was an untyped
/// pointer to `Context`, which was set for polls alone.
fn entered(program: &Program<'_>, storage: Value) -> Result<Option<Value>, ValueError> {
    let mut is_context = |ty: &Type| LOCAL_CONTEXT.is(ty);
    if let Some(path) = path::find(program, storage.ty, Reach::RUNTIME, &mut is_context) {
        let wakes = storage.find_number(program, "wake_on_schedule")?;
        return if wakes.unwrap_or(0) == 0 { path.follow(program, storage) } else { Ok(None) };
    }
    let mut is_pointer = |ty: &Type| matches!(ty.kind, TypeKind::Pointer { .. });
    let Some(path) = path::find(program, storage.ty, Reach::INLINE, &mut is_pointer) else {
        return Ok(None);
    };
    let Some(pointer) = path.follow(program, storage)? else { return Ok(None) };
    let address = program.read_pointer(pointer.address)?;
    let module = storage.ty.module;
    let types = program.layouts(module).types_named(LOCAL_CONTEXT.newest(), Some(storage.ty.id))?;
    let context = types.first().filter(|_| address != 0);
    Ok(context.map(|id| Value { ty: Ty { module, id: *id }, address }))
}

/// The futures of a chain that run a set, and whether they are polled: `holder` is the frame that
/// holds the chain without polling it.
fn runners_in(
    inspection: &Inspection<'_>,
    chain: &Chain,
    holder: Option<FrameRef>,
    found: &mut Vec<(Value, FoundBy)>,
) {
    let is_runner = |frame: &&Frame| {
        let name = &inspection.site(frame.site).type_name;
        name.starts_with(RUN_UNTIL) || name.starts_with(SET)
    };
    for frame in chain.frames.iter().filter(is_runner) {
        let found_by = match holder {
            None => FoundBy::Poller,
            Some(frame) => FoundBy::Keeper(Kept {
                frame,
                thread: None,
                variable: None,
                may_be_moved: false,
                is_shared: false,
            }),
        };
        if let Some(ty) = inspection.type_of_site(frame.site) {
            found.push((Value { ty, address: frame.address }, found_by));
        }
    }
    let last = chain.frames.last().map(FrameRef::of);
    for branch in &chain.branches {
        let holder = holder.or(last.filter(|_| branch.polled != Polled::Yes));
        runners_in(inspection, branch, holder, found);
    }
}

/// Adds the tasks in a set's list to the inspection; their headers. Empty when the list is not
/// reached from there.
fn read_tasks(
    inspection: &mut Inspection<'_>,
    from: Value,
    runtime: Option<usize>,
    polled: &HashMap<u64, ThreadRef>,
) -> Vec<u64> {
    let mut is_owned = |ty: &Type| LOCAL_OWNED.is(ty);
    let program = &inspection.program;
    let Some(to_owned) = path::find(program, from.ty, Reach::RUNTIME, &mut is_owned) else {
        return Vec::new();
    };
    let list = match to_owned.follow(program, from) {
        Ok(Some(list)) => list,
        Ok(None) => return Vec::new(),
        Err(error) => {
            inspection.problem(format!("a local set: {error}"));
            return Vec::new();
        }
    };
    let mut reader = TaskReader::default();
    let found = owned_list::headers(inspection, &[list]);
    let first = inspection.tasks.len();
    for reason in found.incomplete {
        inspection.problem(format!("a local set: {reason}"));
    }
    let headers: Vec<u64> = found.headers.iter().map(|header| header.address).collect();
    for header in found.headers {
        match reader.task(inspection, header, runtime, TaskKind::Local) {
            Ok((id, mut task)) => {
                task.thread = super::running_on(task.state, id, polled);
                super::running::show_running(inspection, &mut task);
                inspection.tasks.push(task);
            }
            Err(error) => {
                inspection.problem(format!("the local task at {:#x}: {error}", header.address));
            }
        }
    }
    number(inspection, first, &found.order);
    headers
}

/// Whether a set has something to wake: every poll of it leaves a waker, which the next task of it
/// that is woken takes.
fn has_waker(program: &Program<'_>, shared: Value) -> Result<bool, ValueError> {
    let Some(cell) = shared.find_inline(program, ATOMIC_WAKER)? else { return Ok(true) };
    Ok(!waker::stored(program, cell)?.is_empty())
}
