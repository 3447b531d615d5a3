//! Threads that sleep for a time.
//!
//! Source: `clock_nanosleep(2)`, `nanosleep(2)`: the C library's `nanosleep`, which
//! `library/std/src/sys/thread/unix.rs` calls (Rust 1.95), asks the system by either.

use crate::knowledge::ObservedResource;
use crate::knowledge::blocking::BlockedThread;
use crate::report::ResourceKind;

/// A thread that sleeps for less than this many nanoseconds goes on in a moment: 50 ms.
const SHORT: u64 = 50_000_000;

/// What a thread waits for that sleeps; `None` where it asked for a moment only.
pub(super) fn long(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    let path = crate::layout::name::plain_path(blocked.function);
    (!is_short(blocked)).then(|| ObservedResource {
        key: blocked.tid,
        name: Some(path.replace("::functions::", "::").into()),
        ..ObservedResource::without_address(ResourceKind::Blocking)
    })
}

/// Whether the time that the system was asked for is short: its address is the third argument of
/// `clock_nanosleep`, whose first one is the number of a clock, or the first one of `nanosleep`.
fn is_short(blocked: &BlockedThread<'_>) -> bool {
    const CLOCKS: u64 = 16;
    let at = if blocked.word < CLOCKS { blocked.limit } else { Some(blocked.word) };
    let word = u64::from(blocked.program.pointer_size());
    let read = |at: u64| blocked.program.read_pointer(at).ok();
    let time = at.and_then(|at| Some((read(at)?, read(at.wrapping_add(word))?)));
    time.is_some_and(|(seconds, nanoseconds)| seconds == 0 && nanoseconds < SHORT)
}
