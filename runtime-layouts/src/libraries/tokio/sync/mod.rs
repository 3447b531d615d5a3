//! tokio's synchronization primitives, with a file for each in `tokio/src/sync` (tokio 1.54.1).

pub(super) mod broadcast;
pub(super) mod cells;
pub(super) mod messages;
pub(crate) mod mpsc;
pub(crate) mod notify;
pub(super) mod oneshot;
pub(crate) mod semaphore;
pub(super) mod watch;

use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// `rwlock.rs`: how many may read a lock that does not say so itself: `RwLock::mr` came in 1.5
/// (seen in 1.4.0).
const MAX_READS: u64 = 32;

/// `mutex.rs`: a semaphore with one permit.
pub(super) fn mutex(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(mut seen) = semaphore::around(reading, ResourceKind::Mutex, value)? else {
        return Ok(None);
    };
    seen.access = Some(Access::Exclusive);
    seen.state = None;
    Ok(Some(seen))
}

/// `rwlock.rs`: a semaphore with as many permits as there may be readers; a writer takes all.
pub(super) fn rw_lock(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(mut seen) = semaphore::around(reading, ResourceKind::RwLock, value)? else {
        return Ok(None);
    };
    let most = match value.member(reading.program, "mr") {
        Ok(most) => most.unsigned(reading.program)?,
        Err(_) => MAX_READS,
    };
    let free = semaphore::free(reading, value)?;
    seen.is_taken = free.map(|free| free < most);
    // A writer has them all.
    seen.parties = free.map(|free| if free == 0 { 1 } else { most.saturating_sub(free) });
    seen.access = seen.access.map(|access| match access {
        Access::Permits(1) if most > 1 => Access::Shared,
        _ => Access::Exclusive,
    });
    seen.state = None;
    Ok(Some(seen))
}
