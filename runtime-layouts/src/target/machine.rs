//! What the machine knows of a process besides its memory.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// `CLOCK_MONOTONIC` of this machine, now; `None` when the system does not tell.
#[must_use]
pub fn monotonic_now() -> Option<Duration> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?;
    let seconds = u64::try_from(now.tv_sec()).ok()?;
    Some(Duration::new(seconds, u32::try_from(now.tv_nsec()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_on() {
        let first = monotonic_now().expect("a clock");
        assert!(monotonic_now().expect("a clock") >= first);
    }
}
