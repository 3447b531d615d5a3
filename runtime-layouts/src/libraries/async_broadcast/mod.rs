//! The channels of async-broadcast, by which zbus 5 hands out messages and replies.
//!
//! Source: `async-broadcast/src/lib.rs` (0.7.2).

use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library =
    Library { resources: RESOURCES, guards: GUARDS, ..Library::named("async-broadcast") };

const RESOURCES: &[ResourceType] = &[
    ResourceType::of("async_broadcast::Recv", receive),
    ResourceType::of("async_broadcast::Receiver", receive),
    ResourceType::of("async_broadcast::Send", send),
];

const GUARDS: &[GuardType] = &[
    GuardType::end("async_broadcast::Sender", ResourceKind::Broadcast, Access::Send, INNER),
    GuardType::end("async_broadcast::Receiver", ResourceKind::Broadcast, Access::Receive, INNER),
];

/// What all ends share.
const INNER: &str = "async_broadcast::Inner<";
const RECEIVER: &str = "async_broadcast::Receiver<";

/// The next message.
fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some((mut seen, inner)) = channel(reading, value)? else { return Ok(None) };
    let senders = inner.member(program, "sender_count")?.unsigned(program)?;
    let receivers = inner.member(program, "receiver_count")?.unsigned(program)?;
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    // `Receiver::new_sender`, `InactiveReceiver::activate` (0.7.2): who has another one may make a sender.
    let inactive = inner.member(program, "inactive_receiver_count")?.unsigned(program)?;
    seen.is_reachable = receivers > 1 || inactive > 0;
    seen.state = Some(format!("{}, {}", count(senders, "sender"), count(receivers, "receiver")));
    if let Some(receiver) = value.find_through_pointers(program, RECEIVER)? {
        let next = receiver.member(program, "pos")?.unsigned(program)?;
        let first = inner.member(program, "head_pos")?.unsigned(program)?;
        let queued = inner.member(program, "queue")?.find_number(program, "len")?;
        let unread = first.wrapping_add(queued.unwrap_or(0)).saturating_sub(next);
        // What was sent since is not read before it is polled.
        seen.is_granted = unread > 0;
        seen.note = (unread > 0).then(|| format!("{} to read", count(unread, "message")));
    }
    Ok(Some(seen))
}

/// Room for one more.
fn send(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some((mut seen, inner)) = channel(reading, value)? else { return Ok(None) };
    seen.access = Some(Access::Send);
    let receivers = inner.member(program, "receiver_count")?.unsigned(program)?;
    seen.parties = Some(receivers);
    // Inactive ones may become active.
    let inactive = inner.member(program, "inactive_receiver_count")?.unsigned(program)?;
    seen.is_reachable = inactive > 0;
    let queued = inner.member(program, "queue")?.find_number(program, "len")?;
    let capacity = inner.member(program, "capacity")?.unsigned(program)?;
    seen.state = queued.map(|queued| {
        let full = if queued >= capacity { "full: " } else { "" };
        // Where there is room, it waits for a receiver (`Sender::set_await_active`).
        let inactive = match (receivers, inactive) {
            (0, 1..) => format!(", no active receiver, {inactive} inactive"),
            _ => String::new(),
        };
        format!("{full}{queued} of {capacity} queued{inactive}")
    });
    Ok(Some(seen))
}

fn channel(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<(ObservedResource, Value)>, ValueError> {
    let program = reading.program;
    let Some(inner) = value.find_through_pointers(program, INNER)? else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Broadcast, inner);
    seen.name = Some(generic_name("broadcast", inner, program)?);
    Ok(Some((seen, inner)))
}
