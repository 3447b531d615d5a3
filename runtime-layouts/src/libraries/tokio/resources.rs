//! The resource and guard types of tokio, a line each.

use super::sync::{broadcast, cells, mpsc, notify, oneshot, semaphore, watch};
use super::{duplex, join, net, sync, time};
use crate::knowledge::{GuardType, ReadValue, ResourceType, Wakers};
use crate::libraries::rust_std::children;
use crate::report::{Access, ResourceKind};

const fn of(path: &'static str, read: ReadValue) -> ResourceType {
    ResourceType::of(path, read)
}

/// A type that others poll without a future.
const fn polled(path: &'static str, read: ReadValue, wakers: Wakers) -> ResourceType {
    ResourceType { wakers: Some(wakers), ..ResourceType::of(path, read) }
}

/// Futures, and the types of `self` of async fns (tokio 1.54.1).
pub(super) const RESOURCES: &[ResourceType] = &[
    of("tokio::sync::batch_semaphore::Acquire", semaphore::acquire),
    of("tokio::sync::semaphore::Semaphore", semaphore::semaphore),
    of("tokio::sync::mutex::Mutex", sync::mutex),
    of("tokio::sync::rwlock::RwLock", sync::rw_lock),
    of("tokio::sync::once_cell::OnceCell", cells::once_cell),
    of("tokio::sync::set_once::SetOnce", cells::set_once),
    of("tokio::sync::barrier::Barrier", cells::barrier),
    of("tokio::sync::notify::Notified", notify::notified),
    of("tokio::sync::notify::OwnedNotified", notify::notified),
    polled("tokio::sync::mpsc::bounded::Receiver", mpsc::receiver, mpsc::receiver_wakers),
    polled(
        "tokio::sync::mpsc::unbounded::UnboundedReceiver",
        mpsc::receiver,
        mpsc::receiver_wakers,
    ),
    of("tokio::sync::mpsc::bounded::Sender", mpsc::sender),
    of("tokio::sync::mpsc::unbounded::UnboundedSender", mpsc::sender),
    polled("tokio::sync::oneshot::Receiver", oneshot::receiver, oneshot::receiver_wakers),
    of("tokio::sync::oneshot::Sender", oneshot::sender),
    of("tokio::sync::watch::Receiver", watch::receiver),
    of("tokio::sync::watch::Sender", watch::sender),
    of("tokio::sync::broadcast::Receiver", broadcast::receiver),
    of("tokio::sync::broadcast::Sender", broadcast::sender),
    of("tokio::runtime::task::join::JoinHandle", join::handle),
    of("tokio::task::join_set::JoinSet", join::set),
    of("tokio::task::yield_now::yield_now::{async_fn_env#0}", join::turn),
    of("tokio::task::yield_now::yield_now::YieldNow", join::turn),
    of("tokio::task::coop::consume_budget::consume_budget::{async_fn_env#0}", join::turn),
    of("tokio::task::consume_budget::consume_budget::{async_fn_env#0}", join::turn),
    of("tokio::time::sleep::Sleep", time::sleep),
    // Until 1.21.
    of("tokio::time::driver::sleep::Sleep", time::sleep),
    of("tokio::time::interval::Interval", time::interval),
    polled("tokio::net::tcp::listener::TcpListener", net::listener, net::socket_wakers),
    polled("tokio::net::unix::listener::UnixListener", net::listener, net::socket_wakers),
    polled("tokio::net::tcp::stream::TcpStream", net::socket, net::socket_wakers),
    polled("tokio::net::unix::stream::UnixStream", net::socket, net::socket_wakers),
    polled("tokio::net::udp::UdpSocket", net::socket, net::socket_wakers),
    polled("tokio::net::unix::datagram::socket::UnixDatagram", net::socket, net::socket_wakers),
    polled("tokio::net::unix::pipe::Sender", net::pipe, net::socket_wakers),
    polled("tokio::net::unix::pipe::Receiver", net::pipe, net::socket_wakers),
    polled("tokio::process::ChildStdin", net::pipe, net::socket_wakers),
    polled("tokio::process::ChildStdout", net::pipe, net::socket_wakers),
    polled("tokio::process::ChildStderr", net::pipe, net::socket_wakers),
    of("tokio::process::Child", children::end_of),
    polled("tokio::io::async_fd::AsyncFd", net::file_descriptor, net::socket_wakers),
    of("tokio::runtime::io::registration::Registration", net::file_descriptor),
    of("tokio::signal::unix::Signal", net::signal),
    polled(duplex::STREAM, duplex::stream, duplex::stream_wakers),
    polled(duplex::SIMPLEX, duplex::simplex, duplex::simplex_wakers),
];

/// A guard, by what its type is called.
const fn guard(
    path: &'static str,
    kind: ResourceKind,
    access: Access,
    object: &'static str,
) -> GuardType {
    GuardType { object, ..GuardType::lock(path, kind, access, semaphore::SEMAPHORE) }
}

const fn end(
    path: &'static str,
    kind: ResourceKind,
    access: Access,
    shared: &'static str,
) -> GuardType {
    GuardType::end(path, kind, access, shared)
}

const MUTEX: &str = "tokio::sync::mutex::Mutex<";
const RW_LOCK: &str = "tokio::sync::rwlock::RwLock<";
const SEMAPHORE: &str = "tokio::sync::semaphore::Semaphore";

/// Guards and permits (`tokio/src/sync/{mutex,semaphore,rwlock/*}.rs`, tokio 1.54.1), and the ends
/// of channels.
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
    // Until 1.3 these two stood in `rwlock.rs` itself; seen in 1.0.3.
    guard(
        "tokio::sync::rwlock::RwLockReadGuard",
        ResourceKind::RwLock,
        Access::Shared,
        semaphore::SEMAPHORE,
    ),
    guard(
        "tokio::sync::rwlock::RwLockWriteGuard",
        ResourceKind::RwLock,
        Access::Exclusive,
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
    end("tokio::sync::mpsc::bounded::Sender", ResourceKind::Mpsc, Access::Send, mpsc::CHAN),
    GuardType {
        also: Some(Access::Send),
        ..end(
            "tokio::sync::mpsc::bounded::OwnedPermit",
            ResourceKind::Mpsc,
            Access::Place,
            mpsc::CHAN,
        )
    },
    end("tokio::sync::mpsc::bounded::Permit", ResourceKind::Mpsc, Access::Place, mpsc::CHAN),
    end(
        "tokio::sync::mpsc::bounded::PermitIterator",
        ResourceKind::Mpsc,
        Access::Place,
        mpsc::CHAN,
    ),
    end("tokio::sync::mpsc::bounded::Receiver", ResourceKind::Mpsc, Access::Receive, mpsc::CHAN),
    end(
        "tokio::sync::mpsc::unbounded::UnboundedSender",
        ResourceKind::Mpsc,
        Access::Send,
        mpsc::CHAN,
    ),
    end(
        "tokio::sync::mpsc::unbounded::UnboundedReceiver",
        ResourceKind::Mpsc,
        Access::Receive,
        mpsc::CHAN,
    ),
    end("tokio::sync::oneshot::Sender", ResourceKind::Oneshot, Access::Send, oneshot::INNER),
    end("tokio::sync::oneshot::Receiver", ResourceKind::Oneshot, Access::Receive, oneshot::INNER),
    end("tokio::sync::notify::Notify", ResourceKind::Notify, Access::Handle, notify::NOTIFY),
    end("tokio::sync::barrier::Barrier", ResourceKind::Barrier, Access::Handle, cells::BARRIER),
    // Whoever has it can add permits, or give back those that it took.
    end(SEMAPHORE, ResourceKind::Semaphore, Access::Handle, semaphore::SEMAPHORE),
    end("tokio::sync::watch::Sender", ResourceKind::Watch, Access::Send, watch::SHARED),
    end("tokio::sync::watch::Receiver", ResourceKind::Watch, Access::Receive, watch::SHARED),
    end("tokio::sync::broadcast::Sender", ResourceKind::Broadcast, Access::Send, broadcast::SHARED),
    end(
        "tokio::sync::broadcast::Receiver",
        ResourceKind::Broadcast,
        Access::Receive,
        broadcast::SHARED,
    ),
    duplex::READS,
    duplex::READ_HALF,
    duplex::WRITE_HALF,
];
