//! Locks of spin, for which a thread spins instead of sleeping.
//!
//! Source: `spin/src/{mutex,rwlock}.rs`, `spin/src/mutex/spin.rs` (0.9.9). Not its ticket lock, whose
//! numbers do not say by themselves whether it is free.

use crate::knowledge::{BlockingCall, GuardType, Library};
use crate::report::{Access, ResourceKind};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("spin::mutex::spin::", "spin::"), ("spin::rwlock::", "spin::")],
    // The two lowest bits of a `RwLock` are a writer and who may become one, those above count readers.
    blocking: &[
        BlockingCall::spin("spin::mutex::Mutex::lock", None, u64::MAX),
        BlockingCall::spin("spin::mutex::spin::SpinMutex::lock", None, u64::MAX),
        BlockingCall::spin("spin::rwlock::RwLock::read", Some(Access::Shared), 0b11),
        BlockingCall::spin("spin::rwlock::RwLock::upgradeable_read", Some(Access::Exclusive), 0b11),
        BlockingCall::spin("spin::rwlock::RwLock::write", Some(Access::Exclusive), u64::MAX),
    ],
    guards: &[
        guard("spin::mutex::spin::SpinMutexGuard", "lock", Access::Exclusive),
        guard("spin::rwlock::RwLockReadGuard", "lock", Access::Shared),
        guard("spin::rwlock::RwLockUpgradableGuard", "inner", Access::Exclusive),
        guard("spin::rwlock::RwLockWriteGuard", "inner", Access::Exclusive),
    ],
    ..Library::named("spin")
};

/// A guard that leads to the lock's word by a member.
const fn guard(path: &'static str, from: &'static str, access: Access) -> GuardType {
    GuardType {
        other_keys: &["core::sync::atomic::AtomicUsize", "core::sync::atomic::Atomic<"],
        from,
        ..GuardType::lock(path, ResourceKind::ThreadLock, access, "core::sync::atomic::AtomicBool")
    }
}
