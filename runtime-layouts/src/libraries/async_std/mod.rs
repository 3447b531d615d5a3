//! async-std's files. Its sockets and timers are async-io's, its tasks async-executor's.
//!
//! Source: `async-std/src/fs/file.rs` (1.12.0 and 1.13.2): what a file does runs as a closure on the
//! pool of `blocking`, which has the file's lock meanwhile; who waits is told when that is given back.

mod expected;

use crate::knowledge::{GuardType, Library, ObservedResource, Reading, ResourceType, waker};
use crate::report::{Access, ResourceKind};
use crate::value::slices::SliceLayout;
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: &[expected::LOCK],
    resources: &[ResourceType {
        wakers: Some(wakers),
        ..ResourceType::of("async_std::fs::file::File", file)
    }],
    guards: &[GuardType::lock(
        "async_std::fs::file::LockGuard",
        ResourceKind::Mutex,
        Access::Exclusive,
        LOCK,
    )],
    public_paths: &[("async_std::fs::file::", "async_std::fs::")],
    ..Library::named("async-std")
};

const LOCK: &str = expected::LOCK.newest();
/// Those that wait for one file which are looked at.
const MAX_WAITING: u64 = 64;

/// The lock of a file, which an operation has that is under way.
fn file(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(lock) = value.find_through_pointers(program, LOCK)? else { return Ok(None) };
    let is_taken = lock.find_number(program, "locked")?.is_some_and(|locked| locked != 0);
    let mut seen = ObservedResource::new(ResourceKind::Mutex, lock);
    seen.name = Some("a file".into());
    seen.access = Some(Access::Exclusive);
    (seen.is_taken, seen.is_granted) = (Some(is_taken), !is_taken);
    Ok(Some(seen))
}

/// The wakers of who waits for it.
fn wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    let Some(lock) = value.find_through_pointers(program, LOCK)? else { return Ok(Vec::new()) };
    let waiting = lock.member(program, "wakers")?.find_inline(program, "alloc::vec::Vec<")?;
    let Some(waiting) = waiting else { return Ok(Vec::new()) };
    let slice = SliceLayout::of_vec(program, waiting.ty, waiting.layout(program)?)?;
    let Some(slice) = slice.map(|slice| slice.read(program, waiting)).transpose()? else {
        return Ok(Vec::new());
    };
    let stored = slice.elements(MAX_WAITING).map(|waiting| waker::stored(program, waiting));
    Ok(stored.collect::<Result<Vec<_>, _>>()?.concat())
}
