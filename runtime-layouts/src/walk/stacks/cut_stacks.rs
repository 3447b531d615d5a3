//! Stacks that could not be unwound.
//!
//! A debugger that has a core file and the program, but not the program's libraries, knows no callers
//! of the code that threads wait in. What such a thread blocks on or waits for is then missing, and
//! nothing else shows that it is.

use rustc_hash::FxHashSet;

use crate::report::{Task, TaskKind, TaskState};
use crate::target::{NativeFrame, Thread};
use crate::value::Program;

/// Threads that are named; there may be thousands.
const MAX_NAMED: usize = 8;

/// Says whose stacks were looked at and could not be unwound; `None` when there is none. `inside` has
/// the kernel's ids of threads that a runtime says are inside of it.
pub(crate) fn problem(
    program: &Program<'_>,
    tasks: &[Task],
    inside: &FxHashSet<u64>,
) -> Option<String> {
    let mut calls_program = inside.clone();
    let is_on_stack =
        |task: &&Task| task.state == TaskState::Running || task.kind == TaskKind::BlockOn;
    calls_program.extend(tasks.iter().filter(is_on_stack).filter_map(|it| Some(it.thread?.tid)));
    let target = program.target();
    let main = target.identity().pid;
    let is_cut = |thread: &&Thread| {
        let is_main = main.map_or(thread.number == 1, |pid| pid == thread.tid);
        let must_call = is_main || calls_program.contains(&thread.tid);
        program.whole_stack(thread).is_some_and(|frames| is_cut(program, &frames, must_call))
    };
    let cut: Vec<&Thread> = target.threads().iter().filter(is_cut).collect();
    let what = match cut.as_slice() {
        [] => return None,
        [one] => format!("stack of thread {} (tid {})", one.number, one.tid),
        several => format!("stacks of {}", counted(several)),
    };
    let whose = if cut.len() == 1 { "it blocks on or waits" } else { "they block on or wait" };
    Some(format!(
        "The {what} cannot be unwound, so what {whose} for may be missing: are the files of the \
         program's libraries here?"
    ))
}

/// So many threads, with the numbers of the first of them: `12 threads (1, 2, 3, 4, 5, 6, 7, 8, …)`.
pub(super) fn counted(threads: &[&Thread]) -> String {
    let named = threads.iter().take(MAX_NAMED).map(|it| it.number.to_string());
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if threads.len() > MAX_NAMED { ", …" } else { "" };
    format!("{} threads ({named}{more})", threads.len())
}

/// Whether a stack ends before it comes to the program. Of a thread that is known to have been called
/// by the program, it has to show that; any other one has callers at least in the C library.
fn is_cut(program: &Program<'_>, frames: &[NativeFrame], must_call: bool) -> bool {
    let is_outside = |frame: &NativeFrame| program.module_at(frame.pc.lookup()).is_none();
    !frames.is_empty() && (must_call || frames.len() == 1) && frames.iter().all(is_outside)
}

#[cfg(test)]
mod tests {
    use crate::fake::processor::WIDE;
    use crate::fake::{FakeTarget, tokio};
    use crate::libraries::REGISTRY;
    use crate::target::{CodeAddress, NativeFrame};
    use crate::walk::inspect;

    /// What is said of a program whose thread has these frames.
    fn said(frames: &[u64]) -> Vec<String> {
        let frame = |pc: &u64| NativeFrame {
            pc: CodeAddress::Next(*pc),
            frame_address: None,
            registers: Vec::new(),
        };
        let target = FakeTarget::new(tokio::layouts(), tokio::memory(1), tokio::THREAD_POINTER);
        let target = target.with_stack(&WIDE, frames.iter().map(frame).collect());
        inspect(&target, REGISTRY).problems
    }

    #[test]
    fn a_stack_that_never_comes_to_the_program_is_told() {
        const ELSEWHERE: u64 = 0x7fff_0000_0000_0000;
        let cut = "The stack of thread 1 (tid 1) cannot be unwound, so what it blocks on or waits for \
                   may be missing: are the files of the program's libraries here?";
        for stack in [&[ELSEWHERE][..], &[ELSEWHERE, 8 + ELSEWHERE]] {
            assert_eq!(said(stack), [cut]);
        }
        assert_eq!(said(&[ELSEWHERE, 0x1000]), [""; 0], "the program's own code is on it");
    }
}
