//! The tasks that threads poll, as their stacks show them.

use std::collections::HashMap;

use rustc_hash::FxHashSet;

use super::{is_running, task};
use crate::report::{Chain, FrameSource, SiblingsOfStack, Task, ThreadRef};
use crate::value::{Program, Ty};
use crate::walk::Inspection;
use crate::walk::stacks::beginning::{self, OnFrame};
use crate::walk::stacks::stack_future;
use crate::walk::words_of_stack;

/// One task that a thread's stack shows being polled.
pub(in crate::libraries) struct Polling {
    pub(in crate::libraries) thread: ThreadRef,
    /// The type of its future.
    future: Option<String>,
    /// Its header, where a variable shows that.
    pub(in crate::libraries) header: Option<u64>,
    pub(in crate::libraries) chain: Chain,
}

/// What the threads' stacks show being polled, of each thread the innermost first.
pub(in crate::libraries) fn find(inspection: &mut Inspection<'_>) -> Vec<Polling> {
    let target = inspection.program.target();
    let mut all = Vec::new();
    for thread in target.threads() {
        if inspection.interrupted() {
            break;
        }
        let program = inspection.program;
        let frames = program.stack(thread);
        let calls = beginning::calls_of(program, &frames);
        let mut start = 0;
        for (end, on) in calls.iter().enumerate() {
            if !task::is_run(&on.call.function.name) {
                continue;
            }
            let chain = inspection.chain_on_stack(&frames, &calls, start, end);
            let parameters = &on.call.function.type_parameters;
            let future = parameters.iter().find(|of| &*of.name == "F").and_then(|of| {
                let layout = program.type_of(Ty { module: on.module, id: of.ty }).ok()?;
                let ty = task::polled_type(program, Ty { module: on.module, id: of.ty });
                Some(program.type_of(ty).ok().unwrap_or(layout).name.to_string())
            });
            let header = header_on_stack(program, on, &frames[on.frame]);
            let reference = ThreadRef { number: thread.number, tid: thread.tid };
            all.push(Polling { thread: reference, future, header, chain });
            start = end + 1;
        }
    }
    all
}

/// The task that a function on a stack runs: its parameter `ptr`.
fn header_on_stack(
    program: &Program<'_>,
    on: &OnFrame,
    frame: &crate::target::NativeFrame,
) -> Option<u64> {
    let (module, address) = program.module_at(frame.pc.lookup())?;
    let variables = program.layouts(module).variables_at(address).ok()?;
    let pointer =
        variables.iter().find(|it| it.function == on.call.function.name && &*it.name == "ptr")?;
    let (_, value) = stack_future::place(program, module, pointer, frame)?;
    program.read_pointer(value.address).ok().filter(|address| *address != 0)
}

/// The only one of the tasks that run whose header a thread has a pointer to: it changes the state of the
/// task that it polls once that has returned.
fn header_in_words(
    program: &Program<'_>,
    polling: &Polling,
    running: &FxHashSet<u64>,
) -> Option<u64> {
    let mut threads = program.target().threads().iter();
    let thread = threads.find(|thread| thread.tid == polling.thread.tid)?;
    let words = words_of_stack(program, thread, FxHashSet::default())?;
    let mut known = running.iter().filter(|header| words.contains(header));
    known.next().copied().filter(|_| known.next().is_none())
}

/// Shows those of the tasks from the first one on that run with the frames of the threads which poll
/// them. `futures` has the types of their futures by their headers. Gives their headers and threads.
pub(in crate::libraries) fn show(
    inspection: &mut Inspection<'_>,
    first: usize,
    futures: &HashMap<u64, Ty>,
    polled: &[Polling],
) -> Vec<(u64, ThreadRef)> {
    let mut taken = vec![false; polled.len()];
    let mut shown = Vec::new();
    let program = inspection.program;
    let running = inspection.tasks[first..].iter().filter(|task| is_running(task));
    let running: FxHashSet<u64> = running.map(|task| task.address).collect();
    let headers: Vec<Option<u64>> = polled
        .iter()
        .map(|it| it.header.or_else(|| header_in_words(program, it, &running)))
        .collect();
    let name_of = |task: &Task| {
        let ty = futures.get(&task.address)?;
        Some(program.type_of(*ty).ok()?.name.to_string())
    };
    let names: Vec<Option<String>> = inspection.tasks[first..]
        .iter()
        .map(|task| is_running(task).then(|| name_of(task)).flatten())
        .collect();
    for (at, name) in names.into_iter().enumerate() {
        let task = &mut inspection.tasks[first + at];
        if !is_running(task) {
            continue;
        }
        task.trust.is_stale = true;
        let may_be = |(number, it): &(usize, &Polling)| {
            !taken[*number] && headers[*number].is_none() && name.is_some() && it.future == name
        };
        let exact = headers.iter().position(|header| *header == Some(task.address));
        let mut alike = polled.iter().enumerate().filter(may_be);
        // Of several that are alike it may be any.
        let only = alike.next().filter(|_| alike.next().is_none()).map(|(number, _)| number);
        let Some(number) = exact.or(only) else { continue };
        taken[number] = true;
        let polling = &polled[number];
        task.thread = Some(polling.thread);
        let stored = std::mem::replace(&mut task.chain, polling.chain.clone());
        task.siblings_of_stack = SiblingsOfStack::stored(stored);
        task.trust.source = FrameSource::NativeStack;
        shown.push((task.address, polling.thread));
    }
    shown
}
