//! embassy-executor: tasks in static variables, run by executors of one thread or interrupt.
//!
//! Every task has its place in a static variable, so what leads to the tasks is the debug
//! information: no thread-local variable, no heap and no operating system is needed.
//!
//! Source: `embassy-executor/src/{lib,raw/mod}.rs` (0.5.1 to 0.10.0).

mod executor;
mod expected;
mod pools;
mod running;
mod task;

use self::pools::PollFunctions;
use crate::knowledge::naming::version_in_path;
use crate::knowledge::{Library, Runtime};
use crate::report::TaskId;
use crate::walk::Inspection;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    runtime: Some(Runtime {
        root: None,
        // In the names of its functions, in messages of panics and in paths.
        text: b"embassy-executor",
        task_polls: &[expected::POLL],
        pool_loops: &[],
    }),
    statics: expected::STATICS,
    expectations: expected::EXPECTATIONS,
    named_types: expected::NAMED_TYPES,
    defining_crates: &["embassy_executor"],
    passing_on: &["embassy_executor::"],
    // `embassy-executor-macros/src/macros/task.rs` (0.4.2 to 0.8.0).
    macro_names: &[("__", "_task_inner_function"), ("__", "_task")],
    ..Library::named(NAME)
};

/// As cargo knows it.
const NAME: &str = "embassy-executor";

/// Finds the executors that have tasks, and the tasks: all that are spawned, in the order of their
/// names, which numbers them alike in every build.
pub(super) fn discover(inspection: &mut Inspection<'_>) {
    for module in 0..inspection.program.modules().len() {
        discover_in(inspection, module);
    }
}

/// The same for those in one module.
fn discover_in(inspection: &mut Inspection<'_>, module: usize) {
    let mut functions = PollFunctions::default();
    let slots = pools::slots(inspection, module, &mut functions);
    if slots.is_empty() {
        return;
    }
    let (first_runtime, first_task) = (inspection.runtimes.len(), inspection.tasks.len());
    for slot in &slots {
        if inspection.interrupted() {
            break;
        }
        task::add(inspection, slot, first_runtime);
    }
    running::mark(inspection, first_task, first_runtime);
    name(inspection, first_task);
    let file = functions.file();
    let version = file.and_then(version_in);
    for runtime in &mut inspection.runtimes[first_runtime..] {
        runtime.version.clone_from(&version);
        let tasks = inspection.tasks[first_task..].iter();
        runtime.listed_tasks = tasks.filter(|task| task.runtime == Some(runtime.id)).count() as u64;
    }
}

/// Numbers the tasks from the first one on: they have no ids of their own. Where another runtime has
/// tasks too, `e` tells them apart.
fn name(inspection: &mut Inspection<'_>, first: usize) {
    let prefix = if first == 0 { "" } else { "e" };
    for (number, task) in (1..).zip(&mut inspection.tasks[first..]) {
        task.id = TaskId(format!("{prefix}{number}"));
    }
    let ids: Vec<(u64, TaskId)> = inspection.tasks[first..]
        .iter()
        .filter(|task| task.thread.is_some())
        .filter_map(|task| Some((task.thread?.tid, task.id.clone())))
        .collect();
    let workers = inspection.runtimes.iter_mut().filter(|runtime| runtime.library == NAME);
    for worker in workers.flat_map(|runtime| &mut runtime.workers) {
        let thread = worker.thread.map(|thread| thread.tid);
        let polled = ids.iter().find(|(tid, _)| Some(*tid) == thread);
        worker.task = polled.map(|(_, id)| id.clone());
    }
}

/// The version in the path of one of its files: `…/embassy-executor-0.9.1/src/raw/mod.rs`.
fn version_in(file: &str) -> Option<String> {
    version_in_path(file, "embassy-executor")
}
