//! The mutex of futures-util.
//!
//! Source: `futures-util/src/lock/mutex.rs` (0.3.34).

use crate::knowledge::naming::generic_name;
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// The lock.
pub(super) const MUTEX: &str = "futures_util::lock::mutex::Mutex<";
/// The bit of its state that says that it is locked (`IS_LOCKED`).
const LOCKED: u64 = 1;

/// `Mutex`, and the futures that wait for it.
pub(super) fn mutex(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(mutex) = value.find_through_pointers(reading.program, MUTEX)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Mutex, mutex);
    seen.name = Some(generic_name("Mutex", mutex, reading.program)?);
    seen.access = Some(Access::Exclusive);
    let state = mutex.member(reading.program, "state")?.unsigned(reading.program)?;
    seen.is_taken = Some(state & LOCKED != 0);
    seen.parties = seen.is_taken.map(u64::from);
    Ok(Some(seen))
}
