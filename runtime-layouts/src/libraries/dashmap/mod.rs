//! The maps of dashmap, each shard of which has a lock of its own.
//!
//! Source: `dashmap/src/{lock,mapref/{one,entry,multiple}}.rs` (5.4.0, 6.1.0). Version 4 has locks that
//! spin, whose guards lead to a number: `dashmap/src/lock.rs` (4.0.2).

use crate::knowledge::{GuardType, Library};
use crate::report::{Access, ResourceKind};

/// What is known of it.
pub(crate) const LIBRARY: Library =
    Library { public_paths: PUBLIC_PATHS, guards: GUARDS, ..Library::named("dashmap") };

const PUBLIC_PATHS: &[(&str, &str)] = &[("dashmap::lock::", "dashmap::")];

const GUARDS: &[GuardType] = &[
    guard("dashmap::mapref::one::Ref", Access::Shared),
    guard("dashmap::mapref::one::MappedRef", Access::Shared),
    guard("dashmap::mapref::one::RefMut", Access::Exclusive),
    guard("dashmap::mapref::one::MappedRefMut", Access::Exclusive),
    guard("dashmap::mapref::entry::Entry", Access::Exclusive),
    guard("dashmap::mapref::entry::OccupiedEntry", Access::Exclusive),
    guard("dashmap::mapref::entry::VacantEntry", Access::Exclusive),
    guard("dashmap::mapref::multiple::RefMulti", Access::Shared),
    guard("dashmap::mapref::multiple::RefMutMulti", Access::Exclusive),
];

const fn guard(path: &'static str, access: Access) -> GuardType {
    GuardType {
        object: SHARD,
        ..GuardType::lock(path, ResourceKind::ThreadLock, access, RAW_RW_LOCK)
    }
}

/// The lock of a shard, and the shard with it.
const RAW_RW_LOCK: &str = "dashmap::lock::RawRwLock";
const SHARD: &str = "lock_api::rwlock::RwLock<";
