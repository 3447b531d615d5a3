//! Waits for a point in time.
//!
//! Source: `tokio/src/time/{sleep,interval}.rs` (tokio 1.54.1).

use crate::report::ResourceKind;
use crate::value::{Value, ValueError};
use crate::walk::waits::{Reading, Seen};

/// `Sleep`. When it is due is not said: the clock of a stopped process is not known here.
pub(super) fn sleep(_: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    Ok(Some(timer(value, "a timer")))
}

/// `Interval`.
pub(super) fn interval(_: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    Ok(Some(timer(value, "the next tick of an interval")))
}

fn timer(value: Value, name: &str) -> Seen {
    Seen { name: Some(name.to_string()), ..Seen::new(ResourceKind::Sleep, value) }
}
