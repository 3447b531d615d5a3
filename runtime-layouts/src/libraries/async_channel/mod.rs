//! The channels of async-channel.
//!
//! Source: `async-channel/src/lib.rs` (2.5.0), `concurrent-queue/src/{lib,single,bounded}.rs`
//! (2.5.0).

mod queue;

use crate::knowledge::children::{Types, elements};
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{CollectionType, GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    resources: RESOURCES,
    guards: GUARDS,
    collections: &[&[CollectionType {
        types: Types::Of("async_channel::Receiver"),
        children: |_, ty, layout| elements(ty, layout, "T", queue::queued),
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
const BOUNDED: &str = "concurrent_queue::bounded::Bounded<";
const SINGLE: &str = "concurrent_queue::single::Single<";

/// The bit of the state of a queue for one that says that it is full (`PUSHED`, `single.rs`).
const PUSHED: u64 = 1 << 1;

fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some((mut seen, channel)) = channel(reading, value)? else { return Ok(None) };
    let senders = channel.member(reading.program, "sender_count")?.unsigned(reading.program)?;
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    let senders = count(senders, "sender");
    seen.state = Some(match filling(reading.program, channel)? {
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
    seen.state = filling(reading.program, channel)?.map(|(queued, capacity)| {
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

/// How many messages are in a bounded channel, and how many can be.
fn filling(program: &Program<'_>, channel: Value) -> Result<Option<(u64, u64)>, ValueError> {
    if let Some(single) = channel.find_inline(program, SINGLE)? {
        let state = single.member(program, "state")?.unsigned(program)?;
        return Ok(Some((u64::from(state & PUSHED != 0), 1)));
    }
    // A large queue is in a box of its own.
    let Some(queue) = channel.find_through_pointers(program, BOUNDED)? else { return Ok(None) };
    let (_, queued, capacity) = queue::filled(program, queue)?;
    Ok(Some((queued, capacity)))
}
