//! The tasks of a `LocalSet`, which no scheduler lists.
//!
//! Source: `tokio/src/task/local.rs` (tokio 1.54.1). The future that runs a set leads to it,
//! `RunUntil` or the set itself, somewhere in the chain of a task or of a `block_on`.

use std::collections::{HashMap, HashSet};

use super::expected::LOCAL_OWNED;
use super::task::TaskReader;
use super::{number, owned_list};
use crate::layout::Type;
use crate::report::{Chain, Frame, TaskKind, ThreadRef};
use crate::value::Value;
use crate::value::path::{self, Reach};
use crate::walk::Inspection;

const RUNNERS: [&str; 2] = ["tokio::task::local::RunUntil<", "tokio::task::local::LocalSet"];

/// Adds the tasks of every local set that a task found so far runs, and of the sets that those
/// run in turn.
pub(super) fn add(
    inspection: &mut Inspection<'_>,
    first_task: usize,
    polled: &HashMap<u64, ThreadRef>,
) {
    // Mostly there is none, and there may be a million tasks to look through.
    if !inspection.has_sites_of(&RUNNERS) {
        return;
    }
    let mut seen = HashSet::new();
    let mut next = first_task;
    while next < inspection.tasks.len() {
        let mut runners = Vec::new();
        runners_in(inspection, &inspection.tasks[next].chain, &mut runners);
        let runtime = inspection.tasks[next].runtime;
        next += 1;
        for runner in runners {
            if inspection.interrupted() {
                return;
            }
            add_of(inspection, runner, runtime, polled, &mut seen);
        }
    }
}

fn runners_in(inspection: &Inspection<'_>, chain: &Chain, found: &mut Vec<Value>) {
    let is_runner = |frame: &&Frame| {
        let name = &inspection.site(frame.site).type_name;
        RUNNERS.iter().any(|runner| name.starts_with(runner))
    };
    for frame in chain.frames.iter().filter(is_runner) {
        if let Some(ty) = inspection.type_of_site(frame.site) {
            found.push(Value { ty, address: frame.address });
        }
    }
    for branch in &chain.branches {
        runners_in(inspection, branch, found);
    }
}

fn add_of(
    inspection: &mut Inspection<'_>,
    runner: Value,
    runtime: Option<usize>,
    polled: &HashMap<u64, ThreadRef>,
    seen: &mut HashSet<u64>,
) {
    let mut is_owned = |ty: &Type| LOCAL_OWNED.is(ty);
    let program = &inspection.program;
    let Some(to_owned) = path::find(program, runner.ty, Reach::RUNTIME, &mut is_owned) else {
        return inspection.problem("the debug information does not describe the local set's tasks");
    };
    let list = match to_owned.follow(program, runner) {
        Ok(Some(list)) => list,
        Ok(None) => return,
        Err(error) => return inspection.problem(format!("a local set: {error}")),
    };
    if !seen.insert(list.address) {
        return;
    }
    let mut reader = TaskReader::default();
    let found = owned_list::headers(inspection, &[list]);
    let first = inspection.tasks.len();
    for reason in found.incomplete {
        inspection.problem(format!("a local set: {reason}"));
    }
    for header in found.headers {
        match reader.task(inspection, header, runtime, TaskKind::Local) {
            Ok((id, mut task)) => {
                task.thread = super::running_on(task.state, id, polled);
                super::task::show_running(inspection, &mut task);
                inspection.tasks.push(task);
            }
            Err(error) => {
                inspection.problem(format!("the local task at {:#x}: {error}", header.address));
            }
        }
    }
    number(inspection, first, &found.order);
}
