//! Locks and semaphores.

use super::{MUTEX, RW_LOCK, named};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

const GREEDY: &str = "embassy_sync::semaphore::GreedySemaphore<";
const FAIR: &str = "embassy_sync::semaphore::FairSemaphore<";
/// How to tell from the name of a closure in `RwLock::write` that it is there.
const WRITE: &str = "::write::{closure";

/// `Mutex`, which the closure in `lock` refers to.
pub(super) fn mutex(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(mutex) = value.find_through_pointers(program, MUTEX)? else { return Ok(None) };
    let mut seen = lock(ResourceKind::Mutex, mutex, reading)?;
    seen.name = Some(named("Mutex", mutex, program)?);
    seen.access = Some(Access::Exclusive);
    let state = mutex.member(program, "state")?;
    if let Some(locked) = state.find_number(program, "locked")? {
        seen.is_taken = Some(locked != 0);
        seen.parties = Some(u64::from(locked != 0));
    }
    Ok(Some(seen))
}

/// `RwLock`, which the closures in `read` and `write` refer to.
pub(super) fn rw_lock(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(locked) = value.find_through_pointers(program, RW_LOCK)? else { return Ok(None) };
    let mut seen = lock(ResourceKind::RwLock, locked, reading)?;
    seen.name = Some(named("RwLock", locked, program)?);
    let writes = reading.leaf.layout(program)?.name.contains(WRITE);
    seen.access = Some(if writes { Access::Exclusive } else { Access::Shared });
    let state = locked.member(program, "state")?;
    let writer = state.find_number(program, "writer")?;
    let readers = state.find_number(program, "readers")?;
    if let (Some(writer), Some(readers)) = (writer, readers) {
        seen.is_taken = Some(writer != 0 || readers != 0);
        seen.parties = Some(if writer != 0 { 1 } else { readers });
    }
    Ok(Some(seen))
}

/// What is known of something with a member `state`.
fn lock(
    kind: ResourceKind,
    value: Value,
    reading: &Reading<'_>,
) -> Result<ObservedResource, ValueError> {
    let key = value.member(reading.program, "state")?.address;
    Ok(ObservedResource { key, ..ObservedResource::new(kind, value) })
}

/// `GreedySemaphore`, which the closure in `acquire` refers to.
pub(super) fn semaphore(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let found = value.find_through_pointers(reading.program, GREEDY)?;
    found.map(|found| permits(reading, found, "GreedySemaphore")).transpose()
}

/// `FairAcquire` and `FairAcquireAll`, the futures of a `FairSemaphore`.
pub(super) fn fair_semaphore(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(found) = value.find_through_pointers(program, FAIR)? else { return Ok(None) };
    let mut seen = permits(reading, found, "FairSemaphore")?;
    let asked = ["permits", "min"].iter().find_map(|name| value.member(program, name).ok());
    seen.access = asked.and_then(|asked| asked.unsigned(program).ok()).map(Access::Permits);
    Ok(Some(seen))
}

fn permits(
    reading: &Reading<'_>,
    semaphore: Value,
    name: &'static str,
) -> Result<ObservedResource, ValueError> {
    let mut seen = lock(ResourceKind::Semaphore, semaphore, reading)?;
    seen.name = Some(name.into());
    let state = semaphore.member(reading.program, "state")?;
    let free = state.find_number(reading.program, "permits")?;
    seen.state = free.map(|free| format!("{free} free"));
    // Whoever has a reference may add permits.
    seen.is_reachable = true;
    Ok(seen)
}

/// `OnceLock`, which the closure in `get` refers to.
pub(super) fn once_lock(
    _: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::OnceCell, value);
    seen.is_reachable = true;
    Ok(Some(seen))
}
