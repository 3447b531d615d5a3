//! `oneshot` channels: one value, sent once.
//!
//! Source: `tokio/src/sync/oneshot.rs` (tokio 1.54.1).

use crate::knowledge::naming::generic_name;
use crate::knowledge::{ObservedResource, Reading, waker};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What both ends share.
pub(in crate::libraries::tokio) const INNER: &str = "tokio::sync::oneshot::Inner<";

/// Bits of the state. A sender that goes without a value sets the first of them too.
const RX_TASK_SET: u64 = 0b00001;
const VALUE_SENT: u64 = 0b00010;
const CLOSED: u64 = 0b00100;

/// `Receiver`: the value. As long as it waits, the sender is there.
pub(in crate::libraries::tokio) fn receiver(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(inner) = value.find_through_pointers(reading.program, INNER)? else { return Ok(None) };
    let state = inner.member(reading.program, "state")?.unsigned(reading.program)?;
    let mut seen = ObservedResource::new(ResourceKind::Oneshot, inner);
    seen.name = Some(generic_name("oneshot", value, reading.program)?);
    seen.access = Some(Access::Receive);
    seen.is_granted = state & VALUE_SENT != 0;
    seen.parties = Some(u64::from(!seen.is_granted));
    Ok(Some(seen))
}

/// The waker of who polls a `Receiver`.
pub(in crate::libraries::tokio) fn receiver_wakers(
    program: &Program<'_>,
    value: Value,
) -> Result<Vec<u64>, ValueError> {
    let Some(inner) = value.find_through_pointers(program, INNER)? else { return Ok(Vec::new()) };
    match inner.member(program, "state")?.unsigned(program)? & RX_TASK_SET {
        0 => Ok(Vec::new()),
        _ => waker::stored(program, inner.member(program, "rx_task")?),
    }
}

/// `Sender::closed`: the end of the receiver.
pub(in crate::libraries::tokio) fn sender(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(inner) = value.find_through_pointers(reading.program, INNER)? else { return Ok(None) };
    let state = inner.member(reading.program, "state")?.unsigned(reading.program)?;
    let mut seen = ObservedResource::new(ResourceKind::Oneshot, inner);
    let name = generic_name("oneshot", value, reading.program)?;
    seen.name = Some(name);
    seen.is_granted = state & CLOSED != 0;
    seen.parties = Some(u64::from(!seen.is_granted));
    Ok(Some(seen))
}
