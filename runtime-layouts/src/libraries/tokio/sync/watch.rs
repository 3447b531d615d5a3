//! `watch` channels: one value whose changes receivers await.
//!
//! Source: `tokio/src/sync/watch.rs` (tokio 1.54.1).

use super::notify;
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What all ends share.
pub(in crate::libraries::tokio) const SHARED: &str = "tokio::sync::watch::Shared<";

/// `Receiver`: the next change, or one that is as wished.
pub(in crate::libraries::tokio) fn receiver(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(shared) = value.find_through_pointers(reading.program, SHARED)? else {
        return Ok(None);
    };
    // Before tokio 1.37 there is but one sender.
    let senders = match shared.layout(reading.program)?.member("ref_count_tx") {
        Some(_) => shared.member(reading.program, "ref_count_tx")?.unsigned(reading.program)?,
        None => 1,
    };
    let mut seen = ObservedResource::new(ResourceKind::Watch, shared);
    seen.name = Some(generic_name("watch", value, reading.program)?);
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    seen.state = Some(count(senders, "sender"));
    seen.is_granted = notify::is_granted(reading)?;
    Ok(Some(seen))
}

/// `Sender::closed`: the end of all receivers.
pub(in crate::libraries::tokio) fn sender(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(shared) = value.find_through_pointers(reading.program, SHARED)? else {
        return Ok(None);
    };
    let receivers = shared.find_number(reading.program, "ref_count_rx")?;
    let name = generic_name("watch", value, reading.program)?;
    let mut seen = ObservedResource::new(ResourceKind::Watch, shared);
    seen.name = Some(name);
    seen.parties = receivers;
    seen.state = receivers.map(|receivers| count(receivers, "receiver"));
    seen.is_granted = notify::is_granted(reading)?;
    Ok(Some(seen))
}
