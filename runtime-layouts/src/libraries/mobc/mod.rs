//! The pools of mobc.
//!
//! Source: `mobc/src/{lib,conn,config}.rs` (0.9.0).

use crate::knowledge::pool::{Lent, lending};
use crate::knowledge::{GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::tokio::sync::semaphore;
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: &[
        ResourceType::around("mobc::Pool", pool),
        ResourceType::around("mobc::SharedPool", pool),
    ],
    guards: &[GuardType {
        emptied: "conn",
        ..GuardType::lock("mobc::Connection", ResourceKind::Pool, Access::Exclusive, SHARED)
    }],
    ..Library::named("mobc")
};

/// What all handles of a pool share.
const SHARED: &str = "mobc::SharedPool<";
/// What those wait for who want a connection.
const SEMAPHORE: &str = "tokio::sync::semaphore::Semaphore";

/// `Pool::get`. Every connection that is lent keeps a permit of its semaphore.
fn pool(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(shared) = value.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let part = shared.member(program, "semaphore")?.find_through_pointers(program, SEMAPHORE)?;
    let most = shared.member(program, "internals")?.find_number(program, "max_open")?;
    let (Some(part), Some(most)) = (part, most) else { return Ok(None) };
    let Some(free) = semaphore::free_in(program, part)? else { return Ok(None) };
    let is_exhausted = free == 0;
    let lent = Lent { out: most.checked_sub(free), most, is_exhausted, part: Some(part) };
    lending(reading, shared, &lent)
}
