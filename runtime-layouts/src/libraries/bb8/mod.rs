//! The pools of bb8.
//!
//! Source: `bb8/src/{api,inner,internals}.rs` (0.8.6, 0.9.1).

use crate::knowledge::pool::{Lent, lending};
use crate::knowledge::{GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("bb8::api::", "bb8::")],
    resources: &[
        ResourceType::around("bb8::inner::PoolInner", pool),
        ResourceType::around("bb8::internals::SharedPool", pool),
    ],
    guards: &[GuardType {
        emptied: "conn",
        ..GuardType::lock(
            "bb8::api::PooledConnection",
            ResourceKind::Pool,
            Access::Exclusive,
            SHARED,
        )
    }],
    ..Library::named("bb8")
};

/// What all handles of a pool share.
const SHARED: &str = "bb8::internals::SharedPool<";
/// What those wait for who find no idle connection.
const NOTIFY: &str = "tokio::sync::notify::Notify";

/// `Pool::get`. A connection that is given back is announced to one who waits.
fn pool(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(shared) = value.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let internals = shared.member(program, "internals")?;
    let number = |name| internals.find_number(program, name);
    let idle = internals.find_member(program, "conns")?;
    let idle = idle.map(|queue| queue.find_number(program, "len")).transpose()?.flatten();
    let most = shared.member(program, "statics")?.find_number(program, "max_size")?;
    let (Some(made), Some(idle), Some(most)) = (number("num_conns")?, idle, most) else {
        return Ok(None);
    };
    let part = shared.member(program, "notify")?.find_through_pointers(program, NOTIFY)?;
    let is_exhausted = idle == 0 && made >= most;
    let lent = Lent { out: made.checked_sub(idle), most, is_exhausted, part };
    lending(reading, shared, &lent)
}
