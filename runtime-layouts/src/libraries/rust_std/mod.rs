//! The standard library, and crates used in place of parts of it: locks and calls that block
//! threads, and notations of values.
//!
//! Source: `library/std/src/sync/poison/*.rs`, `library/std/src/sys/sync/{mutex,rwlock}/futex.rs`,
//! `library/std/src/thread/functions.rs` (Rust 1.95); `lock_api/src/{mutex,rwlock}.rs` (0.4.14),
//! `parking_lot/src/raw_{mutex,rwlock}.rs` (0.12).

pub(crate) mod channels;
pub(crate) mod children;
pub(crate) mod collections;
pub(crate) mod descriptors;
pub(crate) mod expected;
pub(crate) mod futex_words;
pub(crate) mod named_pipes;
mod notifications;
pub(crate) mod scopes;
mod sleeps;
pub(crate) mod threads;
pub(crate) mod values;

use crate::knowledge::{BlockingCall, GuardType, Library, ObservedResource, Reading, ResourceType};
use crate::layout::source::UNWINDING;
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

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
    collections: &[collections::COLLECTIONS],
    printers: values::PRINTERS,
    entering_kernel: &["std::sys::", "parking_lot_core::", "core::"],
    // `std/src/sys/sync/once/futex.rs` (Rust 1.95; before 1.78 or so in `sys_common`), which is never
    // inlined; of it `Once`, `OnceLock` and `LazyLock` are made.
    initializing: &[
        "std::sys::sync::once::futex::Once::call",
        "std::sys_common::once::futex::Once::call",
    ],
    // `std/src/sys/pal/unix/futex.rs` and `sys/thread/unix.rs` (Rust 1.95); of `parking_lot_core`
    // `thread_parker/linux.rs` and `spinwait.rs` (0.9.12).
    passing_kernel: &[
        "futex_wake",
        "futex_wake_all",
        "yield_now",
        "thread_yield",
        "spin",
        "spin_no_yield",
        "unpark",
    ],
    aliases: ALIASES,
    public_paths: PUBLIC_PATHS,
    guards: GUARDS,
    resources: &[ResourceType::of("core::future::pending::Pending", never)],
    notable_functions: &[UNWINDING],
    descriptors: &[expected::OWNED_FD.newest()],
    blocking: BLOCKING,
    holding_statics: HOLDING_STATICS,
    ..Library::named("std")
};

/// `std::future::Pending`, and those of other crates.
pub(crate) fn never(_: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Never, value);
    seen.name = Some("pending()".into());
    // One entry is enough for all of them.
    (seen.key, seen.address) = (0, 0);
    Ok(Some(seen))
}

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

/// What a static variable is that is made when it is first used, or that can be changed.
const HOLDING_STATICS: &[&str] = &[
    "std::sync::lazy_lock::LazyLock<",
    "std::sync::once_lock::OnceLock<",
    "std::sync::poison::mutex::Mutex<",
    "std::sync::mutex::Mutex<",
    "std::sync::poison::rwlock::RwLock<",
    "std::sync::rwlock::RwLock<",
    "lock_api::mutex::Mutex<",
    "lock_api::rwlock::RwLock<",
    "once_cell::sync::Lazy<",
    "once_cell::sync::OnceCell<",
    "lazy_static::lazy::Lazy<",
];

/// Rust 1.87 moved those of the standard library into `poison`.
const GUARDS: &[GuardType] = &[
    GuardType::end("std::sync::mpsc::Sender", ResourceKind::Mpsc, Access::Send, channels::COUNTER),
    GuardType::end(
        "std::sync::mpsc::SyncSender",
        ResourceKind::Mpsc,
        Access::Send,
        channels::COUNTER,
    ),
    GuardType::end(
        "std::sync::mpsc::Receiver",
        ResourceKind::Mpsc,
        Access::Receive,
        channels::COUNTER,
    ),
    notifications::CONDVAR_HANDLE,
    notifications::OLD_CONDVAR_HANDLE,
    notifications::PARKING_LOT_HANDLE,
    notifications::THREAD_HANDLE,
    notifications::OLD_THREAD_HANDLE,
    notifications::BARRIER_HANDLE,
    guard("std::sync::poison::mutex::MutexGuard", Access::Exclusive, MUTEX),
    guard("std::sync::mutex::MutexGuard", Access::Exclusive, MUTEX),
    guard("std::sync::poison::rwlock::RwLockReadGuard", Access::Shared, RW_LOCK),
    guard("std::sync::rwlock::RwLockReadGuard", Access::Shared, RW_LOCK),
    guard("std::sync::poison::rwlock::RwLockWriteGuard", Access::Exclusive, RW_LOCK),
    guard("std::sync::rwlock::RwLockWriteGuard", Access::Exclusive, RW_LOCK),
    guard("std::sync::reentrant_lock::ReentrantLockGuard", Access::Exclusive, MUTEX),
    guard("std::sync::remutex::ReentrantMutexGuard", Access::Exclusive, MUTEX),
    guard("lock_api::remutex::ReentrantMutexGuard", Access::Exclusive, RAW_MUTEX),
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

const READ: Option<Access> = Some(Access::Shared);
const WRITE: Option<Access> = Some(Access::Exclusive);

/// Functions that wait until another thread, another process or time lets them go on. What reads
/// files is none: it ends by itself.
const BLOCKING: &[BlockingCall] = &[
    BlockingCall::lock("std::sync::poison::mutex::Mutex::lock", None, futex_words::first),
    BlockingCall::lock("std::sync::mutex::Mutex::lock", None, futex_words::first),
    BlockingCall::lock("std::sync::poison::rwlock::RwLock::read", READ, futex_words::first),
    BlockingCall::lock("std::sync::rwlock::RwLock::read", READ, futex_words::first),
    BlockingCall::lock("std::sync::poison::rwlock::RwLock::write", WRITE, futex_words::of_writers),
    BlockingCall::lock("std::sync::rwlock::RwLock::write", WRITE, futex_words::of_writers),
    // What `Stdout` and `Stderr` are behind (Rust 1.77, and before).
    BlockingCall::lock("std::sync::reentrant_lock::ReentrantLock::lock", None, futex_words::first),
    BlockingCall::lock("std::sync::remutex::ReentrantMutex::lock", None, futex_words::first),
    BlockingCall::lock(
        "lock_api::remutex::ReentrantMutex::lock",
        None,
        futex_words::of_parked_thread,
    ),
    BlockingCall::lock("lock_api::mutex::Mutex::lock", None, futex_words::of_parked_thread),
    BlockingCall::lock("lock_api::rwlock::RwLock::read", READ, futex_words::of_parked_thread),
    BlockingCall::lock("lock_api::rwlock::RwLock::write", WRITE, futex_words::of_parked_thread),
    BlockingCall::block_on("futures_executor::local_pool::block_on"),
    BlockingCall::block_on("futures_lite::future::block_on"),
    BlockingCall::block_on("pollster::block_on"),
    BlockingCall::only("std::thread::functions::sleep", sleeps::long),
    BlockingCall::only("std::thread::sleep", sleeps::long),
    BlockingCall::of("std::thread::functions::park", notifications::unpark),
    BlockingCall::of("std::thread::park", notifications::unpark),
    BlockingCall::of("std::thread::join_handle::JoinHandle::join", threads::end),
    BlockingCall::of("std::thread::JoinHandle::join", threads::end),
    BlockingCall::of("std::thread::scoped::ScopedJoinHandle::join", threads::end),
    BlockingCall::of("std::thread::scoped::scope", scopes::ends),
    BlockingCall::of("std::sync::mpsc::Receiver::recv", channels::message),
    BlockingCall::of("std::sync::mpsc::SyncSender::send", channels::room),
    BlockingCall::of("std::sync::poison::condvar::Condvar::wait", notifications::condvar),
    BlockingCall::of("std::sync::poison::condvar::Condvar::wait_while", notifications::condvar),
    BlockingCall::of("std::sync::condvar::Condvar::wait", notifications::condvar),
    BlockingCall::of("std::sync::condvar::Condvar::wait_while", notifications::condvar),
    BlockingCall::of("std::sync::barrier::Barrier::wait", notifications::barrier),
    // These end in time, whatever others do.
    BlockingCall::call("std::sync::poison::condvar::Condvar::wait_timeout"),
    BlockingCall::call("std::sync::poison::condvar::Condvar::wait_timeout_while"),
    BlockingCall::call("std::sync::condvar::Condvar::wait_timeout"),
    BlockingCall::call("std::sync::condvar::Condvar::wait_timeout_while"),
    BlockingCall::call("std::sync::mpsc::Receiver::recv_timeout"),
    BlockingCall::call("std::thread::functions::park_timeout"),
    BlockingCall::call("std::thread::park_timeout"),
    BlockingCall::call("parking_lot::condvar::Condvar::wait_for"),
    BlockingCall::call("parking_lot::condvar::Condvar::wait_until"),
    BlockingCall::of("std::process::Child::wait", children::waited_for),
    BlockingCall::of("std::process::Child::wait_with_output", children::read_or_waited_for),
    BlockingCall::of("std::process::Command::output", children::read_or_waited_for),
    BlockingCall::of("std::process::Command::status", children::read_or_waited_for),
    BlockingCall::call("std::io::stdio::Stdin::read_line"),
    BlockingCall::of("std::fs::File::lock", descriptors::flocked_file),
    BlockingCall::of("std::fs::File::lock_shared", descriptors::flocked_file),
    BlockingCall::call("std::net::tcp::TcpListener::accept"),
    BlockingCall::of("parking_lot::condvar::Condvar::wait", notifications::parking_lot_condvar),
    BlockingCall::of(
        "parking_lot::condvar::Condvar::wait_while",
        notifications::parking_lot_condvar,
    ),
    // Readers do not keep these waiting, so who has the lock does not tell why.
    BlockingCall::call("lock_api::rwlock::RwLock::upgradable_read"),
    BlockingCall::call("lock_api::rwlock::RwLockUpgradableReadGuard::upgrade"),
    BlockingCall::call("parking_lot::once::Once::call_once"),
    // Who runs the initializer has it meanwhile.
    BlockingCall::lock("std::sync::once::Once::call_once", None, futex_words::first),
    BlockingCall::lock("std::sync::once::Once::call_once_force", None, futex_words::first),
    BlockingCall::lock("std::sync::poison::once::Once::call_once", None, futex_words::first),
    BlockingCall::lock("std::sync::poison::once::Once::call_once_force", None, futex_words::first),
    // They wait for somebody who sets it, and has nothing meanwhile.
    BlockingCall::call("std::sync::once_lock::OnceLock::wait"),
    BlockingCall::call("std::sync::poison::once::Once::wait"),
    BlockingCall::call("std::sync::poison::once::Once::wait_force"),
    BlockingCall::lock("std::sync::once_lock::OnceLock::get_or_init", None, futex_words::first),
    BlockingCall::lock("std::sync::lazy_lock::LazyLock::force", None, futex_words::first),
    BlockingCall::call("std::net::tcp::TcpStream::connect"),
    // Under all that reads sockets (Rust 1.95, 1.84, 1.75).
    reads_socket("std::sys::net::connection::socket::unix::Socket::recv_with_flags"),
    reads_socket("std::sys::net::connection::socket::unix::Socket::recv_from_with_flags"),
    reads_socket("std::sys::pal::unix::net::Socket::recv_with_flags"),
    reads_socket("std::sys::pal::unix::net::Socket::recv_from_with_flags"),
    reads_socket("std::sys::unix::net::Socket::recv_with_flags"),
    reads_socket("std::sys::unix::net::Socket::recv_from_with_flags"),
    // Under all that opens files.
    opens_file("std::sys::fs::unix::File::open_c"),
    opens_file("std::sys::pal::unix::fs::File::open_c"),
    opens_file("std::sys::unix::fs::File::open_c"),
    // Under all that writes them, and pipes.
    reads_file("std::sys::fd::unix::FileDesc::read"),
    writes_file("std::sys::fd::unix::FileDesc::write"),
    reads_file("std::sys::pal::unix::fd::FileDesc::read"),
    writes_file("std::sys::pal::unix::fd::FileDesc::write"),
    reads_file("std::sys::unix::fd::FileDesc::read"),
    writes_file("std::sys::unix::fd::FileDesc::write"),
];

const fn reads_socket(function: &'static str) -> BlockingCall {
    BlockingCall::only(function, descriptors::socket_to_read)
}

const fn reads_file(function: &'static str) -> BlockingCall {
    BlockingCall::only(function, descriptors::file_to_read)
}

const fn opens_file(function: &'static str) -> BlockingCall {
    BlockingCall::only(function, named_pipes::opened)
}

const fn writes_file(function: &'static str) -> BlockingCall {
    BlockingCall::only(function, descriptors::file_to_write)
}
