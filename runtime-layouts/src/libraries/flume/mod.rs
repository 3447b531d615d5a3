//! The channels of flume.
//!
//! Source: `flume/src/{lib,async}.rs` (0.11.1).

use crate::knowledge::children::{Types, elements};
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::{CollectionType, GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::rust_std::collections::in_deque;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[
        ("flume::async::", "flume::r#async::"),
        ("flume::r#async::", "flume::r#async::"),
    ],
    resources: RESOURCES,
    guards: GUARDS,
    collections: &[&[CollectionType {
        types: Types::Of("flume::Receiver"),
        children: |_, ty, layout| elements(ty, layout, "T", queued),
    }]],
    ..Library::named("flume")
};

const RESOURCES: &[ResourceType] = &[
    ResourceType::of("flume::async::RecvFut", receive),
    ResourceType::of("flume::async::RecvStream", receive),
    ResourceType::of("flume::async::SendFut", send),
];

const GUARDS: &[GuardType] = &[
    GuardType::end("flume::Sender", ResourceKind::Mpsc, Access::Send, SHARED),
    GuardType::end("flume::Receiver", ResourceKind::Mpsc, Access::Receive, SHARED),
];

/// What all ends share, and what of it lies behind a lock.
const SHARED: &str = "flume::Shared<";
const COUNTED: &str = "alloc::sync::ArcInner<flume::Shared<";
const CHAN: &str = "flume::Chan<";

fn receive(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(shared) = value.find_through_pointers(reading.program, SHARED)? else {
        return Ok(None);
    };
    let senders = shared.member(reading.program, "sender_count")?.unsigned(reading.program)?;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, shared);
    seen.name = Some(generic_name("channel", value, reading.program)?);
    seen.is_reachable = has_weak_senders(reading.program, value)?;
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    let senders = count(senders, "sender");
    seen.state = Some(match filling(reading.program, shared)? {
        Some((queued, Some(capacity))) => format!("{queued} of {capacity} queued, {senders}"),
        Some((queued, None)) => format!("{queued} queued, {senders}"),
        None => senders,
    });
    Ok(Some(seen))
}

fn send(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(shared) = value.find_through_pointers(reading.program, SHARED)? else {
        return Ok(None);
    };
    let receivers = shared.member(reading.program, "receiver_count")?;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, shared);
    seen.name = Some(generic_name("channel", value, reading.program)?);
    seen.is_reachable = has_weak_senders(reading.program, value)?;
    seen.access = Some(Access::Send);
    seen.parties = Some(receivers.unsigned(reading.program)?);
    if let Some((queued, Some(capacity))) = filling(reading.program, shared)? {
        let full = if queued >= capacity { "full: " } else { "" };
        seen.state = Some(format!("{full}{queued} of {capacity} queued"));
    }
    Ok(Some(seen))
}

/// Whether a `WeakSender` exists, which may become a sender: it is a weak pointer to what all ends
/// share. Those that own that count as one together.
fn has_weak_senders(program: &Program<'_>, value: Value) -> Result<bool, ValueError> {
    let counted = value.find_through_pointers(program, COUNTED)?;
    let weak = counted.map(|counted| counted.find_number(program, "weak")).transpose()?.flatten();
    Ok(weak != Some(1))
}

/// How many messages are in a channel, and how many can be; the latter is `None` for an unbounded
/// one, and all of it if the layout is not as expected.
fn filling(program: &Program<'_>, shared: Value) -> Result<Option<(u64, Option<u64>)>, ValueError> {
    let Some(chan) = shared.find_inline(program, CHAN)? else { return Ok(None) };
    let Some(queued) = chan.member(program, "queue")?.find_number(program, "len")? else {
        return Ok(None);
    };
    // `Option<(usize, VecDeque<…>)>`
    let (_, sending) = chan.member(program, "sending")?.active_variant(program)?;
    let pair = sending.member(program, "__0");
    let capacity = pair.and_then(|pair| pair.member(program, "__0")?.unsigned(program)).ok();
    Ok(Some((queued, capacity)))
}

/// The messages that the only receiver did not take out so far. Of several receivers any may take each.
fn queued(program: &Program<'_>, receiver: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let Some(shared) = receiver.find_through_pointers(program, SHARED)? else {
        return Ok(Vec::new());
    };
    let receivers = shared.member(program, "receiver_count")?.unsigned(program)?;
    match shared.find_inline(program, CHAN)?.filter(|_| receivers == 1) {
        Some(chan) => in_deque(program, chan.member(program, "queue")?, most),
        None => Ok(Vec::new()),
    }
}
