//! The pools of deadpool, and with them those of its managers.
//!
//! Source: `deadpool/src/managed/mod.rs` (0.9.5, 0.12.2), `deadpool/src/managed/{pool,object}.rs`
//! (0.12.3, 0.13.1), `deadpool-runtime/src/lib.rs` (0.3.1).

use crate::knowledge::pool::{Lent, lending};
use crate::knowledge::{GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::tokio::sync::semaphore;
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[
        ("deadpool::managed::pool::", "deadpool::managed::"),
        ("deadpool::managed::object::", "deadpool::managed::"),
    ],
    resources: RESOURCES,
    guards: GUARDS,
    ..Library::named("deadpool")
};

const RESOURCES: &[ResourceType] = &[
    ResourceType::around("deadpool::managed::pool::Pool", pool),
    ResourceType::around("deadpool::managed::pool::PoolInner", pool),
    ResourceType::around("deadpool::managed::Pool", pool),
    ResourceType::around("deadpool::managed::PoolInner", pool),
    ResourceType::of("deadpool_runtime::Runtime", runtime),
];

const GUARDS: &[GuardType] =
    &[object("deadpool::managed::object::Object", INNER), object("deadpool::managed::Object", WAS)];

const fn object(path: &'static str, shared: &'static str) -> GuardType {
    let guard = GuardType::lock(path, ResourceKind::Pool, Access::Exclusive, shared);
    GuardType { emptied: "inner", ..guard }
}

/// What all handles of a pool share, since 0.12.3 and before.
const INNER: &str = "deadpool::managed::pool::PoolInner<";
const WAS: &str = "deadpool::managed::PoolInner<";

/// `Pool::get`. Its semaphore has a permit for each object that could be lent: the permit is kept
/// while an object is made or tried, and forgotten with the object that is lent.
fn pool(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let shared = match value.find_through_pointers(program, INNER)? {
        Some(shared) => Some(shared),
        None => value.find_through_pointers(program, WAS)?,
    };
    let Some(shared) = shared else { return Ok(None) };
    let part = shared.member(program, "semaphore")?;
    let slots = shared.member(program, "slots")?;
    let number = |name| slots.find_number(program, name);
    let (Some(most), Some(made)) = (number("max_size")?, number("size")?) else {
        return Ok(None);
    };
    let Some(free) = semaphore::free_in(program, part)? else { return Ok(None) };
    // Of a pool that was made smaller more are out than it says, and those do not come back.
    let out = most.checked_sub(free).filter(|_| made <= most);
    let lent = Lent { out, most, is_exhausted: free == 0, part: Some(part) };
    lending(reading, shared, &lent)
}

/// What its time limits are inside.
fn runtime(_: &Reading<'_>, _: Value) -> Result<Option<ObservedResource>, ValueError> {
    Ok(None)
}
