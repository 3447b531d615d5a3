//! `broadcast` channels: every receiver gets every message.
//!
//! Source: `tokio/src/sync/broadcast.rs` (tokio 1.54.1).

use super::notify;
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What all ends share.
pub(in crate::libraries::tokio) const SHARED: &str = "tokio::sync::broadcast::Shared<";

/// `Receiver`: the next message.
pub(in crate::libraries::tokio) fn receiver(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(shared) = value.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Broadcast, shared);
    seen.name = Some(generic_name("broadcast", value, program)?);
    seen.access = Some(Access::Receive);
    let tail = shared.member(program, "tail")?;
    let senders = shared.member(program, "num_tx")?.unsigned(program)?;
    seen.parties = Some(senders);
    // Weak senders, since tokio 1.44.
    seen.is_reachable = shared.find_number(program, "num_weak_tx")?.is_some_and(|weak| weak > 0);
    let receivers = tail.find_number(program, "rx_cnt")?.unwrap_or(0);
    seen.state = Some(format!("{}, {}", count(senders, "sender"), count(receivers, "receiver")));
    let next = value.member(program, "next")?.unsigned(program)?;
    let end = tail.find_number(program, "pos")?.unwrap_or(next);
    let capacity = shared.find_number(program, "mask")?.unwrap_or(0).saturating_add(1);
    let unread = end.wrapping_sub(next);
    // What was sent since is not read before it is polled.
    seen.is_granted = unread > 0;
    if unread > capacity {
        seen.note = Some(format!("lagging by {}", count(unread - capacity, "message")));
    } else if unread > 0 {
        seen.note = Some(format!("{} to read", count(unread, "message")));
    }
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
    let receivers =
        shared.member(reading.program, "tail")?.find_number(reading.program, "rx_cnt")?;
    let name = generic_name("broadcast", value, reading.program)?;
    let mut seen = ObservedResource::new(ResourceKind::Broadcast, shared);
    seen.name = Some(name);
    seen.parties = receivers;
    seen.state = receivers.map(|receivers| count(receivers, "receiver"));
    seen.is_granted = notify::is_granted(reading)?;
    Ok(Some(seen))
}
