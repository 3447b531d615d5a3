//! Tasks: a boxed future each, in a table by their numbers.
//!
//! Source: `zruntime/src/scheduler.rs` (0.2.2). While a task is polled, its future is on the stack of
//! the thread that drives the core, and its slot is empty.

use super::cores::Core;
use super::expected::{REMOTE, TASKS};
use crate::layout::TypeKind;
use crate::layout::name::plain_path;
use crate::libraries::rust_std;
use crate::report::{
    Chain, FrameSource, FutureType, SiteId, Task, TaskId, TaskIndex, TaskKind, TaskState,
    TaskWakers, Trust,
};
use crate::value::{Program, Ty, Value, ValueError};
use crate::walk::Inspection;

/// What polls a task, without generic arguments.
pub(super) const RUN: &str = "zruntime::scheduler::Scheduler::run";

/// Tasks of one core that are looked at.
const MAX_TASKS: usize = 1 << 16;

fn missing(wanted: &str) -> ValueError {
    ValueError::Shape { type_name: "the tasks".to_string(), wanted: wanted.to_string() }
}

/// The numbers of a core's tasks with their slots, in order, and how many there are.
pub(super) fn slots(
    program: &Program<'_>,
    core: Value,
) -> Result<(Vec<(u64, Value)>, u64), ValueError> {
    let scheduler = core.member(program, "scheduler")?;
    let tasks =
        scheduler.find_inline(program, TASKS.newest())?.ok_or_else(|| missing("a table"))?;
    let map = tasks.member(program, "slots")?;
    let table = rust_std::collections::entries_of_map(program, map, MAX_TASKS)?;
    let (pairs, count) = table.ok_or_else(|| missing("a table"))?;
    let mut found = Vec::new();
    for (key, slot) in pairs {
        found.push((key.unsigned(program)?, slot));
    }
    found.sort_unstable_by_key(|(number, _)| *number);
    Ok((found, count))
}

/// The numbers of the tasks that were woken.
pub(super) fn ready(program: &Program<'_>, core: Value) -> Result<Vec<u64>, ValueError> {
    const DEQUE: &str = "alloc::collections::vec_deque::VecDeque<u64";
    let remote = core.member(program, "remote")?;
    let remote = remote.find_through_pointers(program, REMOTE.newest())?;
    let Some(remote) = remote else { return Ok(Vec::new()) };
    let ready = remote.member(program, "ready")?.find_inline(program, DEQUE)?;
    let Some(ready) = ready else { return Ok(Vec::new()) };
    let numbers = rust_std::collections::in_deque(program, ready, MAX_TASKS)?;
    numbers.into_iter().map(|number| number.unsigned(program)).collect()
}

/// The task in a slot. Its runtime is for the caller to set.
pub(super) fn read(
    inspection: &mut Inspection<'_>,
    core: &Core,
    (number, slot): (u64, Value),
    ready: &[u64],
) -> Result<Task, ValueError> {
    let program = inspection.program;
    let (variant, fields) = slot.active_variant(program)?;
    let TypeKind::Enum { variants, .. } = &slot.layout(program)?.kind else {
        return Err(missing("slots"));
    };
    let is_idle = variants.get(variant).is_some_and(|variant| &*variant.name == "Idle");
    let mut task = Task {
        id: TaskId(number.to_string()),
        runtime: None,
        kind: TaskKind::Task,
        state: if ready.contains(&number) { TaskState::Scheduled } else { TaskState::Idle },
        root: None,
        address: slot.address,
        thread: None,
        spawned_at: None,
        chain: Chain::default(),
        trust: Trust::of(FrameSource::Nothing),
        siblings_of_stack: None,
        panic: None,
        wakers: TaskWakers::default(),
        index: TaskIndex(0),
        problems: Vec::new(),
    };
    if is_idle {
        let future = fields.member(program, "future")?;
        // By what its waker points to others know it.
        let waker = fields.member(program, "waker")?.find_member(program, "data")?;
        if let Some(data) = waker {
            task.address = program.read_pointer(data.address)?;
        }
        task.chain = inspection.chain(future);
        task.root = task.chain.frames.first().map(|frame| named(inspection, frame.site));
        task.trust.source = FrameSource::StateMachines;
    } else {
        run(inspection, core, &mut task);
    }
    if task.root.is_none() {
        task.trust.future = FutureType::Unknown;
    }
    Ok(task)
}

/// The site that names the future of a task: what the scheduler's own was given, without a span around
/// it.
fn named(inspection: &mut Inspection<'_>, root: SiteId) -> SiteId {
    const SPAN: &str = "tracing::instrument::Instrumented<";
    let program = inspection.program;
    let given = inspection.type_of_site(root).and_then(|ty| {
        let of = |id| Ty { module: ty.module, id };
        let TypeKind::Enum { variants, .. } = &program.type_of(ty).ok()?.kind else { return None };
        let unpolled = program.type_of(of(variants.first()?.ty)).ok()?.member("unpolled")?;
        let mut given = program.type_of(of(unpolled.ty)).ok()?.type_parameter("F")?;
        let layout = program.type_of(of(given)).ok()?;
        if layout.name.starts_with(SPAN) {
            given = layout.type_parameter("T").unwrap_or(given);
        }
        Some(of(given))
    });
    let site = given.and_then(|ty| inspection.site_of_type(ty));
    inspection.named_root(site.unwrap_or(root))
}

/// Shows a task as the one that is polled, with the frames of the thread that drives its core.
fn run(inspection: &mut Inspection<'_>, core: &Core, task: &mut Task) {
    task.state = TaskState::Running;
    task.thread = core.thread;
    task.trust.is_stale = true;
    let is_run = |function: &str| {
        function.starts_with("zruntime::scheduler::Scheduler<") && plain_path(function) == RUN
    };
    let chain = core.thread.and_then(|thread| inspection.native_chain(thread, &is_run));
    if let Some(chain) = chain {
        task.root = chain.frames.first().map(|frame| inspection.named_root(frame.site));
        task.chain = chain;
        task.trust.source = FrameSource::NativeStack;
    }
}
