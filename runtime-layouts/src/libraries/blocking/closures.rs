//! The closures that the pool's threads run, and those that wait for a thread.

use std::collections::HashMap;

use rustc_hash::FxHashSet;

use super::pool::Pool;
use crate::layout::TypeKind;
use crate::layout::name::plain_path;
use crate::libraries::async_executor::polled::{self, Polling};
use crate::libraries::async_executor::task::{TaskReader, header_type};
use crate::libraries::async_executor::{POOL, POOL_LOOP, first_group, id, join};
use crate::report::{
    FrameSource, FutureType, SiteId, Task, TaskId, TaskIndex, TaskKind, TaskState, TaskWakers,
    Trust,
};
use crate::value::{Ty, Value};
use crate::walk::stacks::beginning;
use crate::walk::{Inspection, LiveValue};

/// What each thread of a pool runs: a closure may run an executor itself.
pub(super) fn polled(inspection: &mut Inspection<'_>) -> Vec<Polling> {
    let program = inspection.program;
    let is_loop = |function: &str| plain_path(function) == POOL_LOOP;
    let threads = program.target().threads().iter().filter(|thread| {
        let frames = program.stack(thread);
        !program.is_interrupted()
            && beginning::calls_of(program, &frames)
                .iter()
                .any(|on| is_loop(&on.call.function.name))
    });
    let threads: FxHashSet<u64> = threads.map(|thread| thread.tid).collect();
    if threads.is_empty() {
        return Vec::new();
    }
    let mut outermost: Vec<Polling> = Vec::new();
    for polling in polled::find(inspection) {
        if !threads.contains(&polling.thread.tid) {
            continue;
        }
        match outermost.last_mut().filter(|known| known.thread == polling.thread) {
            Some(known) => *known = polling,
            None => outermost.push(polling),
        }
    }
    outermost
}

/// Adds them as tasks.
pub(super) fn add(inspection: &mut Inspection<'_>, pools: &[Pool], polled: &[Polling]) {
    let first = inspection.tasks.len();
    let mut headers: Vec<u64> = polled.iter().filter_map(|polling| polling.header).collect();
    headers.extend(pools.iter().flat_map(|pool| &pool.queued));
    let mut reader = TaskReader::default();
    let mut futures = HashMap::new();
    let mut seen = FxHashSet::default();
    let mut read = |inspection: &mut Inspection<'_>, headers: &[u64], only: Option<TaskState>| {
        for address in headers {
            if inspection.interrupted() {
                return;
            }
            let found = read_one(inspection, &mut reader, *address).filter(|(task, _)| {
                only.is_none_or(|state| task.state == state) && seen.insert(task.address)
            });
            if let Some((task, future)) = found {
                futures.extend(future.map(|future| (task.address, future)));
                inspection.tasks.push(task);
            }
        }
    };
    read(inspection, &headers, None);
    if polled.iter().any(|polling| polling.header.is_none()) {
        // The handles of closures lead to them where the stacks of their threads do not.
        let mut kept: Vec<LiveValue> = Vec::new();
        inspection.handles_in(0..first, &mut kept);
        let kept = kept.iter().filter(|kept| !kept.may_be_moved);
        let program = inspection.program;
        let header = |kept: &LiveValue| join::header(program, kept.value).ok().flatten();
        let headers: Vec<u64> = kept.filter_map(header).map(|header| header.address).collect();
        read(inspection, &headers, Some(TaskState::Running));
    }
    polled::show(inspection, first, &futures, polled);
    let is_shown = |tasks: &[Task], polling: &&Polling| {
        tasks.iter().any(|task| task.thread == Some(polling.thread))
    };
    let tasks = &inspection.tasks[first..];
    let unknown: Vec<&Polling> = polled.iter().filter(|it| !is_shown(tasks, it)).collect();
    if !unknown.is_empty() {
        // Which of them is which is not to be told: they are there once.
        let is_loose = |task: &Task| task.state == TaskState::Running && task.thread.is_none();
        let mut place = 0;
        inspection.retain_tasks(|task| {
            place += 1;
            place <= first || !is_loose(task)
        });
        inspection.tasks.extend(unknown.into_iter().map(on_stack));
    }
}

/// The closure whose task has its header there, and the type of its future; `None` for what is none.
fn read_one(
    inspection: &mut Inspection<'_>,
    reader: &mut TaskReader,
    address: u64,
) -> Option<(Task, Option<Ty>)> {
    let program = inspection.program;
    for module in 0..program.modules().len() {
        let Some(ty) = header_type(program, module) else { continue };
        let header = Value { ty, address };
        let found = reader.read(program, &mut inspection.walker, header, false);
        inspection.take_in_sites();
        let Ok(mut found) = found else { continue };
        if !found.is_of(program, POOL) {
            continue;
        }
        found.task.kind = TaskKind::Blocking;
        inspection.numbers.apply_to_task(&mut found.task);
        let closure = found.future.and_then(|future| closure_of(inspection, future));
        found.task.root = closure.or(found.task.root);
        return Some((found.task, found.future));
    }
    None
}

/// The closure itself that `unblock` was given: the future of its task is around it, and has it as `f`
/// before it is polled.
fn closure_of(inspection: &mut Inspection<'_>, future: Ty) -> Option<SiteId> {
    const UNBLOCK: &str = "blocking::unblock::{async_block_env#0}<";
    let program = inspection.program;
    let of = |id| Ty { module: future.module, id };
    let layout = program.type_of(future).ok().filter(|layout| layout.name.starts_with(UNBLOCK))?;
    let TypeKind::Enum { variants, .. } = &layout.kind else { return None };
    let closure = program.type_of(of(variants.first()?.ty)).ok()?.member("f")?.ty;
    inspection.site_of_type(of(closure))
}

/// A closure of which nothing but its thread's stack is known.
fn on_stack(polling: &Polling) -> Task {
    Task {
        id: TaskId(String::new()),
        runtime: None,
        kind: TaskKind::Blocking,
        state: TaskState::Running,
        root: polling.chain.frames.first().map(|frame| frame.site),
        address: 0,
        thread: Some(polling.thread),
        spawned_at: None,
        chain: polling.chain.clone(),
        trust: Trust {
            future: FutureType::Unknown,
            is_stale: true,
            ..Trust::of(FrameSource::NativeStack)
        },
        siblings_of_stack: None,
        panic: None,
        wakers: TaskWakers::default(),
        index: TaskIndex(0),
        problems: Vec::new(),
    }
}

/// Numbers the closures from the first one on: those that run by their threads, then those that wait.
pub(super) fn number(inspection: &mut Inspection<'_>, first: usize) {
    let group = first_group(&inspection.tasks[..first]);
    for (number, task) in (1..).zip(&mut inspection.tasks[first..]) {
        task.id = id(group, number);
    }
}
