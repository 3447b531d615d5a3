//! The locks of async-lock, whose waiters are listeners of `event-listener`.
//!
//! Source: `async-lock/src/{mutex,semaphore,barrier,once_cell,rwlock,rwlock/*}.rs` (3.4.2; mutex also
//! 2.8.0), `event-listener/src/lib.rs` (5.4.1 and 2.5.3), `event-listener-strategy/src/lib.rs` (0.5.4).

use crate::knowledge::naming::generic_name;
use crate::knowledge::{GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::layout::TypeKind;
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: PUBLIC_PATHS,
    resources: RESOURCES,
    guards: GUARDS,
    ..Library::named("async-lock")
};

const PUBLIC_PATHS: &[(&str, &str)] = &[
    ("async_lock::mutex::", "async_lock::"),
    ("async_lock::rwlock::futures::", "async_lock::futures::"),
    ("async_lock::rwlock::", "async_lock::"),
    ("async_lock::semaphore::", "async_lock::"),
    ("async_lock::barrier::", "async_lock::"),
    ("async_lock::once_cell::", "async_lock::"),
];

const RESOURCES: &[ResourceType] = &[
    ResourceType::of("async_lock::mutex::Lock", mutex),
    ResourceType::of("async_lock::mutex::LockArc", mutex),
    ResourceType::of("async_lock::mutex::Mutex", mutex),
    ResourceType::of("async_lock::rwlock::futures::Read", read),
    ResourceType::of("async_lock::rwlock::futures::ReadArc", read),
    ResourceType::of("async_lock::rwlock::futures::UpgradableRead", read),
    ResourceType::of("async_lock::rwlock::futures::UpgradableReadArc", read),
    ResourceType::of("async_lock::rwlock::futures::Write", write),
    ResourceType::of("async_lock::rwlock::futures::WriteArc", write),
    ResourceType::of("async_lock::rwlock::futures::Upgrade", write),
    ResourceType::of("async_lock::rwlock::futures::UpgradeArc", write),
    ResourceType::of("async_lock::semaphore::Acquire", semaphore),
    ResourceType::of("async_lock::semaphore::AcquireArc", semaphore),
    ResourceType::of("async_lock::semaphore::Semaphore", semaphore),
    ResourceType::of("async_lock::barrier::BarrierWait", barrier),
    ResourceType::of("async_lock::once_cell::OnceCell", once_cell),
    ResourceType::queued("event_listener::EventListener", event),
    ResourceType::of("event_listener_strategy::FutureWrapper", wrapper),
];

const GUARDS: &[GuardType] = &[
    guard("async_lock::mutex::MutexGuard", ResourceKind::Mutex, Access::Exclusive, MUTEX),
    guard("async_lock::mutex::MutexGuardArc", ResourceKind::Mutex, Access::Exclusive, MUTEX),
    guard("async_lock::rwlock::RwLockReadGuard", ResourceKind::RwLock, Access::Shared, RAW_RW_LOCK),
    guard(
        "async_lock::rwlock::RwLockUpgradableReadGuard",
        ResourceKind::RwLock,
        Access::Shared,
        RAW_RW_LOCK,
    ),
    guard(
        "async_lock::rwlock::RwLockUpgradableReadGuardArc",
        ResourceKind::RwLock,
        Access::Shared,
        RAW_RW_LOCK,
    ),
    guard(
        "async_lock::rwlock::RwLockWriteGuard",
        ResourceKind::RwLock,
        Access::Exclusive,
        RAW_RW_LOCK,
    ),
    guard(
        "async_lock::rwlock::RwLockWriteGuardArc",
        ResourceKind::RwLock,
        Access::Exclusive,
        RAW_RW_LOCK,
    ),
    guard(
        "async_lock::semaphore::SemaphoreGuard",
        ResourceKind::Semaphore,
        Access::Permits(1),
        SEMAPHORE,
    ),
    guard(
        "async_lock::semaphore::SemaphoreGuardArc",
        ResourceKind::Semaphore,
        Access::Permits(1),
        SEMAPHORE,
    ),
];

const fn guard(
    path: &'static str,
    kind: ResourceKind,
    access: Access,
    key: &'static str,
) -> GuardType {
    GuardType::lock(path, kind, access, key)
}

const MUTEX: &str = "async_lock::mutex::Mutex<";
const RAW_RW_LOCK: &str = "async_lock::rwlock::raw::RawRwLock";
const SEMAPHORE: &str = "async_lock::semaphore::Semaphore";
const BARRIER: &str = "async_lock::barrier::Barrier";
const EVENT: &str = "event_listener::EventListener";
/// What an event and its listeners share: with an allocator, and without.
const EVENT_INNER: &str = "event_listener::Inner<";
/// How it stands with a listener.
const STATE: &str = "event_listener::State<";
/// The same in 2.5, where they are not generic.
const OLD_EVENT_INNER: &str = "event_listener::Inner";
const OLD_STATE: &str = "event_listener::State";
/// Boxes and pins between a listener and what stands in the event's list.
const DEEPEST_BOX: usize = 4;

/// The lowest bit of a mutex's state (`mutex.rs`), of a lock's state (`WRITER_BIT`, `raw.rs`), and
/// what a reader adds to it (`ONE_READER`).
const LOCKED: u64 = 1;
const WRITER: u64 = 1;
const READER_SHIFT: u32 = 1;

fn mutex(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(mutex) = value.find_through_pointers(reading.program, MUTEX)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Mutex, mutex);
    seen.name = Some(generic_name("Mutex", mutex, reading.program)?);
    seen.access = Some(Access::Exclusive);
    let state = mutex.member(reading.program, "state")?.unsigned(reading.program)?;
    seen.is_taken = Some(state & LOCKED != 0);
    seen.parties = Some(state & LOCKED);
    seen.is_granted = is_notified(reading)?;
    Ok(Some(seen))
}

fn read(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    rw_lock(reading, value, Access::Shared)
}

fn write(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    rw_lock(reading, value, Access::Exclusive)
}

fn rw_lock(
    reading: &Reading<'_>,
    value: Value,
    access: Access,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(raw) = value.find_through_pointers(reading.program, RAW_RW_LOCK)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::RwLock, raw);
    seen.name = Some(generic_name("RwLock", value, reading.program)?);
    seen.access = Some(access);
    let state = raw.member(reading.program, "state")?.unsigned(reading.program)?;
    seen.is_taken = Some(state != 0);
    seen.parties = Some((state & WRITER) + (state >> READER_SHIFT));
    seen.is_granted = is_notified(reading)?;
    Ok(Some(seen))
}

fn semaphore(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(semaphore) = value.find_through_pointers(reading.program, SEMAPHORE)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Semaphore, semaphore);
    seen.name = Some("Semaphore".into());
    seen.access = Some(Access::Permits(1));
    let free = semaphore.member(reading.program, "count")?.unsigned(reading.program)?;
    seen.state = Some(format!("{free} free"));
    seen.is_granted = is_notified(reading)?;
    Ok(Some(seen))
}

fn barrier(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(barrier) = value.find_through_pointers(reading.program, BARRIER)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Barrier, barrier);
    seen.name = Some("Barrier".into());
    let all = barrier.member(reading.program, "n")?.unsigned(reading.program)?;
    let state = barrier.member(reading.program, "state")?;
    if let Some(arrived) = state.find_number(reading.program, "count")? {
        seen.state = Some(format!("{arrived} of {all} arrived"));
    }
    Ok(Some(seen))
}

/// `OnceCell`: what others wait for while one initializes it.
fn once_cell(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    if !reading.leaf.layout(reading.program)?.name.starts_with(EVENT) {
        return Ok(None);
    }
    let mut seen = ObservedResource::new(ResourceKind::OnceCell, value);
    let state = value.member(reading.program, "state")?.unsigned(reading.program)?;
    let text = match state {
        0 => "not set",
        1 => "being set",
        _ => "set",
    };
    seen.state = Some(text.to_string());
    Ok(Some(seen))
}

/// Whether the listener that a future waits with was notified, but not polled since. What comes free
/// is announced to the first listener alone, until that one is polled or dropped:
/// `event-listener/src/{lib,intrusive}.rs` (5.4.2).
fn is_notified(reading: &Reading<'_>) -> Result<bool, ValueError> {
    let program = reading.program;
    if !reading.leaf.layout(program)?.name.starts_with(EVENT) {
        return Ok(false);
    }
    let state = match reading.leaf.member(program, "listener") {
        Ok(listener) => {
            let listener = listener.referent(program, DEEPEST_BOX)?;
            listener.member(program, "listener")?.find_inline(program, STATE)?
        }
        // In 2.5 the listener has a pointer to what stands in the list.
        Err(_) => {
            let entry = reading.leaf.member(program, "entry")?;
            entry.find_through_pointers(program, OLD_STATE)?
        }
    };
    let Some(state) = state else { return Ok(false) };
    let (active, _) = state.active_variant(program)?;
    let TypeKind::Enum { variants, .. } = &state.layout(program)?.kind else { return Ok(false) };
    let name = variants.get(active).map(|variant| &*variant.name);
    Ok(matches!(name, Some("Notified" | "NotifiedTaken")))
}

/// `EventListener`, which all of them wait with.
fn event(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let event = match value.find_through_pointers(program, EVENT_INNER)? {
        Some(event) => event,
        None => value.find_through_pointers(program, OLD_EVENT_INNER)?.unwrap_or(value),
    };
    let mut seen = ObservedResource::new(ResourceKind::Notify, event);
    seen.name = Some("Event".into());
    seen.is_granted = is_notified(reading)?;
    Ok(Some(seen))
}

/// What every future of `easy_wrapper!` is inside.
fn wrapper(_: &Reading<'_>, _: Value) -> Result<Option<ObservedResource>, ValueError> {
    Ok(None)
}
