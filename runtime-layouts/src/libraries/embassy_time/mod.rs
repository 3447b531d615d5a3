//! The timers of embassy-time.
//!
//! A timer counts ticks. How long one is, and what time it is now, only the driver knows: the one
//! for the standard library counts microseconds from a moment that it keeps. A microcontroller's is
//! in its registers, which are not looked at: reading one may change it.
//!
//! Source: `embassy-time/src/{timer,driver_std}.rs` (0.3.2 to 0.5.1).

use std::time::Duration;

use crate::knowledge::deadline::{clock_of_target, distance, instant};
use crate::knowledge::{Library, ObservedResource, Reading, ResourceType};
use crate::layout::source::StaticVariable;
use crate::report::{Due, ResourceKind, Timer};
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: &[
        ResourceType::of("embassy_time::timer::Timer", timer),
        ResourceType::of(INSTANT, ticker),
    ],
    statics: &[DRIVER],
    public_paths: &[("embassy_time::timer::", "embassy_time::")],
    ..Library::named("embassy-time")
};

const INSTANT: &str = "embassy_time::instant::Instant";
/// How to tell from the name of a closure in `Ticker::next` that it is there.
const NEXT: &str = "PollFn<embassy_time::timer::";

/// The driver for the standard library.
const DRIVER: &str = "embassy_time::driver_std::TimeDriver";

fn timer(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let at = value.member(reading.program, "expires_at")?;
    observed(reading.program, value, at, "a timer").map(Some)
}

/// The moment that the closure in `Ticker::next` refers to; of another one nothing is known.
fn ticker(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    match reading.leaf.layout(program)?.name.contains(NEXT) {
        true => observed(program, value, value, "the next tick of a ticker").map(Some),
        false => Ok(None),
    }
}

fn observed(
    program: &Program<'_>,
    value: Value,
    at: Value,
    name: &'static str,
) -> Result<ObservedResource, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Sleep, value);
    seen.name = Some(name.into());
    let Some(ticks) = at.find_number(program, "ticks")? else { return Ok(seen) };
    let start = start(program, value.ty.module).ok().flatten();
    let now = program.target().host().and_then(|host| host.monotonic_now());
    let due = match (start, now) {
        (Some(start), Some(now)) => {
            distance(start.saturating_add(Duration::from_micros(ticks)), now)
        }
        _ => Due::Unknown,
    };
    if start.is_none() {
        seen.state = Some(format!("at tick {ticks}"));
    }
    seen.timer = Some(Timer { due, has_fired: None, clock: clock_of_target(program) });
    Ok(seen)
}

/// The moment that the driver for the standard library counts from; `None` for another driver.
fn start(program: &Program<'_>, module: usize) -> Result<Option<Duration>, ValueError> {
    let loaded = &program.modules()[module];
    let found = loaded.layouts.static_variables(DRIVER)?;
    let [StaticVariable { ty, address, .. }] = *found else { return Ok(None) };
    let address = loaded.load_bias.wrapping_add(address.0);
    let driver = Value { ty: Ty { module, id: ty }, address };
    match driver.find_member(program, "zero_instant")? {
        Some(zero) => instant(program, zero),
        None => Ok(None),
    }
}
