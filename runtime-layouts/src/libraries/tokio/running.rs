//! Tasks that are polled now, as the stacks of threads show it.
//!
//! Source: `tokio/src/runtime/task/{harness,raw}.rs` (tokio 1.54.1).

use super::context::ThreadContext;
use super::task::{POLL, vtable_of};
use crate::layout::Function;
use crate::layout::name::path_segments;
use crate::layout::origin::Origin;
use crate::report::{
    Frame, FrameSource, SiblingsOfStack, Task, TaskId, TaskIndex, TaskKind, TaskState, TaskWakers,
    ThreadRef, Trust,
};
use crate::value::{Ty, Value};
use crate::walk::Inspection;
use crate::walk::stacks::native_stack::{self, NativeCall};

const HARNESS: &str = "tokio::runtime::task::harness::";

/// Replaces the stored frames of a task that is being polled by those of the thread that polls it:
/// its state machine is from before this poll.
pub(super) fn show_running(inspection: &mut Inspection<'_>, task: &mut Task) {
    if task.state != TaskState::Running {
        return;
    }
    let chain = task.thread.and_then(|thread| inspection.native_chain(thread, &is_polling));
    task.trust.is_stale = true;
    if let Some(chain) = chain {
        let stored = std::mem::replace(&mut task.chain, chain);
        task.siblings_of_stack = SiblingsOfStack::stored(stored);
        task.trust.source = FrameSource::NativeStack;
    }
}

/// Adds what threads poll, as far as their stacks show it: all that can be told of tasks where the
/// debug information has functions and lines, but no types.
pub(super) fn add_polled(inspection: &mut Inspection<'_>) {
    let target = inspection.program.target();
    let first = inspection.tasks.len();
    for thread in target.threads() {
        let thread = ThreadRef { number: thread.number, tid: thread.tid };
        let Some(chain) = inspection.native_chain(thread, &is_polling) else { continue };
        let is_user_code = |frame: &Frame| {
            let location = inspection.site(frame.site).location.as_ref();
            location.is_some_and(|location| location.file.origin() == Origin::User)
        };
        // A worker is itself a closure that a thread of the blocking pool polls.
        if !chain.frames.iter().any(is_user_code) {
            continue;
        }
        let root = chain.frames.first().map(|frame| frame.site);
        inspection.tasks.push(Task {
            id: TaskId(format!("t{}", thread.number)),
            runtime: None,
            kind: TaskKind::Task,
            state: TaskState::Running,
            root,
            address: 0,
            thread: Some(thread),
            spawned_at: None,
            chain,
            trust: Trust::of(FrameSource::NativeStack),
            siblings_of_stack: None,
            panic: None,
            wakers: TaskWakers::default(),
            index: TaskIndex(0),
            problems: Vec::new(),
        });
    }
    if inspection.tasks.len() > first {
        inspection.problem(
            "Only the tasks that threads are polling now are shown, from their native stacks: `t2` \
             is the task on thread 2."
                .to_string(),
        );
    }
}

/// The thread of these that polls a running task, seen on their stacks: before 1.22 no thread's
/// context says which task it polls. `None` when no thread, or more than one, polls a future of its
/// type.
pub(super) fn polling_thread<'c>(
    inspection: &Inspection<'_>,
    task: &Task,
    header: Value,
    threads: impl Iterator<Item = &'c ThreadContext>,
) -> Option<ThreadRef> {
    if task.state != TaskState::Running {
        return None;
    }
    let program = &inspection.program;
    let poll = vtable_of(program, header).ok()?.member(program, "poll").ok()?;
    let (module, address) = program.code_at(poll.unsigned(program).ok()?)?;
    let functions = program.layouts(module).functions_at(address).ok()?;
    let future = |module: usize, function: &Function| {
        let parameter = function.type_parameters.first()?;
        let layout = program.type_of(Ty { module, id: parameter.ty }).ok()?;
        Some(layout.name.to_string())
    };
    let wanted = future(module, functions.iter().find(|f| f.name.starts_with(POLL))?)?;
    let polls = |thread: &&ThreadContext| {
        let native = &program.target().threads()[thread.index];
        let frames = program.stack(native);
        native_stack::calls(program, &frames).iter().any(|call| match call {
            NativeCall::Known { module, call, .. } => {
                is_polling(&call.function.name)
                    && future(*module, &call.function).as_ref() == Some(&wanted)
            }
            NativeCall::Unknown { .. } => false,
        })
    };
    let mut found = threads.filter(polls);
    let first = found.next()?;
    found.next().is_none().then_some(first.thread)
}

/// Whether that function on a stack polls a task: the vtable's own, or what it calls first, which
/// an optimized build may jump to without a frame.
pub(super) fn is_polling(function: &str) -> bool {
    let last = || path_segments(function).last().map_or("", |last| last.text);
    function.starts_with(POLL)
        || (function.starts_with(HARNESS) && matches!(last(), "poll" | "poll_inner"))
}
