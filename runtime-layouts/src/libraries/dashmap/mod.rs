//! The maps of dashmap, each shard of which has a lock of its own.
//!
//! Source: `dashmap/src/{lock,mapref/{one,entry,multiple}}.rs` (5.4.0, 6.1.0). Version 4 has locks that
//! spin, whose guards lead to a number and not to the lock: `dashmap/src/lock.rs` (4.0.2).

use crate::knowledge::children::{Types, elements};
use crate::knowledge::{BlockingCall, CollectionType, GuardType, Library};
use crate::libraries::rust_std::collections::in_map;
use crate::report::{Access, ResourceKind};
use crate::value::slices::SliceLayout;
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: PUBLIC_PATHS,
    guards: GUARDS,
    // The two lowest bits are a writer and who may become one, those above count readers.
    blocking: &[
        BlockingCall::spin("dashmap::lock::RwLock::read", Some(Access::Shared), 0b11),
        BlockingCall::spin("dashmap::lock::RwLock::write", Some(Access::Exclusive), u64::MAX),
    ],
    collections: &[&[CollectionType {
        types: Types::Of("dashmap::DashMap"),
        children: |_, ty, layout| elements(ty, layout, "V", in_shards),
    }]],
    ..Library::named("dashmap")
};

const PUBLIC_PATHS: &[(&str, &str)] = &[("dashmap::lock::", "dashmap::")];

/// Shards of one map that are looked at, at most: mostly there are four for each processor.
const MAX_SHARDS: u64 = 1 << 12;

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
        other_keys: ATOMICS,
        ..GuardType::lock(path, ResourceKind::ThreadLock, access, RAW_RW_LOCK)
    }
}

/// The lock of a shard, and the shard with it.
const RAW_RW_LOCK: &str = "dashmap::lock::RawRwLock";
const SHARD: &str = "lock_api::rwlock::RwLock<";
/// What guards of version 4 lead to instead.
const ATOMICS: &[&str] = &["core::sync::atomic::AtomicUsize", "core::sync::atomic::Atomic<"];

/// The values in all shards.
fn in_shards(program: &Program<'_>, map: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let shards = map.member(program, "shards")?;
    let layout = SliceLayout::of_fat_pointer(program, shards.ty, shards.layout(program)?)?;
    let Some(layout) = layout else { return Ok(Vec::new()) };
    let slice = layout.read(program, shards)?;
    let mut found = Vec::new();
    for number in 0..slice.count.min(MAX_SHARDS) {
        if program.is_interrupted() || found.len() >= most {
            break;
        }
        let address = slice.start.wrapping_add(number.wrapping_mul(slice.size));
        let shard = Value { ty: slice.element, address };
        found.extend(in_map(program, shard, most - found.len())?);
    }
    Ok(found)
}
