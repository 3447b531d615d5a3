//! The end of a runtime: whether one is being dropped, and which thread waits for that.
//!
//! Source: `tokio/src/runtime/{runtime,blocking/{pool,shutdown}}.rs` (tokio 1.54.1):
//! `BlockingPool::shutdown` waits until all threads of the pool have ended, those of the workers
//! too. A closure that runs is not interrupted.

use super::blocking;
use super::context::ThreadContext;
use super::scheduler::Scheduler;
use crate::layout::name::path_segments;
use crate::report::{FrameRef, Shutdown, ThreadRef, WorkerState};
use crate::walk::Inspection;
use crate::walk::stacks::native_stack::{self, NativeCall};

/// A thread that waits for the end of a runtime.
struct Waiting {
    thread: ThreadRef,
    at: Option<FrameRef>,
    has_timeout: bool,
}

/// Marks the runtimes that are being dropped, and their workers that have ended. Of several that
/// are, which thread waits for which is not told.
pub(super) fn mark(
    inspection: &mut Inspection<'_>,
    schedulers: &[Scheduler],
    contexts: &[ThreadContext],
    first_runtime: usize,
) {
    let program = inspection.program;
    let ends =
        |scheduler: &Scheduler| blocking::is_shut_down(program, scheduler.handle).unwrap_or(false);
    let ending: Vec<usize> = (first_runtime..)
        .zip(schedulers)
        .filter(|(_, scheduler)| ends(scheduler))
        .map(|(runtime, _)| runtime)
        .collect();
    if ending.is_empty() {
        return;
    }
    let mut waiting = waiting_threads(inspection);
    let one = if ending.len() == 1 && waiting.len() == 1 { waiting.pop() } else { None };
    for runtime in ending {
        let runtime = &mut inspection.runtimes[runtime];
        let address = runtime.address;
        for worker in &mut runtime.workers {
            let has_thread = super::worker_threads(contexts, address)
                .any(|thread| Some(thread.thread) == worker.thread);
            if !has_thread {
                (worker.state, worker.thread) = (WorkerState::Ended, None);
            }
        }
        runtime.shutdown = Some(Shutdown {
            waiting: one.as_ref().map(|waiting| waiting.thread),
            at: one.as_ref().and_then(|waiting| waiting.at),
            has_timeout: one.as_ref().is_some_and(|waiting| waiting.has_timeout),
        });
    }
}

fn waiting_threads(inspection: &mut Inspection<'_>) -> Vec<Waiting> {
    let mut found = Vec::new();
    let target = inspection.program.target();
    for thread in target.threads() {
        let frames = inspection.program.stack(thread);
        let calls = native_stack::calls(inspection.program, &frames);
        let is = |call: &NativeCall, owner: &str, name: &str| match call {
            NativeCall::Known { call, .. } => is_method(&call.function.name, owner, name),
            NativeCall::Unknown { .. } => false,
        };
        let Some(end) = calls.iter().position(|call| is(call, "BlockingPool", "shutdown")) else {
            continue;
        };
        let has_timeout = calls.iter().any(|call| is(call, "Runtime", "shutdown_timeout"));
        let callers = calls[end..].iter().filter_map(|call| match call {
            NativeCall::Known { module, call, pc } => Some((*module, call, *pc)),
            NativeCall::Unknown { .. } => None,
        });
        let mut sites =
            callers.map(|(module, call, pc)| (inspection.site_of_call(module, call), pc));
        let sites: Vec<_> = sites.by_ref().collect();
        let user = sites.into_iter().find(|(site, _)| inspection.is_in_users_file(*site));
        found.push(Waiting {
            thread: ThreadRef { number: thread.number, tid: thread.tid },
            at: user.map(|(site, address)| FrameRef { site, address }),
            has_timeout,
        });
    }
    found
}

/// Whether that is a function of tokio's with this name and this owner.
fn is_method(function: &str, owner: &str, name: &str) -> bool {
    let path = path_segments(function);
    let [.., of, last] = path.as_slice() else { return false };
    function.starts_with("tokio::runtime::") && of.text == owner && last.text == name
}
