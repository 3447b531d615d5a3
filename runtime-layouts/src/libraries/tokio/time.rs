//! Timers: waits for a point in time.
//!
//! Source: `tokio/src/time/{clock,sleep,interval}.rs`, `runtime/driver.rs`,
//! `runtime/time/entry.rs`, `runtime/time_alt/{timer,entry}.rs` (tokio 1.54.1).

use std::time::Duration;

use crate::knowledge::deadline::{clock_of_target, distance, instant};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Clock, Due, ResourceKind, Timer};
use crate::value::{Program, Value, ValueError};

const SLEEP: &str = "tokio::time::sleep::Sleep";
/// An empty struct, unless tokio's feature `test-util` is on.
const CLOCK: &str = "tokio::time::clock::Clock";
const INSTANT: &str = "std::time::Instant";
/// What a `Sleep` has in it in the runtime that `Builder::enable_alt_timer` makes (since 1.49).
const ALTERNATIVE: &str = "tokio::runtime::time_alt::timer::Timer";
const ALTERNATIVE_STATE: &str = "tokio::runtime::time_alt::entry::State";
/// `STATE_PENDING_FIRE`.
const PENDING_FIRE: u64 = u64::MAX - 1;

/// `Sleep`, which `timeout` has inside too.
pub(super) fn sleep(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    Ok(Some(timer(reading.program, value, "a timer")))
}

/// `Interval`.
pub(super) fn interval(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    Ok(Some(timer(reading.program, value, "the next tick of an interval")))
}

fn timer(program: &Program<'_>, value: Value, name: &'static str) -> ObservedResource {
    let mut seen = ObservedResource::new(ResourceKind::Sleep, value);
    seen.name = Some(name.into());
    // Memory on the way to the answers may be torn.
    let due = due(program, value).ok().flatten();
    let (due, clock) = due.unwrap_or((Due::Unknown, clock_of_target(program)));
    let has_fired = has_fired(program, value).ok().flatten();
    seen.timer = Some(Timer { due, has_fired, clock });
    seen
}

/// When it is due, and by which clock; `None` where that or the time is not known.
fn due(program: &Program<'_>, value: Value) -> Result<Option<(Due, Clock)>, ValueError> {
    let Some(sleep) = value.find_through_pointers(program, SLEEP)? else { return Ok(None) };
    let Some(deadline) = sleep.find_member(program, "deadline")? else { return Ok(None) };
    let Some(deadline) = instant(program, deadline)? else { return Ok(None) };
    let Some((now, is_paused)) = clock(program, sleep)? else { return Ok(None) };
    let clock = if is_paused { Clock::Paused } else { clock_of_target(program) };
    Ok(Some((distance(deadline, now), clock)))
}

/// Whether a timer went off. `None` where that is not known, and for one that was not polled yet.
///
/// `registered_when` (`cached_when` in tokio 1.38) is 0 until the timer is in the wheel. The driver
/// sets `state`, which is the tick until then, to [`PENDING_FIRE`] and then to the number after it
/// (`StateCell::{mark_pending, fire}`).
fn has_fired(program: &Program<'_>, value: Value) -> Result<Option<bool>, ValueError> {
    let Some(sleep) = value.find_through_pointers(program, SLEEP)? else { return Ok(None) };
    if let Some(timer) = sleep.find_inline(program, ALTERNATIVE)? {
        let Some(state) = timer.find_through_pointers(program, ALTERNATIVE_STATE)? else {
            return Ok(None);
        };
        return Ok(state.find_number(program, "woken_up")?.map(|woken_up| woken_up != 0));
    }
    let when = match sleep.find_number(program, "registered_when")? {
        Some(when) => Some(when),
        None => sleep.find_number(program, "cached_when")?,
    };
    let Some(state) = sleep.find_member(program, "state")? else { return Ok(None) };
    let state = state.find_number(program, "state")?;
    Ok(when.zip(state).map(|(when, state)| when != 0 && state >= PENDING_FIRE))
}

/// What the timer's own runtime takes for now, and whether its time stands still: tests can pause
/// a runtime's clock, and let it go on from another time.
fn clock(program: &Program<'_>, sleep: Value) -> Result<Option<(Duration, bool)>, ValueError> {
    let Some(runtime) = sleep.find_member(program, "driver")? else { return Ok(None) };
    // From the active variant on: one path serves all timers.
    let (_, runtime) = runtime.active_variant(program)?;
    let Some(clock) = runtime.find_through_pointers(program, CLOCK)? else { return Ok(None) };
    let now = program.target().host().and_then(|host| host.monotonic_now());
    let Some(unfrozen) = clock.find_member(program, "unfrozen")? else {
        return Ok(now.map(|now| (now, false)));
    };
    let Some(base) = clock.find_member(program, "base")? else { return Ok(None) };
    let Some(base) = instant(program, base)? else { return Ok(None) };
    Ok(match unfrozen.find_inline(program, INSTANT)? {
        None => Some((base, true)),
        Some(unfrozen) => match (instant(program, unfrozen)?, now) {
            (Some(since), Some(now)) => {
                Some((base.saturating_add(now.saturating_sub(since)), false))
            }
            _ => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::layout::TypeId;
    use crate::value::Ty;

    const RUNTIME: u64 = 0x1000;
    const TIMER: u64 = 0x2000;

    /// A `Sleep` over a runtime whose clock has, or has not, the members of `test-util`: its
    /// deadline, its runtime, when it was registered for, and its state.
    fn layouts(has_test_clock: bool) -> (FakeLayouts, TypeId) {
        let mut layouts = FakeLayouts::new();
        let word = layouts.integer(8);
        let half = layouts.integer(4);
        let fields = [("tv_sec", 0, word), ("tv_nsec", 8, half)];
        let instant = layouts.structure(INSTANT, 16, &fields);
        let none = layouts.structure("None", 16, &[]);
        let some = layouts.structure("Some", 16, &[("__0", 0, instant)]);
        let option = layouts.enumeration(
            "core::option::Option<std::time::Instant>",
            16,
            Some((8, 4)),
            &[("None", Some(vec![1_000_000_000]), none, None), ("Some", None, some, None)],
        );
        let members = [("base", 0, instant), ("unfrozen", 16, option)];
        let members: &[_] = if has_test_clock { &members } else { &[] };
        let clock = layouts.structure(CLOCK, 32, members);
        let runtime = layouts.structure("Handle", 32, &[("clock", 0, clock)]);
        let pointer = layouts.pointer("*Handle", Some(runtime));
        let variant = layouts.structure("CurrentThread", 8, &[("__0", 0, pointer)]);
        let handle =
            layouts.enumeration("Handle", 8, None, &[("CurrentThread", None, variant, None)]);
        let cell = layouts.structure("StateCell", 8, &[("state", 0, word)]);
        let members = [("registered_when", 0, word), ("state", 8, cell)];
        let entry = layouts.structure("TimerShared", 16, &members);
        let members = [("deadline", 0, instant), ("driver", 16, handle), ("entry", 24, entry)];
        let sleep = layouts.structure(SLEEP, 40, &members);
        (layouts, sleep)
    }

    fn time(seconds: u64, nanoseconds: u32) -> Vec<u8> {
        let mut bytes = seconds.to_le_bytes().to_vec();
        bytes.extend(u64::from(nanoseconds).to_le_bytes());
        bytes
    }

    /// A timer whose deadline is at 1000.5 s, with what its entry says of its place in the wheel.
    fn timer_with(clock: Option<Vec<u8>>, now: Option<u64>, entry: [u64; 2]) -> Timer {
        let (layouts, sleep) = layouts(clock.is_some());
        let entry = entry.map(u64::to_le_bytes).concat();
        let bytes = [time(1000, 500_000_000), RUNTIME.to_le_bytes().to_vec(), entry].concat();
        let memory =
            FakeMemory::new().with(RUNTIME, clock.unwrap_or(vec![0; 32])).with(TIMER, bytes);
        let mut target = FakeTarget::new(layouts, memory, 0);
        if let Some(now) = now {
            target = target.stopped_at(Duration::from_secs(now));
        }
        let program = Program::new(&target);
        let value = Value { ty: Ty { module: 0, id: sleep }, address: TIMER };
        timer(&program, value, "a timer").timer.expect("a timer")
    }

    fn state(clock: Option<Vec<u8>>, now: Option<u64>) -> Option<String> {
        timer_with(clock, now, [77, 77]).text()
    }

    #[test]
    fn a_timer_is_due_or_overdue() {
        assert_eq!(state(None, Some(997)).as_deref(), Some("due in 3.5 s"));
        assert_eq!(state(None, Some(1060)).as_deref(), Some("overdue by 59 s"));
        assert_eq!(state(None, None), None, "of a core the time is not known");
    }

    #[test]
    fn a_clock_of_tests_tells_its_own_time() {
        let paused = [time(990, 0), time(0, 1_000_000_000)].concat();
        let expected = Some("due in 10 s by a paused clock");
        assert_eq!(state(Some(paused.clone()), Some(5000)).as_deref(), expected);
        assert_eq!(state(Some(paused), None).as_deref(), expected, "of a core too");
        let goes_on = [time(990, 0), time(4000, 0)].concat();
        assert_eq!(state(Some(goes_on.clone()), Some(4003)).as_deref(), Some("due in 7.5 s"));
        assert_eq!(state(Some(goes_on), None), None);
    }

    #[test]
    fn a_timer_that_went_off_says_so() {
        let fired = |entry| timer_with(None, Some(1060), entry).has_fired;
        assert_eq!(fired([0, u64::MAX]), Some(false), "not in the wheel yet");
        assert_eq!(fired([77, 77]), Some(false));
        assert_eq!(fired([u64::MAX, PENDING_FIRE]), Some(true), "its waker is called next");
        assert_eq!(fired([u64::MAX, u64::MAX]), Some(true));
        let overdue = |entry| timer_with(None, Some(1060), entry).overdue();
        assert_eq!(overdue([77, 77]), Some(Duration::from_millis(59_500)));
        assert_eq!(overdue([u64::MAX, u64::MAX]), None);
    }

    #[test]
    fn what_counts_as_now_is_said() {
        let clock = |clock, now| timer_with(clock, now, [77, 77]).clock;
        assert_eq!(clock(None, Some(1060)), Clock::Stop);
        assert_eq!(clock(None, None), Clock::Inspection);
        let paused = [time(990, 0), time(0, 1_000_000_000)].concat();
        assert_eq!(clock(Some(paused), Some(1060)), Clock::Paused);
    }
}
