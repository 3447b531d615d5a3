//! `Shared`: a future that several tasks poll.
//!
//! Source: `futures-util/src/future/future/shared.rs` (0.3.34).

use crate::knowledge::{ObservedResource, Reading};
use crate::report::ResourceKind;
use crate::value::{Value, ValueError};

const INNER: &str = "futures_util::future::future::shared::Inner<";
/// States of its notifier (`POLLING`, `POISONED`).
const POLLING: u64 = 1;
const POISONED: u64 = 3;

/// `Shared`.
pub(super) fn shared(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(inner) = value.find_through_pointers(reading.program, INNER)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Shared, inner);
    let notifier = inner.find_through_pointers(reading.program, NOTIFIER)?;
    let state = match notifier {
        Some(notifier) => notifier.find_number(reading.program, "state")?,
        None => None,
    };
    seen.state = match state {
        Some(POLLING) => Some("being polled".to_string()),
        Some(POISONED) => Some("panicked".to_string()),
        _ => None,
    };
    Ok(Some(seen))
}

const NOTIFIER: &str = "futures_util::future::future::shared::Notifier";
