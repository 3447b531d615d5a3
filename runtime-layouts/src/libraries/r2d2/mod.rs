//! The pools of r2d2, whose users block their threads.
//!
//! Source: `r2d2/src/lib.rs` (0.8.10).

use crate::knowledge::pool::{Lent, lending};
use crate::knowledge::{BlockingCall, GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: &[ResourceType::around("r2d2::SharedPool", pool)],
    guards: &[GuardType {
        emptied: "conn",
        ..GuardType::lock("r2d2::PooledConnection", ResourceKind::Pool, Access::Exclusive, SHARED)
    }],
    blocking: &[
        BlockingCall::call("r2d2::Pool::get"),
        BlockingCall::call("r2d2::Pool::get_timeout"),
    ],
    ..Library::named("r2d2")
};

/// What all handles of a pool share.
const SHARED: &str = "r2d2::SharedPool<";

/// What a pool says of itself, as those show who have connections.
fn pool(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(shared) = value.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let internals = shared.member(program, "internals")?;
    let idle = internals.find_member(program, "conns")?;
    let idle = idle.map(|conns| conns.find_number(program, "len")).transpose()?.flatten();
    let made = internals.find_number(program, "num_conns")?;
    let most = shared.member(program, "config")?.find_number(program, "max_size")?;
    let (Some(made), Some(idle), Some(most)) = (made, idle, most) else { return Ok(None) };
    let is_exhausted = idle == 0 && made >= most;
    let lent = Lent { out: made.checked_sub(idle), most, is_exhausted, part: None };
    lending(reading, shared, &lent)
}
