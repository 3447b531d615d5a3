//! Durations as text.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// A duration in its largest unit, rounded down.
#[must_use]
pub fn short(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ ..10 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        seconds @ ..MINUTE => format!("{seconds} s"),
        seconds @ ..HOUR => format!("{} min", seconds / MINUTE),
        seconds @ ..DAY => format!("{} h", seconds / HOUR),
        seconds @ ..YEAR => format!("{} d", seconds / DAY),
        seconds => format!("{} y", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let of = |milliseconds| short(Duration::from_millis(milliseconds));
        assert_eq!(of(350), "350 ms");
        assert_eq!(of(4_299), "4.2 s");
        assert_eq!(of(59_999), "59 s");
        assert_eq!(of(60_000), "1 min");
        assert_eq!(of(7_200_000), "2 h");
        assert_eq!(of(86_400_000), "1 d");
        assert_eq!(of(31_536_000_000 * 30), "30 y");
    }
}
