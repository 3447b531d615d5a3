//! The channels of futures-channel.
//!
//! Source: `futures-channel/src/{mpsc/{mod,queue},oneshot}.rs` (0.3.34).

use rustc_hash::FxHashSet;

use crate::knowledge::CollectionType;
use crate::knowledge::children::{Types, elements};
use crate::knowledge::naming::{count, generic_name};
use crate::knowledge::waker;
use crate::knowledge::{ObservedResource, Reading};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What the ends of a bounded channel share.
pub(super) const BOUNDED: &str = "futures_channel::mpsc::BoundedInner<";
/// What the ends of an unbounded channel share.
pub(super) const UNBOUNDED: &str = "futures_channel::mpsc::UnboundedInner<";
/// What the ends of a oneshot channel share.
pub(super) const ONESHOT: &str = "futures_channel::oneshot::Inner<";
const SENDER_TASK: &str = "futures_channel::mpsc::SenderTask";

/// The highest bit of the state says that the channel is open, the others count the messages
/// (`OPEN_MASK`, `MAX_CAPACITY`).
const OPEN: u32 = 1;

/// `mpsc::Receiver`: the next message.
pub(super) fn receiver(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    of_receiver(reading, value, BOUNDED)
}

/// `mpsc::UnboundedReceiver`: the next message.
pub(super) fn unbounded(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    of_receiver(reading, value, UNBOUNDED)
}

fn of_receiver(
    reading: &Reading<'_>,
    value: Value,
    inner: &'static str,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(inner) = value.find_through_pointers(reading.program, inner)? else { return Ok(None) };
    let (text, senders, _) = filling(reading.program, inner)?;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, inner);
    seen.name = Some(generic_name("mpsc", value, reading.program)?);
    seen.access = Some(Access::Receive);
    seen.parties = Some(senders);
    seen.state = Some(format!("{text}, {}", count(senders, "sender")));
    Ok(Some(seen))
}

/// `mpsc::Sender`: room for a message.
pub(super) fn sender(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(inner) = value.find_through_pointers(reading.program, BOUNDED)? else {
        return Ok(None);
    };
    let (text, _, is_open) = filling(reading.program, inner)?;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, inner);
    seen.name = Some(generic_name("mpsc", value, reading.program)?);
    seen.access = Some(Access::Send);
    seen.parties = Some(u64::from(is_open));
    seen.state = Some(text);
    Ok(Some(seen))
}

/// The waker that a sender which found the channel full has left.
pub(super) fn sender_wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    match value.find_through_pointers(program, SENDER_TASK)? {
        Some(task) => waker::stored(program, task),
        None => Ok(Vec::new()),
    }
}

/// How full a channel is, the number of its senders, and whether it is open. Each sender has a
/// place of its own beside the buffer.
fn filling(program: &Program<'_>, inner: Value) -> Result<(String, u64, bool), ValueError> {
    let state = inner.member(program, "state")?.unsigned(program)?;
    let senders = inner.member(program, "num_senders")?.unsigned(program)?;
    let bits = u32::from(program.pointer_size()) * 8;
    let open = 1_u64 << (bits - OPEN);
    let queued = state & !open;
    let text = match inner.find_number(program, "buffer")? {
        Some(buffer) => {
            let capacity = buffer.saturating_add(senders);
            let full = if queued >= capacity { "full: " } else { "" };
            format!("{full}{queued} of {capacity} queued")
        }
        None => format!("{queued} queued"),
    };
    Ok((text, senders, state & open != 0))
}

/// `oneshot::Receiver`: the value. As long as it waits, the sender is there.
pub(super) fn oneshot(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = of_oneshot(reading, value)?;
    if let Some(seen) = &mut seen {
        seen.name = Some(generic_name("oneshot", value, reading.program)?);
        seen.access = Some(Access::Receive);
    }
    Ok(seen)
}

/// `oneshot::Sender::cancellation`: the end of the receiver.
pub(super) fn cancellation(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = of_oneshot(reading, value)?;
    if let Some(seen) = &mut seen {
        let name = generic_name("oneshot", value, reading.program)?;
        seen.name = Some(name);
    }
    Ok(seen)
}

fn of_oneshot(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(inner) = value.find_through_pointers(reading.program, ONESHOT)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Oneshot, inner);
    // Either end sets it when it goes.
    let complete = inner.member(reading.program, "complete")?.unsigned(reading.program)?;
    seen.is_granted = complete != 0;
    seen.parties = Some(u64::from(complete == 0));
    Ok(Some(seen))
}

/// A channel has one receiver, so what lies in it is that one's alone.
pub(super) const COLLECTIONS: &[CollectionType] = &[
    CollectionType {
        types: Types::Of("futures_channel::mpsc::Receiver"),
        children: |_, ty, layout| elements(ty, layout, "T", queued),
    },
    CollectionType {
        types: Types::Of("futures_channel::mpsc::UnboundedReceiver"),
        children: |_, ty, layout| elements(ty, layout, "T", queued),
    },
];

const NODE: &str = "futures_channel::mpsc::queue::Node<";

/// The messages that a receiver did not take out so far, first come first: behind the node whose
/// message was taken out last.
fn queued(program: &Program<'_>, receiver: Value, most: usize) -> Result<Vec<Value>, ValueError> {
    let mut found = Vec::new();
    let Some(tail) = receiver.find_through_pointers(program, QUEUE)? else { return Ok(found) };
    let tail = tail.member(program, "tail")?;
    let Some(mut node) = tail.find_through_pointers(program, NODE)? else { return Ok(found) };
    let mut seen = FxHashSet::default();
    while found.len() < most && seen.insert(node.address) && !program.is_interrupted() {
        let next = node.member(program, "next")?;
        match program.read_pointer(next.address)? {
            0 => break,
            address => node.address = address,
        }
        found.push(node.member(program, "value")?);
    }
    Ok(found)
}

const QUEUE: &str = "futures_channel::mpsc::queue::Queue<";
