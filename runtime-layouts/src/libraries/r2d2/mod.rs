//! The pools of r2d2, whose users block their threads.

use std::sync::LazyLock;

use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::declared::built_in;
use crate::knowledge::{BlockingCall, GuardType, Library, ObservedResource, Reading};
use crate::layout::Type;
use crate::libraries::rust_std::futex_words;
use crate::value::Value;
use crate::value::find_by_name::is_named;
use crate::value::path::{self, Reach};

/// What is known of it.
pub(crate) static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let library = built_in(include_str!("r2d2.toml"));
    // Each connection has a number.
    let numbered = library.guards.iter().map(|guard| GuardType { number: "id", ..*guard });
    let guards: Vec<GuardType> = numbered.collect();
    Library { blocking: BLOCKING, guards: guards.leak(), ..library }
});

const BLOCKING: &[BlockingCall] = &[
    BlockingCall::of("r2d2::Pool::get", awaited),
    BlockingCall::of("r2d2::Pool::get_timeout", awaited),
];

/// The pool of a thread that waits for one of its connections: parking_lot keeps the address of the
/// `Condvar` in it that the thread waits for (`r2d2/src/lib.rs`, 0.8.10). A thread that was told of a
/// connection waits for the lock of the pool instead: what is read then is no pool.
fn awaited(thread: &BlockedThread<'_>) -> Option<ObservedResource> {
    let program = thread.program;
    let pool = thread.owner()?;
    let mut is_shared = |ty: &Type| is_named(ty, "r2d2::SharedPool<");
    let ty = path::find(program, pool, Reach::RUNTIME, &mut is_shared)?.end;
    let condvar = program.type_of(ty).ok()?.member("cond")?.offset;
    let address = futex_words::of_parked_thread(program, thread.word)?.wrapping_sub(condvar);
    let shared = Value { ty, address };
    let reading = Reading::alone(program, shared);
    let known = LIBRARY.resources.iter().find(|known| known.path == "r2d2::SharedPool")?;
    let seen = known.read(&reading, shared).ok()??;
    seen.parties.is_some().then_some(seen)
}
