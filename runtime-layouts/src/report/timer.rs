//! Timers and their deadlines.

use std::time::Duration;

use super::short;

/// What is overdue by so much is late, even where the machine has much to do.
const LATE: Duration = Duration::from_millis(100);

/// What is known of a timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timer {
    /// How far from its deadline it is.
    pub due: Due,
    /// Whether it went off, so that its task goes on as soon as it is polled; `None` when the timer
    /// does not say.
    pub has_fired: Option<bool>,
    /// What counts as now.
    pub clock: Clock,
}

/// How far a timer is from its deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// It is due in so much.
    In(Duration),
    /// It is due at this moment, or within the few milliseconds that a runtime needs to see to it.
    Now,
    /// It has been due for so much.
    Ago(Duration),
    /// Its deadline, or what time it is, is not known.
    Unknown,
}

/// What a timer's deadline is compared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// The moment at which the process was stopped.
    Stop,
    /// The moment of the inspection: the process may have stood still before for any time.
    Inspection,
    /// The runtime's own clock, which a test has paused.
    Paused,
}

impl Timer {
    /// Whether the task that waits for it goes on at once: it went off, or does so now, or is late by
    /// no more than a machine that has much to do. Of a paused clock, whose next moment is the test's
    /// to choose, only what went off.
    #[must_use]
    pub fn is_about_to_come(&self) -> bool {
        self.has_fired == Some(true)
            || (self.due == Due::Now && self.clock != Clock::Paused)
            || self.overdue().is_some_and(|overdue| overdue < LATE)
    }

    /// For how long it has been due and did not go off, when the process was stopped: nothing
    /// looked at it for that long. `None` for what is not due or went off, and where the moment of
    /// the stop is not known.
    #[must_use]
    pub fn overdue(&self) -> Option<Duration> {
        self.past().filter(|_| self.has_fired != Some(true))
    }

    /// For how long it has been due when the process was stopped, whether it went off or not. `None`
    /// for what is not due, and where the moment of the stop is not known.
    #[must_use]
    pub fn past(&self) -> Option<Duration> {
        match (self.due, self.clock) {
            (Due::Ago(past), Clock::Stop) => Some(past),
            _ => None,
        }
    }

    /// `due in 4.2 s`, `overdue by 3 min`, `due now`; `None` when that is not known.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let due = match self.due {
            Due::In(left) => format!("due in {}", short(left)),
            Due::Now => "due now".to_string(),
            Due::Ago(overdue) => format!("overdue by {}", short(overdue)),
            Due::Unknown => return None,
        };
        Some(match self.clock {
            Clock::Stop | Clock::Inspection => due,
            Clock::Paused => format!("{due} by a paused clock"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn timer(due: Due, has_fired: Option<bool>, clock: Clock) -> Timer {
        Timer { due, has_fired, clock }
    }

    #[test]
    fn only_what_did_not_go_off_before_the_stop_is_overdue() {
        let overdue = |has_fired, clock| timer(Due::Ago(SECOND), has_fired, clock).overdue();
        assert_eq!(overdue(Some(false), Clock::Stop), Some(SECOND));
        assert_eq!(overdue(None, Clock::Stop), Some(SECOND), "no timer is known to have gone off");
        assert_eq!(overdue(Some(true), Clock::Stop), None, "its task was not polled since");
        assert_eq!(overdue(Some(false), Clock::Inspection), None, "gdb may have waited");
        assert_eq!(overdue(Some(false), Clock::Paused), None);
        for due in [Due::In(SECOND), Due::Now, Due::Unknown] {
            assert_eq!(timer(due, Some(false), Clock::Stop).overdue(), None);
        }
    }

    #[test]
    fn what_went_off_or_is_due_now_comes_at_once() {
        let comes = |due, has_fired, clock| timer(due, has_fired, clock).is_about_to_come();
        assert!(comes(Due::Now, None, Clock::Inspection));
        assert!(comes(Due::Ago(SECOND), Some(true), Clock::Inspection));
        assert!(comes(Due::Unknown, Some(true), Clock::Stop));
        assert!(comes(Due::Now, Some(true), Clock::Paused));
        assert!(!comes(Due::Now, Some(false), Clock::Paused), "until the test moves it on");
        assert!(!comes(Due::In(SECOND), Some(false), Clock::Stop));
        assert!(!comes(Due::Ago(SECOND), Some(false), Clock::Stop), "nothing looks at it");
        let late = |milliseconds| Due::Ago(Duration::from_millis(milliseconds));
        assert!(comes(late(99), Some(false), Clock::Stop), "the machine has much to do");
        assert!(!comes(late(100), Some(false), Clock::Stop));
        assert!(!comes(late(99), Some(false), Clock::Inspection), "gdb may have waited");
    }

    #[test]
    fn texts() {
        let text = |due, clock| timer(due, None, clock).text();
        assert_eq!(text(Due::In(4 * SECOND), Clock::Stop).as_deref(), Some("due in 4.0 s"));
        assert_eq!(text(Due::Now, Clock::Inspection).as_deref(), Some("due now"));
        assert_eq!(text(Due::Ago(60 * SECOND), Clock::Stop).as_deref(), Some("overdue by 1 min"));
        let paused = text(Due::In(10 * SECOND), Clock::Paused);
        assert_eq!(paused.as_deref(), Some("due in 10 s by a paused clock"));
        assert_eq!(text(Due::Unknown, Clock::Stop), None);
    }
}
