//! The words on a thread's stack.

use rustc_hash::FxHashSet;

use crate::target::{NativeFrame, Thread};
use crate::value::Program;

/// Bytes of one stack that are searched, from the innermost frame on.
const MAX_STACK: u64 = 256 << 10;
/// The innermost function's own part of the stack, below its frame address: it waits in the kernel
/// and keeps the registers of its callers there.
const INNERMOST: u64 = 1 << 10;

/// Adds the words in a thread's registers and on its stack. `None` when its stack cannot be found:
/// neither a frame's address nor its stack pointer is known.
pub(crate) fn of_stack(
    program: &Program<'_>,
    thread: &Thread,
    mut words: FxHashSet<u64>,
) -> Option<FxHashSet<u64>> {
    let frames = program.stack(thread);
    let registers = frames.iter().flat_map(|frame| &frame.registers);
    words.extend(registers.map(|(_, value)| *value));
    let mut places = frames.iter().filter_map(|frame: &NativeFrame| frame.frame_address);
    let word = u64::from(program.pointer_size());
    let Some(first) = places.next() else {
        // Of a thread that just begins, the stack is what lies above its stack pointer.
        let number = program.target().processor()?.stack_pointer;
        let top = frames.first()?.register(number)?.next_multiple_of(word);
        let places = (top..top.saturating_add(MAX_STACK)).step_by(usize::try_from(word).ok()?);
        let stack = places.map_while(|at| program.read_pointer(at).ok());
        words.extend(stack.take_while(|_| !program.is_interrupted()));
        return Some(words);
    };
    let last = places.next_back().unwrap_or(first).min(first.saturating_add(MAX_STACK));
    let mut at = first.saturating_sub(INNERMOST).next_multiple_of(word);
    while at < last && !program.is_interrupted() {
        // A page that cannot be read has nothing that could be used.
        words.extend(program.read_pointer(at));
        at += word;
    }
    Some(words)
}

/// The words in the registers and on the stack of the functions that lie above an address of a
/// thread's stack: those that called what has it. All words of the stack where the address is not on
/// it; `None` as of [`of_stack`].
pub(crate) fn above(program: &Program<'_>, thread: &Thread, from: u64) -> Option<FxHashSet<u64>> {
    let frames = program.stack(thread);
    let places = || frames.iter().filter_map(|frame: &NativeFrame| frame.frame_address);
    let (first, last) = (places().next()?, places().next_back()?);
    if !(first..last).contains(&from) {
        return of_stack(program, thread, FxHashSet::default());
    }
    let outer = frames.iter().filter(|frame| frame.frame_address.is_some_and(|at| at >= from));
    let registers = outer.flat_map(|frame| &frame.registers).map(|(_, value)| *value);
    let mut words: FxHashSet<u64> = registers.collect();
    let word = u64::from(program.pointer_size());
    let mut at = from.next_multiple_of(word);
    while at < last.min(from.saturating_add(MAX_STACK)) && !program.is_interrupted() {
        words.extend(program.read_pointer(at));
        at += word;
    }
    Some(words)
}
