//! References that threads have: what nobody who waits for it owns may still be got at.
//!
//! `std::thread::scope` lends what it likes to threads of its own, and `&Notify` counts nowhere. So
//! before it is said that nobody could send a notification, the stacks of the threads that belong to
//! no runtime are searched for its address, as a collector of garbage would.

use rustc_hash::FxHashSet;

use super::native::DEEPEST_STACK;
use crate::report::{Access, Resource, Runtime, Task};
use crate::target::{NativeFrame, Thread};
use crate::value::Program;

/// Bytes of one stack that are searched, from the innermost frame on.
const MOST_STACK: u64 = 256 << 10;
/// The innermost function's own part of the stack, below its frame address: it waits in the kernel
/// and keeps the registers of its callers there.
const INNERMOST: u64 = 1 << 10;

/// Marks the resources that a thread outside of all runtimes may have a reference to. Asks for stacks
/// only where that could make a difference.
pub(super) fn mark(
    program: &Program<'_>,
    runtimes: &[Runtime],
    tasks: &[Task],
    resources: &mut [Resource],
) {
    let matters = |resource: &Resource| {
        let by_handle = resource.holders.first().map(|first| first.access) == Some(Access::Handle);
        by_handle
            && !resource.is_reachable
            && resource.parties == Some(resource.holders.len() as u64)
    };
    if !resources.iter().any(matters) {
        return;
    }
    let own = runtimes.iter().flat_map(|runtime| &runtime.workers).filter_map(|it| it.thread);
    let own: FxHashSet<u64> =
        own.chain(tasks.iter().filter_map(|task| task.thread)).map(|thread| thread.tid).collect();
    let threads = program.target().threads().iter();
    let words = threads
        .filter(|thread| !own.contains(&thread.tid))
        .try_fold(FxHashSet::default(), |words, thread| search(program, thread, words));
    // Before the value there are the two counts of its `Arc`.
    let counts = 2 * u64::from(program.pointer_size());
    for resource in resources.iter_mut().filter(|resource| matters(resource)) {
        let has = |address| words.as_ref().is_none_or(|words| words.contains(&address));
        resource.is_reachable = has(resource.address) || has(resource.address.wrapping_sub(counts));
    }
}

/// Adds the words in a thread's registers and on its stack. `None` when its stack cannot be found.
fn search(
    program: &Program<'_>,
    thread: &Thread,
    mut words: FxHashSet<u64>,
) -> Option<FxHashSet<u64>> {
    let frames = program.target().native_frames(thread, DEEPEST_STACK);
    let registers = frames.iter().flat_map(|frame| &frame.registers);
    words.extend(registers.map(|(_, value)| *value));
    let mut places = frames.iter().filter_map(|frame: &NativeFrame| frame.frame_address);
    let first = places.next()?;
    let last = places.next_back().unwrap_or(first).min(first.saturating_add(MOST_STACK));
    let word = u64::from(program.pointer_size());
    let mut at = first.saturating_sub(INNERMOST).next_multiple_of(word);
    while at < last && !program.is_interrupted() {
        // A page that cannot be read has nothing that could be used.
        words.extend(program.read_pointer(at));
        at += word;
    }
    Some(words)
}
