//! The pools of rayon: a thread that waits until one has done what it was given.
//!
//! Source: `rayon-core/src/{registry,latch,job}.rs` (1.13.0).

use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::{BlockingCall, Library, ObservedResource, naming};
use crate::layout::name::plain_path;
use crate::report::{ResourceKind, ThreadRef};
use crate::target::Thread;
use crate::value::Program;
use crate::walk::stacks::native_stack::{self, NativeCall};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    blocking: &[BlockingCall::of("rayon_core::registry::Registry::in_worker_cold", work)],
    ..Library::named("rayon")
};

/// What runs a job on a thread of a pool. One that waits within a job for another one may sleep, too.
const EXECUTE: [&str; 2] =
    ["rayon_core::registry::WorkerThread::execute", "rayon_core::job::JobRef::execute"];
/// More threads are not looked at.
const MAX_THREADS: usize = 256;

/// What a pool of rayon does for a thread outside of it: which of its threads is not said anywhere, so
/// that all that have work are named; `None` where none has.
fn work(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    let program = blocked.program;
    let threads = program.target().threads().iter().take(MAX_THREADS);
    let threads = threads.filter(|thread| thread.tid != blocked.tid && has_work(program, thread));
    let threads: Vec<ThreadRef> =
        threads.map(|thread| ThreadRef { number: thread.number, tid: thread.tid }).collect();
    let which = match threads.len() {
        0 => return None,
        1 => format!("{}, which has work", naming::threads(&threads)),
        _ => format!("{}, which have work", naming::threads(&threads)),
    };
    Some(ObservedResource {
        key: blocked.tid,
        name: Some(format!("rayon's pool ({which})").into()),
        threads,
        ..ObservedResource::without_address(ResourceKind::Blocking)
    })
}

/// Whether a thread runs a job of a pool.
fn has_work(program: &Program<'_>, thread: &Thread) -> bool {
    let calls = native_stack::calls(program, &program.stack(thread));
    calls.iter().any(|call| match call {
        NativeCall::Known { call, .. } => EXECUTE.contains(&&*plain_path(&call.function.name)),
        NativeCall::Unknown { .. } => false,
    })
}
