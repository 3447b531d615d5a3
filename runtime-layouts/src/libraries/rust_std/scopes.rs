//! Threads of `std::thread::scope`, which ends when they all have ended.
//!
//! Source: `library/std/src/thread/{scoped,lifecycle}.rs` (Rust 1.96): a scope and what each of its
//! threads has for its result share a `ScopeData`, which has the handle of the thread that waits.

use super::expected::SCOPE_DATA;
use super::futex_words::named;
use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::{ObservedResource, naming};
use crate::report::{ResourceKind, ThreadRef};
use crate::target::Thread;
use crate::value::{Program, Ty};

/// More threads, and more of one scope, are not looked at.
const MAX_THREADS: usize = 256;
/// Of a thread's stack, at the outer end, the bytes in which its first function keeps what it was given.
const OUTERMOST: u64 = 4096;
/// From the counts around what a thread has of itself to the word on which it parks, less than.
const OF_THREAD: u64 = 128;
/// Words of that function's own, among which is the pointer to what it has for its result.
const OF_FUNCTION: u64 = 16;
/// Words of that, with the counts around it, among which is the pointer to its scope.
const OF_RESULT: u64 = 8;

/// The ends of the threads of the scope that a thread waits in; `None` where memory does not show which
/// these are.
pub(super) fn ends(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    let program = blocked.program;
    let ty = named(program, SCOPE_DATA.newest())?;
    let mut words = Vec::from_iter((blocked.words)());
    words.sort_unstable();
    let (data, running) = words
        .into_iter()
        .find_map(|counted| Some((counted, running(program, ty, counted, blocked.word)?)))?;
    let threads = program.target().threads().iter().take(MAX_THREADS);
    let threads = threads.filter(|thread| thread.tid != blocked.tid);
    let threads = threads.filter(|thread| has_result_for(program, thread, data));
    let threads: Vec<ThreadRef> =
        threads.map(|thread| ThreadRef { number: thread.number, tid: thread.tid }).collect();
    // Of some what they have may not be found.
    let which = match threads.len() as u64 {
        0 => return None,
        found if found == running => naming::threads(&threads),
        _ => naming::count(running, "thread"),
    };
    Some(ObservedResource {
        key: data,
        name: Some(format!("std::thread::scope of {which}").into()),
        threads,
        needs_all: true,
        ..ObservedResource::without_address(ResourceKind::Blocking)
    })
}

/// How many threads of a scope run, if that is what counts stand before there, and the thread that
/// parks on the word waits for it.
fn running(program: &Program<'_>, ty: Ty, counted: u64, word: u64) -> Option<u64> {
    let size = u64::from(program.pointer_size());
    if counted == 0 || !counted.is_multiple_of(size) {
        return None;
    }
    let layout = program.type_of(ty).ok()?;
    let member = |name| {
        let offset = layout.member(name)?.offset;
        program.read_pointer(counted.wrapping_add(2 * size).wrapping_add(offset)).ok()
    };
    let waiting = member("main_thread")?;
    let is_own = (1..OF_THREAD).contains(&word.wrapping_sub(waiting));
    let running = member("num_running_threads").filter(|_| is_own)?;
    (1..=MAX_THREADS as u64).contains(&running).then_some(running)
}

/// Whether the first function of a thread has what belongs to a scope for its result.
fn has_result_for(program: &Program<'_>, thread: &Thread, data: u64) -> bool {
    let frames = program.stack(thread);
    let Some(end) = frames.iter().rev().find_map(|frame| frame.frame_address) else { return false };
    let size = u64::from(program.pointer_size());
    let words = |at: u64, numbers: std::ops::Range<u64>| {
        let is_pointer = at != 0 && at.is_multiple_of(size);
        let numbers = numbers.take_while(move |_| is_pointer);
        numbers.map_while(move |number| program.read_pointer(at.wrapping_add(number * size)).ok())
    };
    let is_result = |counted: u64| words(counted, 2..OF_RESULT).any(|word| word == data);
    // The function itself lies on the heap, with what it was given.
    let mut outermost =
        words(end.wrapping_sub(OUTERMOST).next_multiple_of(size), 0..OUTERMOST / size);
    outermost.any(|function| words(function, 0..OF_FUNCTION).any(is_result))
}
