//! The channel of the crate oneshot, whose two ends share it by raw pointers.
//!
//! Source: `oneshot/src/lib.rs` (0.1.13).

use crate::knowledge::naming::generic_name;
use crate::knowledge::{GuardType, Library, ObservedResource, Reading, ResourceType};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: &[ResourceType::of("oneshot::Receiver", receive)],
    guards: &[
        GuardType::end("oneshot::Sender", ResourceKind::Oneshot, Access::Send, CHANNEL),
        GuardType::end("oneshot::Receiver", ResourceKind::Oneshot, Access::Receive, CHANNEL),
    ],
    ..Library::named("oneshot")
};

/// What both ends share.
const CHANNEL: &str = "oneshot::Channel<";

/// What the state says while a receiver waits that has put its waker there.
const RECEIVING: u64 = 0b000;

fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(channel) = value.find_through_pointers(program, CHANNEL)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Oneshot, channel);
    seen.name = Some(generic_name("oneshot", value, program)?);
    seen.access = Some(Access::Receive);
    let is_waiting = channel.member(program, "state")?.unsigned(program)? == RECEIVING;
    (seen.parties, seen.is_granted) = (Some(u64::from(is_waiting)), !is_waiting);
    Ok(Some(seen))
}
