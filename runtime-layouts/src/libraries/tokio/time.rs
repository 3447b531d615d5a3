//! Waits for a point in time.
//!
//! Source: `tokio/src/time/{clock,sleep,interval}.rs`, `runtime/driver.rs` (tokio 1.54.1);
//! `library/std/src/sys/pal/unix/time.rs` (Rust 1.95).

use std::time::Duration;

use crate::knowledge::{Reading, Seen};
use crate::report::{DUE_NOW, ResourceKind, short};
use crate::value::{Program, Value, ValueError};

const SLEEP: &str = "tokio::time::sleep::Sleep";
/// An empty struct, unless tokio's feature `test-util` is on.
const CLOCK: &str = "tokio::time::clock::Clock";
const INSTANT: &str = "std::time::Instant";

/// What is due within so much of now is due now: the wheel counts whole milliseconds, and a thread
/// needs time to wake up.
const NOW: Duration = Duration::from_millis(5);

/// `Sleep`, which `timeout` has inside too.
pub(super) fn sleep(reading: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    Ok(Some(timer(reading.program, value, "a timer")))
}

/// `Interval`.
pub(super) fn interval(reading: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    Ok(Some(timer(reading.program, value, "the next tick of an interval")))
}

fn timer(program: &Program<'_>, value: Value, name: &'static str) -> Seen {
    let mut seen = Seen::new(ResourceKind::Sleep, value);
    seen.name = Some(name.into());
    if let Ok(Some((state, overdue))) = due(program, value) {
        seen.state = Some(state);
        let is_exact = || program.target().host().is_some_and(|it| it.stopped_at().is_some());
        seen.overdue = overdue.filter(|_| is_exact());
    }
    seen
}

/// When it is due, and how long it has been; `None` where that or the time is not known.
fn due(
    program: &Program<'_>,
    value: Value,
) -> Result<Option<(String, Option<Duration>)>, ValueError> {
    let Some(sleep) = value.behind(program, SLEEP)? else { return Ok(None) };
    let Some(deadline) = sleep.within(program, "deadline")? else { return Ok(None) };
    let Some(deadline) = instant(program, deadline)? else { return Ok(None) };
    let Some((now, is_paused)) = clock(program, sleep)? else { return Ok(None) };
    let mut text = distance(deadline, now);
    if is_paused {
        text.push_str(" by a paused clock");
    }
    let overdue = now.checked_sub(deadline).filter(|_| !is_paused);
    Ok(Some((text, overdue)))
}

/// What the timer's own runtime takes for now, and whether its time stands still: tests can pause
/// a runtime's clock, and let it go on from another time.
fn clock(program: &Program<'_>, sleep: Value) -> Result<Option<(Duration, bool)>, ValueError> {
    let Some(runtime) = sleep.within(program, "driver")? else { return Ok(None) };
    // From the active variant on: one path serves all timers.
    let (_, runtime) = runtime.active_variant(program)?;
    let Some(clock) = runtime.behind(program, CLOCK)? else { return Ok(None) };
    let now = program.target().host().and_then(|host| host.monotonic_now());
    let Some(unfrozen) = clock.within(program, "unfrozen")? else {
        return Ok(now.map(|now| (now, false)));
    };
    let Some(base) = clock.within(program, "base")? else { return Ok(None) };
    let Some(base) = instant(program, base)? else { return Ok(None) };
    Ok(match unfrozen.inside(program, INSTANT)? {
        None => Some((base, true)),
        Some(unfrozen) => match (instant(program, unfrozen)?, now) {
            (Some(since), Some(now)) => {
                Some((base.saturating_add(now.saturating_sub(since)), false))
            }
            _ => None,
        },
    })
}

/// The time of the monotonic clock that is in an `Instant`; `None` for what is none.
fn instant(program: &Program<'_>, value: Value) -> Result<Option<Duration>, ValueError> {
    let seconds = value.number(program, "tv_sec")?.filter(|seconds| *seconds < 1 << 62);
    let nanoseconds = value.number(program, "tv_nsec")?.filter(|part| *part < 1_000_000_000);
    let nanoseconds = nanoseconds.and_then(|part| u32::try_from(part).ok());
    Ok(seconds.zip(nanoseconds).map(|(seconds, part)| Duration::new(seconds, part)))
}

/// `due in 4.2 s`, `overdue by 3 min`.
fn distance(deadline: Duration, now: Duration) -> String {
    match deadline.checked_sub(now) {
        Some(left) if left > NOW => format!("due in {}", short(left)),
        None if now - deadline > NOW => format!("overdue by {}", short(now - deadline)),
        _ => DUE_NOW.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::layout::TypeId;
    use crate::value::Ty;

    const RUNTIME: u64 = 0x1000;
    const TIMER: u64 = 0x2000;

    /// A `Sleep` over a runtime whose clock has, or has not, the members of `test-util`.
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
        let members = [("deadline", 0, instant), ("driver", 16, handle)];
        let sleep = layouts.structure(SLEEP, 24, &members);
        (layouts, sleep)
    }

    fn time(seconds: u64, nanoseconds: u32) -> Vec<u8> {
        let mut bytes = seconds.to_le_bytes().to_vec();
        bytes.extend(u64::from(nanoseconds).to_le_bytes());
        bytes
    }

    fn state(clock: Option<Vec<u8>>, now: Option<u64>) -> Option<String> {
        let (layouts, sleep) = layouts(clock.is_some());
        let timer = [time(1000, 500_000_000), RUNTIME.to_le_bytes().to_vec()].concat();
        let memory =
            FakeMemory::new().with(RUNTIME, clock.unwrap_or(vec![0; 32])).with(TIMER, timer);
        let mut target = FakeTarget::new(layouts, memory, 0);
        if let Some(now) = now {
            target = target.stopped_at(Duration::from_secs(now));
        }
        let program = Program::new(&target);
        let value = Value { ty: Ty { module: 0, id: sleep }, address: TIMER };
        timer_state(&program, value)
    }

    fn timer_state(program: &Program<'_>, value: Value) -> Option<String> {
        timer(program, value, "a timer").state
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
    fn what_is_near_is_due_now() {
        let at = Duration::from_millis;
        assert_eq!(distance(at(1005), at(1000)), "due now");
        assert_eq!(distance(at(1000), at(1005)), "due now");
        assert_eq!(distance(at(1000), at(1006)), "overdue by 6 ms");
    }
}
