//! The timers of futures-timer, of which a thread of its own has the heap.
//!
//! Source: `futures-timer/src/native/{delay,timer}.rs` (3.0.4).

use crate::knowledge::{Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::ResourceKind;
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("futures_timer::native::delay::", "futures_timer::")],
    resources: &[
        ResourceType::of("futures_timer::native::delay::Delay", delay),
        ResourceType::of("futures_timer::native::timer::Timer", next),
    ],
    ..Library::named("futures-timer")
};

/// `Delay`.
fn delay(_: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Sleep, value);
    seen.name = Some("a timer".into());
    Ok(Some(seen))
}

/// `Timer`, which that thread blocks on: it never completes, and wakes who has a timer that is due.
fn next(_: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Sleep, value);
    seen.name = Some("the next timer".into());
    Ok(Some(seen))
}
