//! Deadlines: moments of the monotonic clock of the standard library, and how far away they are.
//!
//! Source: `library/std/src/sys/pal/unix/time.rs` (Rust 1.95).

use std::time::Duration;

use crate::report::{Clock, Due};
use crate::value::{Program, Value, ValueError};

/// What is due within so much of now is due now: the wheels of runtimes count whole milliseconds,
/// and a thread needs time to wake up.
const NOW: Duration = Duration::from_millis(5);

/// What counts as now for a clock that goes on.
pub(crate) fn clock_of_target(program: &Program<'_>) -> Clock {
    let host = program.target().host();
    match host.is_some_and(|host| host.stopped_at().is_some()) {
        true => Clock::Stop,
        false => Clock::Inspection,
    }
}

/// The time of the monotonic clock that is in an `Instant`; `None` for what is none.
pub(crate) fn instant(program: &Program<'_>, value: Value) -> Result<Option<Duration>, ValueError> {
    let seconds = value.find_number(program, "tv_sec")?.filter(|seconds| *seconds < 1 << 62);
    let nanoseconds = value.find_number(program, "tv_nsec")?.filter(|part| *part < 1_000_000_000);
    let nanoseconds = nanoseconds.and_then(|part| u32::try_from(part).ok());
    Ok(seconds.zip(nanoseconds).map(|(seconds, part)| Duration::new(seconds, part)))
}

/// How far a deadline is from now.
pub(crate) fn distance(deadline: Duration, now: Duration) -> Due {
    match deadline.checked_sub(now) {
        Some(left) if left > NOW => Due::In(left),
        None if now - deadline > NOW => Due::Ago(now - deadline),
        _ => Due::Now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_due_now() {
        let at = Duration::from_millis;
        assert_eq!(distance(at(1005), at(1000)), Due::Now);
        assert_eq!(distance(at(1000), at(1005)), Due::Now);
        assert_eq!(distance(at(1000), at(1006)), Due::Ago(at(6)));
        assert_eq!(distance(at(1006), at(1000)), Due::In(at(6)));
    }
}
