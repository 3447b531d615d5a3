//! The locks, channels and signals of embassy-sync.
//!
//! Each keeps a waker or a few, and no futures in a queue: what is free is announced to one that
//! waits, and whoever is polled first takes it. All are shared by plain references, mostly to static
//! variables, so nothing counts who could send or release something: an end that is found says who
//! could, and none of them that nobody else can.
//!
//! Source: `embassy-sync/src/{mutex,rwlock,semaphore,channel,priority_channel,signal,pipe,watch,
//! once_lock,pubsub/*}.rs` (0.5.0 to 0.8.0), `heapless/src/deque.rs` (0.8.0, 0.9.4).

mod channels;
mod locks;

use std::borrow::Cow;

use self::channels::{
    CHANNEL, DYN_CHANNEL, DYN_PIPE, DYN_PUBSUB, DYN_WATCH, PIPE, PRIORITY_CHANNEL, PUBSUB, WATCH,
};
use crate::knowledge::{GuardType, Library, ResourceType};
use crate::layout::name::last_segment;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: RESOURCES,
    guards: GUARDS,
    public_paths: PUBLIC_PATHS,
    ..Library::named("embassy-sync")
};

const PUBLIC_PATHS: &[(&str, &str)] = &[
    ("embassy_sync::pubsub::subscriber::", "embassy_sync::pubsub::"),
    ("embassy_sync::pubsub::publisher::", "embassy_sync::pubsub::"),
];

const RESOURCES: &[ResourceType] = &[
    ResourceType::of(MUTEX_PATH, locks::mutex),
    ResourceType::of("embassy_sync::rwlock::RwLock", locks::rw_lock),
    ResourceType::of("embassy_sync::semaphore::GreedySemaphore", locks::semaphore),
    ResourceType::of("embassy_sync::semaphore::FairAcquire", locks::fair_semaphore),
    ResourceType::of("embassy_sync::semaphore::FairAcquireAll", locks::fair_semaphore),
    ResourceType::of("embassy_sync::once_lock::OnceLock", locks::once_lock),
    ResourceType::of("embassy_sync::channel::ReceiveFuture", channels::receive),
    ResourceType::of("embassy_sync::channel::ReceiveReadyFuture", channels::receive),
    ResourceType::of("embassy_sync::channel::DynamicReceiveFuture", channels::receive),
    ResourceType::of("embassy_sync::channel::SendFuture", channels::send),
    ResourceType::of("embassy_sync::channel::DynamicSendFuture", channels::send),
    ResourceType::of("embassy_sync::priority_channel::ReceiveFuture", channels::receive),
    ResourceType::of("embassy_sync::priority_channel::SendFuture", channels::send),
    ResourceType::of("embassy_sync::pipe::ReadFuture", channels::read),
    ResourceType::of("embassy_sync::pipe::FillBufFuture", channels::read),
    ResourceType::of("embassy_sync::pipe::WriteFuture", channels::write),
    ResourceType::of("embassy_sync::pipe::DynamicReadFuture", channels::read),
    ResourceType::of("embassy_sync::pipe::DynamicFillBufFuture", channels::read),
    ResourceType::of("embassy_sync::pipe::DynamicWriteFuture", channels::write),
    ResourceType::of("embassy_sync::pubsub::subscriber::SubscriberWaitFuture", channels::subscribe),
    ResourceType::of("embassy_sync::pubsub::publisher::PublisherWaitFuture", channels::publish),
    ResourceType::of("embassy_sync::watch::Rcv", channels::watch),
    ResourceType::of("embassy_sync::signal::Signal", channels::signal),
];

const MUTEX_PATH: &str = "embassy_sync::mutex::Mutex";
const MUTEX: &str = "embassy_sync::mutex::Mutex<";
const RW_LOCK: &str = "embassy_sync::rwlock::RwLock<";
/// What the state of each of them is in: its address is what tells one from another, since a guard
/// of a part of what is locked leads to that alone.
const STATE: &str = "embassy_sync::blocking_mutex::Mutex<";

const GUARDS: &[GuardType] = &[
    guard("embassy_sync::mutex::MutexGuard", ResourceKind::Mutex, Access::Exclusive, MUTEX),
    guard("embassy_sync::mutex::MappedMutexGuard", ResourceKind::Mutex, Access::Exclusive, STATE),
    guard("embassy_sync::rwlock::RwLockReadGuard", ResourceKind::RwLock, Access::Shared, RW_LOCK),
    guard(
        "embassy_sync::rwlock::RwLockWriteGuard",
        ResourceKind::RwLock,
        Access::Exclusive,
        RW_LOCK,
    ),
    guard(
        "embassy_sync::semaphore::SemaphoreReleaser",
        ResourceKind::Semaphore,
        Access::Permits(1),
        STATE,
    ),
    GuardType::end("embassy_sync::channel::Sender", MPSC, Access::Send, CHANNEL),
    GuardType::end("embassy_sync::channel::Receiver", MPSC, Access::Receive, CHANNEL),
    GuardType::end("embassy_sync::channel::DynamicSender", MPSC, Access::Send, DYN_CHANNEL),
    GuardType::end("embassy_sync::channel::DynamicReceiver", MPSC, Access::Receive, DYN_CHANNEL),
    GuardType::end("embassy_sync::channel::SendDynamicSender", MPSC, Access::Send, DYN_CHANNEL),
    GuardType::end(
        "embassy_sync::channel::SendDynamicReceiver",
        MPSC,
        Access::Receive,
        DYN_CHANNEL,
    ),
    GuardType::end("embassy_sync::priority_channel::Sender", MPSC, Access::Send, PRIORITY_CHANNEL),
    GuardType::end(
        "embassy_sync::priority_channel::Receiver",
        MPSC,
        Access::Receive,
        PRIORITY_CHANNEL,
    ),
    GuardType::end("embassy_sync::pipe::Writer", MPSC, Access::Send, PIPE),
    GuardType::end("embassy_sync::pipe::Reader", MPSC, Access::Receive, PIPE),
    GuardType::end("embassy_sync::pubsub::publisher::Publisher", BROADCAST, Access::Send, PUBSUB),
    GuardType::end(
        "embassy_sync::pubsub::publisher::ImmediatePublisher",
        BROADCAST,
        Access::Send,
        PUBSUB,
    ),
    GuardType::end(
        "embassy_sync::pubsub::subscriber::Subscriber",
        BROADCAST,
        Access::Receive,
        PUBSUB,
    ),
    GuardType::end("embassy_sync::watch::Sender", ResourceKind::Watch, Access::Send, WATCH),
    GuardType::end("embassy_sync::pipe::DynamicWriter", MPSC, Access::Send, DYN_PIPE),
    GuardType::end("embassy_sync::pipe::DynamicReader", MPSC, Access::Receive, DYN_PIPE),
    GuardType::end(
        "embassy_sync::pubsub::publisher::DynPublisher",
        BROADCAST,
        Access::Send,
        DYN_PUBSUB,
    ),
    GuardType::end(
        "embassy_sync::pubsub::publisher::DynImmediatePublisher",
        BROADCAST,
        Access::Send,
        DYN_PUBSUB,
    ),
    GuardType::end(
        "embassy_sync::pubsub::subscriber::DynSubscriber",
        BROADCAST,
        Access::Receive,
        DYN_PUBSUB,
    ),
    GuardType::end("embassy_sync::watch::DynSender", ResourceKind::Watch, Access::Send, DYN_WATCH),
];

const MPSC: ResourceKind = ResourceKind::Mpsc;
const BROADCAST: ResourceKind = ResourceKind::Broadcast;

const fn guard(
    path: &'static str,
    kind: ResourceKind,
    access: Access,
    object: &'static str,
) -> GuardType {
    GuardType { object, ..GuardType::lock(path, kind, access, STATE) }
}

/// `Channel<u32, 4>` of a channel whose first generic argument is how it is kept from interrupts.
fn named(
    word: &'static str,
    value: Value,
    program: &Program<'_>,
) -> Result<Cow<'static, str>, ValueError> {
    let layout = program.type_of(value.ty)?;
    Ok(match layout.name.split_once(", ") {
        Some((_, rest)) => last_segment(&format!("{word}<{rest}")).into(),
        None => word.into(),
    })
}
