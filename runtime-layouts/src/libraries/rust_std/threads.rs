//! Threads whose end others wait for.
//!
//! Source: `library/std/src/sys/thread/unix.rs` (Rust 1.95): `join` is `pthread_join`, which sleeps until
//! the kernel clears the thread's id in its descriptor (`nptl/pthread_join_common.c`, glibc 2.42;
//! `CLONE_CHILD_CLEARTID` in `clone(2)`).

use crate::knowledge::ObservedResource;
use crate::knowledge::blocking::BlockedThread;
use crate::report::{ResourceKind, ThreadRef};

/// The end of the thread that `JoinHandle::join` waits for; `None` where its id is not in the word on
/// which that sleeps, as with musl.
pub(super) fn end(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    let tid = u64::try_from(blocked.program.read_unsigned(blocked.word, 4).ok()?).ok()?;
    let thread = blocked.program.target().threads().iter().find(|thread| thread.tid == tid)?;
    let is_scoped = blocked.function.starts_with("std::thread::scoped");
    let handle = if is_scoped { "ScopedJoinHandle" } else { "JoinHandle" };
    let thread = ThreadRef { number: thread.number, tid };
    Some(ObservedResource {
        key: tid,
        name: Some(format!("std::thread::{handle}::join of thread {}", thread.number).into()),
        threads: vec![thread],
        ..ObservedResource::without_address(ResourceKind::Blocking)
    })
}
