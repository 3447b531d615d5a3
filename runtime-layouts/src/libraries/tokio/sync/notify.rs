//! `Notify`.
//!
//! Source: `tokio/src/sync/notify.rs` (tokio 1.54.1).

use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::tokio::linked_list;
use crate::report::ResourceKind;
use crate::value::{Value, ValueError};

pub(in crate::libraries::tokio) const NOTIFY: &str = "tokio::sync::notify::Notify";
/// The future; its twin that owns the `Notify` is of tokio 1.47.
const FUTURES: [&str; 2] = ["tokio::sync::notify::Notified", "tokio::sync::notify::OwnedNotified"];

/// The lowest two bits of a `Notify`'s state (`STATE_MASK`, `NOTIFIED`).
const STATE_MASK: u64 = 0b11;
const NOTIFIED: u64 = 2;

/// `Notified` and `OwnedNotified`.
pub(in crate::libraries::tokio) fn notified(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(notify) = value.find_through_pointers(reading.program, NOTIFY)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Notify, notify);
    seen.name = Some("Notify".into());
    if notify
        .find_number(reading.program, "state")?
        .is_some_and(|state| state & STATE_MASK == NOTIFIED)
    {
        seen.state = Some("1 permit stored".to_string());
    }
    seen.is_granted = is_granted(reading)?;
    seen.order = Some((linked_list::waiters, notify));
    Ok(Some(seen))
}

/// Whether the leaf is a `Notified` that was notified, but not polled since.
pub(crate) fn is_granted(reading: &Reading<'_>) -> Result<bool, ValueError> {
    let layout = reading.leaf.layout(reading.program)?;
    if !FUTURES.iter().any(|future| layout.name.starts_with(future)) {
        return Ok(false);
    }
    let notification = reading.leaf.find_number(reading.program, "notification")?;
    Ok(notification.is_some_and(|notification| notification != 0))
}
