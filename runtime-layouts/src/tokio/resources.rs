//! What tokio's futures wait for, and what keeps it from others: a line each.

use super::sync::semaphore;
use super::{join, sync};
use crate::report::{Access, ResourceKind};
use crate::walk::registry::{GuardType, ResourceType};

/// A type that is read by that function.
const fn of(
    path: &'static str,
    read: fn(
        &crate::walk::waits::Reading<'_>,
        crate::value::Value,
    ) -> Result<Option<crate::walk::waits::Seen>, crate::value::ValueError>,
) -> ResourceType {
    ResourceType { path, read, wakers: None }
}

/// Futures, and the types of `self` of async fns (tokio 1.54.1).
pub(super) const RESOURCES: &[ResourceType] = &[
    of("tokio::sync::batch_semaphore::Acquire", semaphore::acquire),
    of("tokio::sync::semaphore::Semaphore", semaphore::semaphore),
    of("tokio::sync::mutex::Mutex", sync::mutex),
    of("tokio::sync::rwlock::RwLock", sync::rw_lock),
    of("tokio::runtime::task::join::JoinHandle", join::handle),
    of("tokio::task::join_set::JoinSet", join::set),
    of("core::future::pending::Pending", sync::never),
];

/// A guard, by what its type is called.
const fn guard(
    path: &'static str,
    kind: ResourceKind,
    access: Access,
    object: &'static str,
) -> GuardType {
    GuardType { path, kind, access, key: semaphore::SEMAPHORE, object }
}

const MUTEX: &str = "tokio::sync::mutex::Mutex<";
const RW_LOCK: &str = "tokio::sync::rwlock::RwLock<";
const SEMAPHORE: &str = "tokio::sync::semaphore::Semaphore";

/// Guards and permits (`tokio/src/sync/{mutex,semaphore,rwlock/*}.rs`, tokio 1.54.1).
pub(super) const GUARDS: &[GuardType] = &[
    guard("tokio::sync::mutex::MutexGuard", ResourceKind::Mutex, Access::Exclusive, MUTEX),
    guard("tokio::sync::mutex::OwnedMutexGuard", ResourceKind::Mutex, Access::Exclusive, MUTEX),
    guard(
        "tokio::sync::mutex::MappedMutexGuard",
        ResourceKind::Mutex,
        Access::Exclusive,
        semaphore::SEMAPHORE,
    ),
    guard(
        "tokio::sync::mutex::OwnedMappedMutexGuard",
        ResourceKind::Mutex,
        Access::Exclusive,
        MUTEX,
    ),
    guard(
        "tokio::sync::rwlock::read_guard::RwLockReadGuard",
        ResourceKind::RwLock,
        Access::Shared,
        semaphore::SEMAPHORE,
    ),
    guard(
        "tokio::sync::rwlock::owned_read_guard::OwnedRwLockReadGuard",
        ResourceKind::RwLock,
        Access::Shared,
        RW_LOCK,
    ),
    guard(
        "tokio::sync::rwlock::write_guard::RwLockWriteGuard",
        ResourceKind::RwLock,
        Access::Exclusive,
        semaphore::SEMAPHORE,
    ),
    guard(
        "tokio::sync::rwlock::owned_write_guard::OwnedRwLockWriteGuard",
        ResourceKind::RwLock,
        Access::Exclusive,
        RW_LOCK,
    ),
    guard(
        "tokio::sync::rwlock::write_guard_mapped::RwLockMappedWriteGuard",
        ResourceKind::RwLock,
        Access::Exclusive,
        semaphore::SEMAPHORE,
    ),
    guard(
        "tokio::sync::rwlock::owned_write_guard_mapped::OwnedRwLockMappedWriteGuard",
        ResourceKind::RwLock,
        Access::Exclusive,
        RW_LOCK,
    ),
    guard(
        "tokio::sync::semaphore::SemaphorePermit",
        ResourceKind::Semaphore,
        Access::Permits(1),
        SEMAPHORE,
    ),
    guard(
        "tokio::sync::semaphore::OwnedSemaphorePermit",
        ResourceKind::Semaphore,
        Access::Permits(1),
        SEMAPHORE,
    ),
];
