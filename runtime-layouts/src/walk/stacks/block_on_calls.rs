//! Futures that a task polls by a blocking call of its own: `block_on` within a poll or a closure.
//!
//! Such a call hides what is waited for: the task's thread sleeps for a future that no list has. A
//! runtime finds those of its own `block_on`; the futures of other libraries' are found here, in the
//! frame of the call.

use rustc_hash::FxHashMap;

use super::beginning::{self, OnFrame};
use super::stack_future;
use crate::layout::Call;
use crate::layout::name::plain_path;
use crate::report::{
    Chain, FrameSource, Task, TaskId, TaskIndex, TaskKind, TaskState, TaskWakers, ThreadRef, Trust,
};
use crate::value::Ty;
use crate::walk::Inspection;
use crate::walk::Value;
use crate::walk::chains::poll_roles::Roles;

/// Which task's call polls which future, both by their ids.
pub(crate) type FoundCalls = Vec<(TaskId, TaskId)>;

/// The futures that blocking calls of tasks poll.
pub(crate) struct PolledByCalls(FxHashMap<TaskIndex, TaskIndex>);

impl PolledByCalls {
    /// Those of tasks that have their indexes.
    pub(crate) fn of(tasks: &[Task], found: FoundCalls) -> Self {
        let index = |id: &TaskId| tasks.iter().find(|task| task.id == *id).map(|task| task.index);
        let pairs = found.iter();
        Self(pairs.filter_map(|(caller, future)| Some((index(caller)?, index(future)?))).collect())
    }

    /// The future that a task's call polls.
    pub(crate) fn by(&self, task: &Task) -> Option<TaskIndex> {
        self.0.get(&task.index).copied()
    }
}

impl Inspection<'_> {
    /// Adds the futures that tasks poll by calls that block, and says which call polls which.
    pub(crate) fn find_block_on_calls(&mut self) -> FoundCalls {
        let mut found = FoundCalls::new();
        let known = self.tasks.len();
        let mut roles = Roles::default();
        for at in 0..known {
            let task = &self.tasks[at];
            let Some(thread) = task.thread.filter(|_| task.state == TaskState::Running) else {
                continue;
            };
            let Some((frame, call)) = super::blocked_calls::call_of(&self.sites, &task.chain)
            else {
                continue;
            };
            if !call.polls {
                continue;
            }
            let (caller, runtime, pc) = (task.id.clone(), task.runtime, frame.address);
            let is_task = task.kind != TaskKind::BlockOn;
            let is_runtimes = self.libraries.runtimes().any(|(library, _)| {
                library.blocking.iter().any(|known| known.function == call.function)
            });
            let future = match is_runtimes {
                true => self.innermost_block_on(thread),
                false => self
                    .add_within(&mut roles, thread, is_task, runtime)
                    .or_else(|| self.add_polled_by(thread, pc, call.function, runtime)),
            };
            found.extend(future.map(|future| (caller, future)));
        }
        if self.tasks.len() > known {
            // Those that were added stand at the end.
            self.put_blocked_on_first(false);
        }
        found
    }

    /// Adds the future that a thread blocks on within the task that it polls, or within the future that
    /// it blocks on.
    fn add_within(
        &mut self,
        roles: &mut Roles,
        thread: ThreadRef,
        is_task: bool,
        runtime: Option<usize>,
    ) -> Option<TaskId> {
        let target = self.program.target();
        let native = target.threads().iter().find(|known| known.tid == thread.tid)?;
        let frames = self.program.stack(native);
        let calls = beginning::calls_of(self.program, &frames);
        let end = match is_task {
            true => {
                let polls = |on: &OnFrame| self.libraries.polls_task(&on.call.function.name);
                calls.iter().position(polls)?
            }
            false => beginning::of_stack(self, roles, &calls, calls.len())?.at,
        };
        let within = beginning::of_stack(self, roles, &calls, end)?;
        let id = self.free_id(thread);
        let task = self.blocked_on(native, &frames, &calls, &within, id.clone())?;
        self.tasks.push(Task { runtime, ..task });
        Some(id)
    }

    /// The future that a runtime has found in the innermost `block_on` of a thread.
    fn innermost_block_on(&self, thread: ThreadRef) -> Option<TaskId> {
        let is_it = |task: &&Task| {
            task.kind == TaskKind::BlockOn
                && task.thread == Some(thread)
                && task.state == TaskState::Idle
        };
        self.tasks.iter().find(is_it).map(|task| task.id.clone())
    }

    /// Adds the future that a call in the frame at `pc` of a thread polls.
    fn add_polled_by(
        &mut self,
        thread: ThreadRef,
        pc: u64,
        function: &str,
        runtime: Option<usize>,
    ) -> Option<TaskId> {
        let program = self.program;
        let native = program.target().threads().iter().find(|known| known.tid == thread.tid)?;
        let frames = program.stack(native);
        let first = frames.iter().position(|frame| frame.pc.get() == pc)?;
        let (module, address) = program.module_at(frames[first].pc.lookup())?;
        let is_call = |call: &Call| plain_path(&call.function.name) == function;
        let layouts = program.layouts(module);
        let calls = layouts.calls_at(address).unwrap_or_default();
        let function = &calls.iter().find(|call| is_call(call))?.function;
        let parameter = function.type_parameters.first().map(|of| Ty { module, id: of.ty })?;
        let variables = layouts.variables_at(address).unwrap_or_default();
        let mut places: Vec<(bool, Value)> = variables
            .iter()
            .filter(|variable| variable.function == function.name)
            .filter_map(|it| stack_future::place(program, module, it, &frames[first]))
            .collect();
        // The parameter itself may have been moved from.
        places.sort_by_key(|(is_reference, _)| !is_reference);
        let mut found: Option<(Value, Chain, FrameSource)> = None;
        for (_, value) in places {
            let chain = self.chain(value);
            if found.is_none() && self.is_under_way(&chain) {
                found = Some((value, chain, FrameSource::StateMachines));
            }
        }
        let (address, chain, source) = match found {
            Some((value, chain, source)) => (value.address, chain, source),
            None => {
                let found = stack_future::search(self, parameter, &frames, first, &is_call)?;
                (found.address, found.chain, found.source)
            }
        };
        let id = self.free_id(thread);
        self.tasks.push(Task {
            id: id.clone(),
            runtime,
            kind: TaskKind::BlockOn,
            state: TaskState::Idle,
            root: chain.frames.first().map(|frame| frame.site),
            address,
            thread: Some(thread),
            spawned_at: None,
            chain,
            trust: Trust::of(source),
            siblings_of_stack: None,
            panic: None,
            wakers: TaskWakers::default(),
            index: TaskIndex(0),
            problems: Vec::new(),
        });
        Some(id)
    }

    /// The id of a future that a thread blocks on: `b3`, or where the thread blocks on another one
    /// already, `b3.2`.
    pub(crate) fn free_id(&self, thread: ThreadRef) -> TaskId {
        let is_taken = |id: &TaskId| self.tasks.iter().any(|task| task.id == *id);
        let first = TaskId(format!("b{}", thread.number));
        let more = (2..).map(|number| TaskId(format!("b{}.{number}", thread.number)));
        std::iter::once(first).chain(more).find(|id| !is_taken(id)).unwrap_or(TaskId(String::new()))
    }
}
