//! The channels of async-channel.
//!
//! Source: `async-channel/src/lib.rs` (2.5.0).

use crate::knowledge::children::{Types, elements};
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{CollectionType, GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::concurrent_queue;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Ty, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: RESOURCES,
    guards: GUARDS,
    collections: &[&[CollectionType {
        types: Types::Of("async_channel::Receiver"),
        children: |_, ty, layout| elements(ty, layout, "T", queued),
    }]],
    ..Library::named("async-channel")
};

const RESOURCES: &[ResourceType] = &[
    ResourceType::of("async_channel::Recv", receive),
    ResourceType::of("async_channel::Receiver", receive),
    ResourceType::of("async_channel::Send", send),
    ResourceType::of("async_channel::Closed", closed),
];

const GUARDS: &[GuardType] = &[
    GuardType::end("async_channel::Sender", ResourceKind::Mpsc, Access::Send, CHANNEL),
    GuardType::end("async_channel::Receiver", ResourceKind::Mpsc, Access::Receive, CHANNEL),
];

/// What all ends share, weak ones too.
const CHANNEL: &str = "async_channel::Channel<";
const COUNTED: &str = "alloc::sync::ArcInner<async_channel::Channel<";

fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some((mut seen, channel)) = channel(reading, value)? else { return Ok(None) };
    let senders = channel.member(reading.program, "sender_count")?.unsigned(reading.program)?;
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    let senders = count(senders, "sender");
    seen.state = Some(match concurrent_queue::filling(reading.program, channel)? {
        Some((queued, capacity)) => format!("{queued} of {capacity} queued, {senders}"),
        None => senders,
    });
    Ok(Some(seen))
}

fn send(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some((mut seen, channel)) = channel(reading, value)? else { return Ok(None) };
    let receivers = channel.member(reading.program, "receiver_count")?;
    seen.access = Some(Access::Send);
    seen.parties = Some(receivers.unsigned(reading.program)?);
    seen.state = concurrent_queue::filling(reading.program, channel)?.map(|(queued, capacity)| {
        let full = if queued >= capacity { "full: " } else { "" };
        format!("{full}{queued} of {capacity} queued")
    });
    Ok(Some(seen))
}

fn closed(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some((mut seen, channel)) = channel(reading, value)? else { return Ok(None) };
    let receivers = channel.member(reading.program, "receiver_count")?.unsigned(reading.program)?;
    seen.parties = Some(receivers);
    seen.state = Some(count(receivers, "receiver"));
    Ok(Some(seen))
}

fn channel(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<(ObservedResource, Value)>, ValueError> {
    let Some(channel) = value.find_through_pointers(reading.program, CHANNEL)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, channel);
    seen.name = Some(generic_name("channel", value, reading.program)?);
    seen.is_reachable = has_weak_ends(reading.program, value, channel)?;
    Ok(Some((seen, channel)))
}

/// Whether weak senders or receivers exist, which keep the channel in memory as the others do, but are
/// in no count of the channel's own (`WeakSender`, `WeakReceiver`, since 2.0).
fn has_weak_ends(program: &Program<'_>, value: Value, channel: Value) -> Result<bool, ValueError> {
    let Some(counted) = value.find_through_pointers(program, COUNTED)? else { return Ok(true) };
    let Some(owners) = counted.find_number(program, "strong")? else { return Ok(true) };
    let ends = |name| channel.member(program, name)?.unsigned(program);
    Ok(owners > ends("sender_count")?.saturating_add(ends("receiver_count")?))
}

/// The messages that the only receiver did not take out so far. Of several receivers any may take
/// each.
fn queued(program: &Program<'_>, receiver: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let Some(channel) = receiver.find_through_pointers(program, CHANNEL)? else {
        return Ok(Vec::new());
    };
    let receivers = channel.member(program, "receiver_count")?.unsigned(program)?;
    let message = receiver.layout(program)?.type_parameter("T");
    let message = message.map(|id| Ty { module: receiver.ty.module, id });
    let Some(message) = message.filter(|_| receivers == 1) else { return Ok(Vec::new()) };
    concurrent_queue::elements(program, channel, message, most)
}
