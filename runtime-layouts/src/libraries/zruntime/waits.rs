//! Locks of many readers, barriers and timers.
//!
//! Source: `zruntime/src/{lock/{rwlock,barrier},reactor,time}.rs` (0.2.2).

use crate::knowledge::deadline::{clock_of_target, distance, instant};
use crate::knowledge::naming::generic_name;
use crate::knowledge::{ObservedResource, Reading};
use crate::layout::TypeKind;
use crate::report::{Access, Due, ResourceKind, Timer};
use crate::value::{Program, Value, ValueError};

/// What the guards of a lock of many readers lead to.
pub(super) const RW_LOCK: &str = "zruntime::lock::rwlock::RwLock<";
/// What an event and its listeners share.
pub(super) const SHARED: &str = "zruntime::event::Shared";

const BARRIER: &str = "zruntime::lock::barrier::Barrier";
const BARRIER_STATE: &str = "zruntime::lock::barrier::BarrierState";
const OWNER: &str = "zruntime::lock::rwlock::Owner";
const SLEEP: &str = "zruntime::reactor::Sleep<";

/// How it stands with a lock: who waits to write is told by the event that the leaf listens to.
pub(super) fn rw_lock(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(lock) = value.find_through_pointers(program, RW_LOCK)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::RwLock, lock);
    seen.name = Some(generic_name("RwLock", lock, program)?);
    let event = |value: Value| {
        let shared = value.find_through_pointers(program, SHARED)?;
        Ok::<_, ValueError>(shared.map(|shared| shared.address))
    };
    let own = event(reading.leaf)?;
    // It is there once somebody listened: a `OnceLock`, whose value is in a union.
    let listens_to = |name| {
        let mut at = lock.member(program, name)?.member(program, "shared")?;
        while let Some(value) = at.find_member(program, "value")? {
            at = value.member(program, "value")?;
        }
        Ok::<_, ValueError>(own == event(at)?)
    };
    seen.access = match own {
        Some(_) if listens_to("writer_may_enter")? => Some(Access::Exclusive),
        Some(_) if listens_to("readers_may_enter")? => Some(Access::Shared),
        _ => None,
    };
    if let Some(owner) = lock.member(program, "state")?.find_inline(program, OWNER)? {
        let (variant, fields) = owner.active_variant(program)?;
        let TypeKind::Enum { variants, .. } = &owner.layout(program)?.kind else {
            return Ok(Some(seen));
        };
        let parties = match variants.get(variant).map(|variant| &*variant.name) {
            Some("Unlocked") => 0,
            Some("Reading") => fields.member(program, "__0")?.unsigned(program)?,
            _ => 1,
        };
        seen.parties = Some(parties);
        seen.is_taken = Some(parties > 0);
        // Who waits is told of it, and takes it when it is polled.
        seen.is_granted = parties == 0;
    }
    Ok(Some(seen))
}

pub(super) fn barrier(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(barrier) = value.find_through_pointers(program, BARRIER)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Barrier, barrier);
    seen.name = Some("Barrier".into());
    let all = barrier.member(program, "n")?.unsigned(program)?;
    let state = barrier.member(program, "state")?.find_inline(program, BARRIER_STATE)?;
    if let Some(state) = state {
        let arrived = state.member(program, "arrived")?.unsigned(program)?;
        seen.state = Some(format!("{arrived} of {all} arrived"));
    }
    Ok(Some(seen))
}

/// `Sleep`, which a `Timeout` has too.
pub(super) fn sleep(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    timer(reading.program, value, "a timer")
}

/// The next tick of an `Interval`.
pub(super) fn interval(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    timer(reading.program, value, "the next tick of a timer")
}

fn timer(
    program: &Program<'_>,
    value: Value,
    name: &'static str,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(sleep) = value.find_inline(program, SLEEP)? else { return Ok(None) };
    let deadline = sleep.member(program, "deadline")?;
    if matches!(deadline.is_some(program), Ok(false)) {
        return Ok(Some(ObservedResource {
            name: Some("a timer that never goes off".into()),
            ..ObservedResource::new(ResourceKind::Never, sleep)
        }));
    }
    let mut seen = ObservedResource::new(ResourceKind::Sleep, sleep);
    seen.name = Some(name.into());
    let now = program.target().host().and_then(|host| host.monotonic_now());
    let due = match (instant(program, deadline).ok().flatten(), now) {
        (Some(when), Some(now)) => distance(when, now),
        _ => Due::Unknown,
    };
    seen.timer = Some(Timer { due, has_fired: None, clock: clock_of_target(program) });
    Ok(Some(seen))
}
