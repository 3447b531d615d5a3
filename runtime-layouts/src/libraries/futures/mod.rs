//! The crates of futures-rs.

mod channel;
mod lock;
mod one_part_at_a_time;
mod pools;
mod public_paths;
mod shared;
mod unordered;

use self::channel::{BOUNDED, ONESHOT, UNBOUNDED};
pub(super) use self::pools::discover;
use crate::knowledge::connection::ObservedBuffer;
use crate::knowledge::{ConnectionType, GuardType, Library, ResourceType, Runtime};
use crate::libraries::rust_std;
use crate::report::{Access, ResourceKind};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    runtime: Some(Runtime {
        root: None,
        // In the paths of its panics: `futures-executor/src/local_pool.rs`.
        text: b"futures-executor-",
        task_polls: &[pools::RUN, pools::POLL],
        pool_loops: &[],
    }),
    expectations: pools::EXPECTATIONS,
    named_types: pools::NAMED_TYPES,
    defining_crates: &["futures_executor"],
    // What the threads of a pool do, which block on no future.
    passing_on: &["futures_executor::thread_pool::"],
    collections: &[
        unordered::COLLECTIONS,
        one_part_at_a_time::COLLECTIONS,
        channel::COLLECTIONS,
        shared::COLLECTIONS,
    ],
    future_sets: unordered::FUTURE_SETS,
    waking: &[unordered::WAKING, shared::WAKING],
    // A `Fuse` drops its own: `futures-util/src/future/future/fuse.rs` (0.3.34).
    ended_when_empty: &["futures_util::future::future::fuse::Fuse"],
    // `futures-util/src/stream/{iter,repeat,repeat_with,empty}.rs` (0.3.34).
    never_pending: &[
        "futures_util::stream::iter::Iter",
        "futures_util::stream::repeat::Repeat",
        "futures_util::stream::repeat_with::RepeatWith",
        "futures_util::stream::empty::Empty",
    ],
    // With which `FuturesOrdered` numbers both: `futures-util/src/stream/futures_ordered.rs` (0.3.34).
    output_wrappers: &["futures_util::stream::futures_ordered::OrderWrapper"],
    public_paths: public_paths::PUBLIC_PATHS,
    resources: RESOURCES,
    guards: GUARDS,
    connections: &[ConnectionType::used(
        "futures_util::io::buf_writer::BufWriter",
        ObservedBuffer::writer,
    )],
    ..Library::named("futures")
};

const RESOURCES: &[ResourceType] = &[
    ResourceType::of("futures_util::lock::mutex::MutexLockFuture", lock::mutex),
    ResourceType::of("futures_util::lock::mutex::OwnedMutexLockFuture", lock::mutex),
    ResourceType::of("futures_util::lock::mutex::Mutex", lock::mutex),
    ResourceType::of("futures_channel::mpsc::Receiver", channel::receiver),
    ResourceType::of("futures_channel::mpsc::UnboundedReceiver", channel::unbounded),
    ResourceType {
        wakers: Some(channel::sender_wakers),
        ..ResourceType::of("futures_channel::mpsc::Sender", channel::sender)
    },
    ResourceType::of("futures_channel::oneshot::Receiver", channel::oneshot),
    ResourceType::of("futures_channel::oneshot::Cancellation", channel::cancellation),
    ResourceType::of(shared::SHARED, shared::shared),
    // `futures-util/src/{future,stream}/pending.rs` (0.3.34).
    ResourceType::of("futures_util::future::pending::Pending", rust_std::never),
    ResourceType::of("futures_util::stream::pending::Pending", rust_std::never),
];

const GUARDS: &[GuardType] = &[
    guard("futures_util::lock::mutex::MutexGuard"),
    guard("futures_util::lock::mutex::OwnedMutexGuard"),
    guard("futures_util::lock::mutex::MappedMutexGuard"),
    GuardType::end("futures_channel::mpsc::Sender", ResourceKind::Mpsc, Access::Send, BOUNDED),
    GuardType::end("futures_channel::mpsc::Receiver", ResourceKind::Mpsc, Access::Receive, BOUNDED),
    GuardType::end(
        "futures_channel::mpsc::UnboundedSender",
        ResourceKind::Mpsc,
        Access::Send,
        UNBOUNDED,
    ),
    GuardType::end(
        "futures_channel::mpsc::UnboundedReceiver",
        ResourceKind::Mpsc,
        Access::Receive,
        UNBOUNDED,
    ),
    GuardType::end(
        "futures_channel::oneshot::Sender",
        ResourceKind::Oneshot,
        Access::Send,
        ONESHOT,
    ),
    GuardType::end(
        "futures_channel::oneshot::Receiver",
        ResourceKind::Oneshot,
        Access::Receive,
        ONESHOT,
    ),
];

const fn guard(path: &'static str) -> GuardType {
    GuardType::lock(path, ResourceKind::Mutex, Access::Exclusive, lock::MUTEX)
}
