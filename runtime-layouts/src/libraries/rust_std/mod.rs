//! The standard library, and crates used in place of parts of it: locks and calls that block
//! threads, and notations of values.
//!
//! Source: `library/std/src/sync/poison/*.rs`, `library/std/src/sys/sync/{mutex,rwlock}/futex.rs`,
//! `library/std/src/thread/functions.rs` (Rust 1.95); `lock_api/src/{mutex,rwlock}.rs` (0.4.14),
//! `parking_lot/src/raw_{mutex,rwlock}.rs` (0.12).

mod collections;
pub(crate) mod expected;
mod futex_words;
pub(crate) mod values;

use crate::knowledge::{BlockingCall, GuardType, Library, TakesLock};
use crate::layout::source::UNWINDING;
use crate::report::{Access, ResourceKind};
use crate::value::Program;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: expected::EXPECTATIONS,
    named_types: expected::NAMED_TYPES,
    defining_crates: &["parking_lot_core"],
    passing_on: &[
        "core::panic::unwind_safe::",
        "core::ops::function::",
        "core::future::future::",
        "std::panic::",
        "std::panicking::",
        "std::thread::local::",
    ],
    collections: collections::COLLECTIONS,
    printers: values::PRINTERS,
    entering_kernel: &["std::sys::", "parking_lot_core::", "core::"],
    aliases: ALIASES,
    public_paths: PUBLIC_PATHS,
    guards: GUARDS,
    notable_functions: &[UNWINDING],
    blocking: BLOCKING,
    ..Library::named("std")
};

/// Where the standard library exports what it defines in private modules.
const PUBLIC_PATHS: &[(&str, &str)] = &[
    ("core::future::pending::", "std::future::"),
    ("core::future::poll_fn::", "std::future::"),
    ("core::future::ready::", "std::future::"),
    ("core::future::async_drop::", "std::future::"),
    ("core::future::join::", "std::future::"),
    ("std::sync::poison::mutex::", "std::sync::"),
    ("std::sync::poison::rwlock::", "std::sync::"),
    ("std::sync::poison::condvar::", "std::sync::"),
    ("std::thread::functions::", "std::thread::"),
    ("std::thread::join_handle::", "std::thread::"),
];

const MUTEX: &str = "std::sys::sync::mutex::futex::Mutex";
const RW_LOCK: &str = "std::sys::sync::rwlock::futex::RwLock";
const RAW_MUTEX: &str = "parking_lot::raw_mutex::RawMutex";
const RAW_RW_LOCK: &str = "parking_lot::raw_rwlock::RawRwLock";

const fn guard(path: &'static str, access: Access, lock: &'static str) -> GuardType {
    GuardType::lock(path, ResourceKind::ThreadLock, access, lock)
}

/// Rust 1.87 moved them into `poison`.
const GUARDS: &[GuardType] = &[
    guard("std::sync::poison::mutex::MutexGuard", Access::Exclusive, MUTEX),
    guard("std::sync::mutex::MutexGuard", Access::Exclusive, MUTEX),
    guard("std::sync::poison::rwlock::RwLockReadGuard", Access::Shared, RW_LOCK),
    guard("std::sync::rwlock::RwLockReadGuard", Access::Shared, RW_LOCK),
    guard("std::sync::poison::rwlock::RwLockWriteGuard", Access::Exclusive, RW_LOCK),
    guard("std::sync::rwlock::RwLockWriteGuard", Access::Exclusive, RW_LOCK),
    guard("lock_api::mutex::MutexGuard", Access::Exclusive, RAW_MUTEX),
    guard("lock_api::mutex::ArcMutexGuard", Access::Exclusive, RAW_MUTEX),
    guard("lock_api::mutex::MappedMutexGuard", Access::Exclusive, RAW_MUTEX),
    guard("lock_api::rwlock::RwLockReadGuard", Access::Shared, RAW_RW_LOCK),
    guard("lock_api::rwlock::ArcRwLockReadGuard", Access::Shared, RAW_RW_LOCK),
    guard("lock_api::rwlock::RwLockWriteGuard", Access::Exclusive, RAW_RW_LOCK),
    guard("lock_api::rwlock::ArcRwLockWriteGuard", Access::Exclusive, RAW_RW_LOCK),
];

/// `parking_lot::Mutex<T>` is an alias of `lock_api::Mutex<RawMutex, T>`.
const ALIASES: &[(&str, &str)] = &[("<RawMutex, ", "<"), ("<RawRwLock, ", "<")];

type OfWord = fn(&Program<'_>, u64) -> Option<u64>;
const READ: Option<Access> = Some(Access::Shared);
const WRITE: Option<Access> = Some(Access::Exclusive);

const fn lock(function: &'static str, access: Option<Access>, of_word: OfWord) -> BlockingCall {
    BlockingCall { function, lock: Some(TakesLock { access, of_word }) }
}

const fn call(function: &'static str) -> BlockingCall {
    BlockingCall { function, lock: None }
}

/// Functions that wait until another thread, another process or time lets them go on. What reads
/// files is none: it ends by itself.
const BLOCKING: &[BlockingCall] = &[
    lock("std::sync::poison::mutex::Mutex::lock", None, futex_words::first),
    lock("std::sync::mutex::Mutex::lock", None, futex_words::first),
    lock("std::sync::poison::rwlock::RwLock::read", READ, futex_words::first),
    lock("std::sync::rwlock::RwLock::read", READ, futex_words::first),
    lock("std::sync::poison::rwlock::RwLock::write", WRITE, futex_words::of_writers),
    lock("std::sync::rwlock::RwLock::write", WRITE, futex_words::of_writers),
    lock("lock_api::mutex::Mutex::lock", None, futex_words::of_parked_thread),
    lock("lock_api::rwlock::RwLock::read", READ, futex_words::of_parked_thread),
    lock("lock_api::rwlock::RwLock::write", WRITE, futex_words::of_parked_thread),
    call("futures_executor::local_pool::block_on"),
    call("futures_lite::future::block_on"),
    call("pollster::block_on"),
    call("std::thread::functions::sleep"),
    call("std::thread::sleep"),
    call("std::thread::functions::park"),
    call("std::thread::park"),
    call("std::thread::join_handle::JoinHandle::join"),
    call("std::thread::JoinHandle::join"),
    call("std::thread::scoped::scope"),
    call("std::sync::mpsc::Receiver::recv"),
    call("std::sync::mpsc::SyncSender::send"),
    call("std::sync::poison::condvar::Condvar::wait"),
    call("std::sync::poison::condvar::Condvar::wait_while"),
    call("std::sync::condvar::Condvar::wait"),
    call("std::sync::condvar::Condvar::wait_while"),
    call("std::sync::barrier::Barrier::wait"),
    call("std::process::Child::wait"),
    call("std::process::Child::wait_with_output"),
    call("std::process::Command::output"),
    call("std::process::Command::status"),
    call("std::io::stdio::Stdin::read_line"),
    call("std::net::tcp::TcpListener::accept"),
    call("std::net::udp::UdpSocket::recv"),
    call("std::net::udp::UdpSocket::recv_from"),
    call("crossbeam_channel::channel::Receiver::recv"),
    call("crossbeam_channel::channel::Sender::send"),
    call("parking_lot::condvar::Condvar::wait"),
];
