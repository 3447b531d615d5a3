//! The calls by which tasks block their threads.

use rustc_hash::FxHashSet;

pub(crate) use super::blocked::Blocked;
use super::blocked::lock_name;
use super::native_stack::{self, NativeCall};
use super::{spinning, words};
use crate::knowledge::blocking::{self, BlockedThread};
use crate::knowledge::{BlockingCall, Libraries, ObservedResource, TakesLock};
use crate::layout::name::{is_of_standard_library, path_segments, plain_path};
use crate::report::{Chain, Frame, ResourceKind, Task};
use crate::target::Thread;
use crate::value::Program;
use crate::walk::chains::site_table::SiteTable;

/// What the thread that polls a task is blocked by; `None` when it runs, or waits for what ends by
/// itself.
pub(crate) fn of_task(program: &Program<'_>, sites: &SiteTable, task: &Task) -> Option<Blocked> {
    let tid = task.thread?.tid;
    let thread = program.target().threads().iter().find(|known| known.tid == tid)?;
    of_frames(program, sites, thread, &task.chain)
}

/// The same by native frames of the thread.
pub(crate) fn of_frames(
    program: &Program<'_>,
    sites: &SiteTable,
    thread: &Thread,
    chain: &Chain,
) -> Option<Blocked> {
    let (frame, call) = call_of(sites, chain)?;
    if let Some(taken) = call.spins {
        return spinning::of_call(program, sites, thread, (frame, call), taken);
    }
    let functions = chain.frames.iter().rev().map(|frame| &*sites.get(frame.site).type_name);
    let waits = match sites.exported_function(frame.site) {
        Some(_) => is_at_system_call(program, thread),
        None => waits_in_kernel(sites.libraries(), functions),
    };
    if !waits {
        return None;
    }
    match call.lock {
        Some(takes) => of_lock(program, sites, thread, (frame, call), takes),
        None => of_other(program, sites, thread, (frame, call), chain),
    }
}

/// What a call waits for that takes a lock; `None` where the thread was woken.
fn of_lock(
    program: &Program<'_>,
    sites: &SiteTable,
    thread: &Thread,
    (frame, call): (&Frame, &BlockingCall),
    takes: TakesLock,
) -> Option<Blocked> {
    let word = futex(program, thread);
    if word.is_some_and(|word| was_woken(program, thread, word)) {
        return None;
    }
    let mut seen = unknown(thread, call);
    (seen.kind, seen.is_taken) = (ResourceKind::ThreadLock, Some(true));
    if let Some(address) = word.and_then(|word| (takes.of_word)(program, word)) {
        (seen.key, seen.address) = (address, address);
    }
    let owner = blocking::owner(program, &sites.get(frame.site).type_name);
    Some(Blocked {
        size: owner.and_then(|owner| Some(program.type_of(owner).ok()?.size)),
        ..Blocked::of(seen, lock_name(sites, frame), frame, call)
    })
}

/// What any other call waits for; `None` where the thread was woken, or the call ends by itself.
fn of_other(
    program: &Program<'_>,
    sites: &SiteTable,
    thread: &Thread,
    (frame, call): (&Frame, &BlockingCall),
    chain: &Chain,
) -> Option<Blocked> {
    let words = || words::of_stack(program, thread, FxHashSet::default()).unwrap_or_default();
    let is_called = |path: &str| {
        let mut names = chain.frames.iter().map(|frame| &*sites.get(frame.site).type_name);
        names.any(|name| name.starts_with(path))
    };
    // The number of a file may be 0.
    let argument = first_argument(program, thread);
    let awaited = call.awaits.zip(argument).and_then(|(find, word)| {
        let calls = &program.target().processor()?.system_calls;
        let argument = |number| register(program, thread, number);
        let blocked = BlockedThread {
            program,
            tid: thread.tid,
            function: &sites.get(frame.site).type_name,
            word,
            operation: calls.second_argument.and_then(argument),
            limit: calls.third_argument.and_then(argument),
            is_direct: is_direct(sites, chain, frame),
            calls: &is_called,
            words: &words,
        };
        Some((find(&blocked)?, word))
    });
    match awaited {
        Some((seen, word)) => {
            let is_file = seen.kind == ResourceKind::Io;
            let goes_on = !is_file && was_woken(program, thread, word);
            (!goes_on).then(|| Blocked::of(seen, String::new(), frame, call))
        }
        None if call.may_end => None,
        None => {
            let path = path_segments(&sites.get(frame.site).name.short);
            let path: Vec<&str> = path.iter().map(|segment| segment.text).collect();
            Some(Blocked::of(unknown(thread, call), path.join("::"), frame, call))
        }
    }
}

/// What a thread waits for where that is not known: nobody else waits for the same.
fn unknown(thread: &Thread, call: &BlockingCall) -> ObservedResource {
    ObservedResource {
        key: thread.tid,
        access: call.lock.and_then(|takes| takes.access),
        ..ObservedResource::without_address(ResourceKind::Blocking)
    }
}

/// Whether the user's code made a call without another library in between.
fn is_direct(sites: &SiteTable, chain: &Chain, call: &Frame) -> bool {
    let Some(users) = chain.frames.iter().rposition(|frame| sites.is_user_code(frame.site)) else {
        return false;
    };
    let between = chain.frames[users + 1..].iter().take_while(|frame| !std::ptr::eq(*frame, call));
    between
        .map(|frame| &*sites.get(frame.site).type_name)
        .all(|function| function.is_empty() || is_of_standard_library(function))
}

/// The call that blocks, which the innermost code of the user's made: what that calls first and is
/// known to block.
///
/// A frame further out may be one that is known to block as well, and runs the user's code now, such
/// as `block_on` or `OnceLock::get_or_init`.
pub(crate) fn call_of<'c>(
    sites: &SiteTable,
    chain: &'c Chain,
) -> Option<(&'c Frame, &'static BlockingCall)> {
    static BLOCK_ON: BlockingCall = BlockingCall::block_on("");
    let users = chain.frames.iter().rposition(|frame| sites.is_user_code(frame.site));
    // The program's own ten lines.
    if let Some(frame) = users.map(|at| &chain.frames[at])
        && sites.begins_to_poll(frame.site)
    {
        return Some((frame, &BLOCK_ON));
    }
    let called = &chain.frames[users.map_or(0, |at| at + 1)..];
    let known = called.iter().find_map(|frame| {
        let known = match sites.exported_function(frame.site) {
            Some(function) => sites.libraries().blocking(function),
            None => sites.libraries().blocking(&plain_path(&sites.get(frame.site).type_name)),
        };
        Some((frame, known?))
    });
    // What the user called begins to poll a future, somewhere within.
    match known {
        Some((_, known)) if known.polls => {}
        _ if called.iter().any(|frame| sites.begins_to_poll(frame.site)) => {
            return called.first().map(|first| (first, &BLOCK_ON));
        }
        _ => {}
    }
    known
}

/// Whether the innermost functions of a stack are on their way into the kernel.
fn waits_in_kernel<'f>(libraries: Libraries, mut functions: impl Iterator<Item = &'f str>) -> bool {
    if !functions.next().is_some_and(|function| libraries.may_be_in_kernel(function)) {
        return false;
    }
    functions
        .find(|function| !function.is_empty())
        .is_some_and(|function| libraries.enters_kernel(function))
}

/// The word on which the thread waits: the first argument of the system call that it is in.
fn futex(program: &Program<'_>, thread: &Thread) -> Option<u64> {
    first_argument(program, thread).filter(|at| *at != 0)
}

/// The first argument of the system call that a thread is in.
fn first_argument(program: &Program<'_>, thread: &Thread) -> Option<u64> {
    let number = program.target().processor()?.system_calls.first_argument?;
    register(program, thread, number)
}

/// Whether a thread that waits on a futex word goes on as soon as the system lets it run: the word has
/// not the value, the third argument of the system call, with which threads wait any more. So it is
/// between the release of a lock and the moment at which one of those who wait for it takes it, which
/// is long on a machine that has much to do: `futex(2)`, `FUTEX_WAIT`.
fn was_woken(program: &Program<'_>, thread: &Thread, word: u64) -> bool {
    let number = program.target().processor().and_then(|it| it.system_calls.third_argument);
    let expected = number.and_then(|number| register(program, thread, number));
    let value = program.read_unsigned(word, 4).ok();
    expected.zip(value).is_some_and(|(expected, value)| u128::from(expected as u32) != value)
}

/// Whether a thread is in a system call, by the code where it stands: the instruction is behind it, or
/// will be run again.
fn is_at_system_call(program: &Program<'_>, thread: &Thread) -> bool {
    let Some(calls) = program.target().processor().map(|it| &it.system_calls) else { return false };
    let frames = program.target().native_frames(thread, 1);
    let Some(pc) = frames.first().map(|frame| frame.pc.get()) else { return false };
    let memory = program.target().memory();
    calls.is_behind(memory, pc) || calls.is_at(memory, pc)
}

/// A register of a thread's innermost frame.
fn register(program: &Program<'_>, thread: &Thread, number: u16) -> Option<u64> {
    program.target().native_frames(thread, 1).first()?.register(number)
}

/// Whether a thread waits in the kernel, as far as its stack shows, and nothing has woken it: it runs
/// no code that could hold something for a moment.
pub(crate) fn is_in_kernel(program: &Program<'_>, libraries: Libraries, thread: &Thread) -> bool {
    let calls = native_stack::calls(program, &program.stack(thread));
    let functions = calls.iter().map(|call| match call {
        NativeCall::Known { call, .. } => &*call.function.name,
        NativeCall::Unknown { .. } => "",
    });
    let woken = || futex(program, thread).is_some_and(|word| was_woken(program, thread, word));
    waits_in_kernel(libraries, functions) && !woken()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::processor::WIDE;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::target::{CodeAddress, NativeFrame, Target};

    const WORD: u64 = 0x1000;

    /// Whether a thread was woken that waits for that word to change from `expected`.
    fn is_woken(word: u32, expected: u64) -> bool {
        let memory = FakeMemory::new().with(WORD, word.to_le_bytes());
        let registers = vec![(1, WORD), (2, expected)];
        let frame = NativeFrame { pc: CodeAddress::Next(0), frame_address: None, registers };
        let target = FakeTarget::new(FakeLayouts::new(), memory, 0).with_stack(&WIDE, vec![frame]);
        was_woken(&Program::new(&target), &target.threads()[0], WORD)
    }

    #[test]
    fn a_thread_that_wakes_others_or_lets_them_run_waits_for_nothing() {
        let libraries = crate::libraries::REGISTRY.libraries;
        let waits = |function: &str| waits_in_kernel(libraries, ["", function].into_iter());
        let of_parking_lot =
            |function: &str| waits(&format!("parking_lot_core::thread_parker::imp::{function}"));
        assert!(of_parking_lot("ThreadParker::futex_wait"));
        assert!(!of_parking_lot("{impl#2}::unpark") && !of_parking_lot("thread_yield"));
        assert!(waits("std::sys::pal::unix::futex::futex_wait"));
        assert!(!waits("std::sys::pal::unix::futex::futex_wake"));
        assert!(!waits("shop::sell"));
    }

    #[test]
    fn a_thread_waits_while_its_word_has_the_value_that_it_waits_with() {
        assert!(!is_woken(2, 2), "a lock that is taken and waited for");
        assert!(is_woken(0, 2), "it was given back");
        assert!(is_woken(1, 2), "another thread took it before the one that was woken");
        assert!(!is_woken(u32::MAX, u64::MAX), "a word has four bytes");
    }
}
