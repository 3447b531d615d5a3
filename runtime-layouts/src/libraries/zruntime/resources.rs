//! What tasks wait for: locks, channels, timers and files.
//!
//! Source: `zruntime/src/{lock/{mutex,semaphore,rwlock,barrier},broadcast,mpmc,event,reactor,time}.rs`
//! (0.2.2). What its `fs` does blocks the thread: nothing waits there.

use super::expected::{CORE, WORK};
use super::{join, waits};
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{GuardType, ObservedResource, Reading, ResourceType};
use crate::libraries::rust_std::{children, collections, descriptors};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

pub(super) const RESOURCES: &[ResourceType] = &[
    ResourceType::of("zruntime::Task", join::handle),
    ResourceType::of("zruntime::scheduler::JoinHandle", join::handle),
    ResourceType::of("zruntime::lock::mutex::Mutex", mutex),
    ResourceType::of("zruntime::lock::semaphore::Semaphore", semaphore),
    ResourceType::of("zruntime::lock::rwlock::RwLock", waits::rw_lock),
    ResourceType::of("zruntime::lock::barrier::Barrier", waits::barrier),
    ResourceType::of("zruntime::time::Sleep", waits::sleep),
    ResourceType::of("zruntime::time::Interval", waits::interval),
    ResourceType::of("zruntime::broadcast::Recv", broadcast),
    ResourceType::of("zruntime::broadcast::Receiver", broadcast),
    ResourceType::of("zruntime::mpmc::Recv", receive),
    ResourceType::of("zruntime::mpmc::Receiver", receive),
    ResourceType::of("zruntime::mpmc::Send", send),
    ResourceType::queued("zruntime::event::EventListener", event),
    ResourceType::of("zruntime::reactor::Readiness", descriptor),
    // `process/exit/pool.rs`: by a pidfd, or a thread of the pool.
    ResourceType::of(
        "zruntime::process::exit::pool::{impl}::wait::{async_fn_env#0}",
        children::end_of_shared,
    ),
    ResourceType::of("zruntime::unblock::BlockingWork", work),
    // `zbus/src/runtime/{io/mod,zruntime}.rs` (6.2.1), with the one of whichever runtime it is on.
    ResourceType::of("zbus::runtime::io::Registration", descriptor),
];

pub(super) const GUARDS: &[GuardType] = &[
    lock("zruntime::lock::mutex::MutexGuard"),
    lock("zruntime::lock::mutex::MutexGuardArc"),
    rw_lock("zruntime::lock::rwlock::RwLockReadGuard", Access::Shared),
    rw_lock("zruntime::lock::rwlock::RwLockReadGuardArc", Access::Shared),
    rw_lock("zruntime::lock::rwlock::RwLockWriteGuard", Access::Exclusive),
    rw_lock("zruntime::lock::rwlock::RwLockWriteGuardArc", Access::Exclusive),
    permit("zruntime::lock::semaphore::SemaphoreGuard"),
    permit("zruntime::lock::semaphore::SemaphoreGuardArc"),
    GuardType::end("zruntime::mpmc::Sender", ResourceKind::Mpsc, Access::Send, CHANNEL),
    GuardType::end("zruntime::mpmc::Receiver", ResourceKind::Mpsc, Access::Receive, CHANNEL),
    GuardType::end("zruntime::broadcast::Sender", ResourceKind::Broadcast, Access::Send, BROADCAST),
    GuardType::end(
        "zruntime::broadcast::Receiver",
        ResourceKind::Broadcast,
        Access::Receive,
        BROADCAST,
    ),
];

const fn lock(path: &'static str) -> GuardType {
    GuardType::lock(path, ResourceKind::Mutex, Access::Exclusive, MUTEX)
}

const fn rw_lock(path: &'static str, access: Access) -> GuardType {
    GuardType::lock(path, ResourceKind::RwLock, access, waits::RW_LOCK)
}

const fn permit(path: &'static str) -> GuardType {
    GuardType::lock(path, ResourceKind::Semaphore, Access::Permits(1), SEMAPHORE)
}

const MUTEX: &str = "zruntime::lock::mutex::Mutex<";
const SEMAPHORE: &str = "zruntime::lock::semaphore::Semaphore";
const CHANNEL: &str = "zruntime::mpmc::Channel<";
const BROADCAST: &str = "zruntime::broadcast::Channel<";

/// The lowest bit of a mutex's state (`mutex.rs`).
const LOCKED: u64 = 1;
/// Files that a core waits with which are looked at.
const MAX_SOURCES: usize = 1 << 12;

fn mutex(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(mutex) = value.find_through_pointers(program, MUTEX)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Mutex, mutex);
    seen.name = Some(generic_name("Mutex", mutex, program)?);
    seen.access = Some(Access::Exclusive);
    let is_locked = mutex.member(program, "state")?.unsigned(program)? & LOCKED != 0;
    seen.is_taken = Some(is_locked);
    seen.parties = Some(u64::from(is_locked));
    // Who waits first is told of it, and takes it when it is polled.
    seen.is_granted = !is_locked;
    Ok(Some(seen))
}

fn semaphore(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(semaphore) = value.find_through_pointers(program, SEMAPHORE)? else { return Ok(None) };
    let permits = semaphore.member(program, "permits")?.unsigned(program)?;
    let mut seen = ObservedResource::new(ResourceKind::Semaphore, semaphore);
    seen.name = Some("Semaphore".into());
    seen.access = Some(Access::Permits(1));
    seen.state = Some(format!("{} free", count(permits, "permit")));
    seen.is_granted = permits > 0;
    // Permits can be added.
    seen.is_reachable = true;
    Ok(Some(seen))
}

/// `unblock()`: a closure on the pool, whose thread has the other end.
fn work(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let state = value.find_through_pointers(program, WORK.newest())?;
    let mut seen = ObservedResource::new(ResourceKind::Oneshot, state.unwrap_or(value));
    seen.name = Some("a closure that unblock() runs".into());
    seen.access = Some(Access::Receive);
    seen.is_reachable = true;
    Ok(Some(seen))
}

/// The next message of a channel that hands each to all; how many send is not read.
fn broadcast(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(channel) = value.find_through_pointers(program, BROADCAST)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Broadcast, channel);
    seen.name = Some(generic_name("broadcast", channel, program)?);
    seen.access = Some(Access::Receive);
    seen.is_reachable = true;
    Ok(Some(seen))
}

fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some((mut seen, channel)) = channel(reading, value)? else { return Ok(None) };
    let senders = channel.find_number(program, "senders")?;
    seen.access = Some(Access::Receive);
    seen.parties = senders;
    seen.state = senders.map(|senders| count(senders, "sender"));
    Ok(Some(seen))
}

fn send(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some((mut seen, channel)) = channel(reading, value)? else { return Ok(None) };
    let receivers = channel.find_number(program, "receivers")?;
    seen.access = Some(Access::Send);
    seen.parties = receivers;
    seen.state = receivers.map(|receivers| count(receivers, "receiver"));
    Ok(Some(seen))
}

fn channel(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<(ObservedResource, Value)>, ValueError> {
    let program = reading.program;
    let Some(channel) = value.find_through_pointers(program, CHANNEL)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, channel);
    seen.name = Some(generic_name("channel", channel, program)?);
    seen.is_reachable = true;
    Ok(Some((seen, channel)))
}

/// `EventListener`, which the locks and channels wait with.
fn event(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let shared = value.find_through_pointers(reading.program, waits::SHARED)?;
    let mut seen = ObservedResource::new(ResourceKind::Notify, shared.unwrap_or(value));
    seen.name = Some("Event".into());
    Ok(Some(seen))
}

/// A file of a core's: its reactor has the numbers of them by keys.
fn descriptor(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    const WITH_CORE: &str = "zruntime::reactor::Registration<";
    const SOURCES: &str = "zruntime::reactor::Sources<";
    let program = reading.program;
    let found = value.find_through_pointers(program, WITH_CORE)?;
    let Some(registration) = found else { return Ok(None) };
    let key = registration.member(program, "key")?.unsigned(program)?;
    let core = registration.member(program, "core")?;
    let Some(core) = core.find_through_pointers(program, CORE.newest())? else { return Ok(None) };
    let sources = core.member(program, "reactor")?.find_inline(program, SOURCES)?;
    let Some(sources) = sources else { return Ok(None) };
    let states = sources.member(program, "states")?;
    let entries = collections::entries_of_map(program, states, MAX_SOURCES)?;
    let mut fd = None;
    for (number, state) in entries.map(|(entries, _)| entries).unwrap_or_default() {
        if number.unsigned(program)? == key {
            fd = Some(state.member(program, "descriptor")?.unsigned(program)?);
        }
    }
    let seen = descriptors::observed(program, value, fd, descriptors::ANY);
    let (key, address) = (registration.address, registration.address);
    Ok(Some(ObservedResource { key, address, ..seen }))
}
