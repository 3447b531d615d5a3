//! The streams of a connection of HTTP/2, by the handles with which they are waited for.
//!
//! Source: `h2/src/client.rs`, `share.rs`, `proto/streams/{streams,store,stream,buffer,recv,state}.rs`
//! (0.4.20 and 0.3.26). All handles share what the connection has; a handle has the key of its stream,
//! which keeps the wakers.

use super::SHARED;
use crate::knowledge::connection::{Observed, variant};
use crate::knowledge::{ObservedResource, Reading, ResourceType, waker};
use crate::report::{Access, Phase, ResourceKind};
use crate::value::slices::{Slice, SliceLayout};
use crate::value::{Program, Value, ValueError};

/// What leads from a handle to its stream.
const KEY: &str = "h2::proto::streams::store::Key";

/// What waits for frames of a stream, or for that some can be sent.
pub(super) const RESOURCES: &[ResourceType] = &[
    ResourceType {
        wakers: Some(receiving_wakers),
        ..ResourceType::of("h2::client::ResponseFuture", frames)
    },
    ResourceType {
        wakers: Some(receiving_wakers),
        ..ResourceType::of("h2::share::RecvStream", frames)
    },
    ResourceType {
        wakers: Some(sending_wakers),
        ..ResourceType::of("h2::share::SendStream", window)
    },
    ResourceType {
        wakers: Some(sending_wakers),
        ..ResourceType::of("h2::client::SendRequest", place)
    },
];

/// The slots of the streams that the handles of a connection lead to; `None` for a layout that is
/// not the one that is known.
pub(super) fn slots(program: &Program<'_>, shared: Value) -> Result<Option<Slice>, ValueError> {
    let entries = shared.member(program, "store")?.member(program, "slab")?;
    let entries = entries.member(program, "entries")?;
    match SliceLayout::of_vec(program, entries.ty, entries.layout(program)?)? {
        Some(slots) => slots.read(program, entries).map(Some),
        None => Ok(None),
    }
}

/// The stream in a slot; `None` for a free one.
pub(super) fn in_slot(program: &Program<'_>, slot: Value) -> Result<Option<Value>, ValueError> {
    match &*variant(program, slot)? {
        "Occupied" => slot.active_variant(program)?.1.member(program, "__0").map(Some),
        _ => Ok(None),
    }
}

/// A stream as its handle leads to it.
struct Stream {
    /// What the connection and its streams share.
    shared: Value,
    value: Value,
    id: u64,
}

fn of_handle(program: &Program<'_>, handle: Value) -> Result<Option<Stream>, ValueError> {
    let Some(key) = handle.find_inline(program, KEY)? else { return Ok(None) };
    let Some(shared) = handle.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let index = key.member(program, "index")?.unsigned(program)?;
    let id = key.member(program, "stream_id")?.unsigned(program)?;
    let Some(slots) = slots(program, shared)?.filter(|slots| index < slots.count) else {
        return Ok(None);
    };
    let address = slots.start.wrapping_add(index.wrapping_mul(slots.size));
    let Some(value) = in_slot(program, Value { ty: slots.element, address })? else {
        return Ok(None);
    };
    // A slot is used again by other streams.
    let is_same = value.member(program, "id")?.unsigned(program)? == id;
    Ok(is_same.then_some(Stream { shared, value, id }))
}

fn wakers(
    program: &Program<'_>,
    handle: Value,
    side: &'static str,
) -> Result<Vec<u64>, ValueError> {
    match of_handle(program, handle)? {
        Some(stream) => waker::stored(program, stream.value.member(program, side)?),
        None => Ok(Vec::new()),
    }
}

fn receiving_wakers(program: &Program<'_>, handle: Value) -> Result<Vec<u64>, ValueError> {
    wakers(program, handle, "recv_task")
}

fn sending_wakers(program: &Program<'_>, handle: Value) -> Result<Vec<u64>, ValueError> {
    wakers(program, handle, "send_task")
}

/// `ResponseFuture`, `RecvStream`: the frames that the other side sends, which who drives the
/// connection takes from its socket.
fn frames(reading: &Reading<'_>, handle: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(stream) = of_handle(program, handle)? else { return Ok(None) };
    let frames = stream.value.member(program, "pending_recv")?;
    let is_there = frames.member(program, "indices")?.is_some(program)?;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, stream.shared);
    seen.name = Some("HTTP/2 connection".into());
    seen.access = Some(Access::Receive);
    // The connection; who waits is told when it goes.
    seen.parties = Some(1);
    seen.is_granted = is_there || is_closed(program, &stream)?;
    Ok(Some(seen))
}

fn is_closed(program: &Program<'_>, stream: &Stream) -> Result<bool, ValueError> {
    let state = stream.value.member(program, "state")?.member(program, "inner")?;
    Ok(variant(program, state)? == "Closed")
}

/// `SendStream`: that its window lets more be sent, and in any case to hear that the other side does
/// not want it any more.
fn window(reading: &Reading<'_>, handle: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(stream) = of_handle(program, handle)? else { return Ok(None) };
    let waiting = stream.value.member(program, "requested_send_capacity")?.unsigned(program)?;
    let left = available(program, stream.value.member(program, "send_flow")?)?;
    let mut seen = ObservedResource::new(ResourceKind::Io, stream.value);
    let id = stream.id;
    if waiting > 0 && left <= 0 {
        seen.name = Some(format!("the window of HTTP/2 stream {id}").into());
        seen.state = Some("the other side takes no more".into());
    } else {
        seen.name = Some(format!("HTTP/2 stream {id}").into());
    }
    seen.is_granted = is_closed(program, &stream)?;
    Ok(Some(seen))
}

/// `SendRequest`: that the other side lets one more stream be opened.
fn place(reading: &Reading<'_>, handle: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(stream) = of_handle(program, handle)? else { return Ok(None) };
    let counts = stream.shared.member(program, "counts")?;
    let number = |name: &str| counts.member(program, name)?.unsigned(program);
    let (open, most) = (number("num_send_streams")?, number("max_send_streams")?);
    let mut seen = ObservedResource::new(ResourceKind::Io, stream.shared);
    seen.name = Some("one more HTTP/2 stream".into());
    seen.state = Some(format!("{open} of {most} are open"));
    seen.is_granted = open < most;
    Ok(Some(seen))
}

/// `FlowControl { available: Window(i32), … }`.
pub(super) fn available(program: &Program<'_>, flow: Value) -> Result<i32, ValueError> {
    let available = flow.member(program, "available")?.unsigned(program)?;
    #[expect(clippy::cast_possible_truncation, reason = "it has 32 bits")]
    Ok((available as u32).cast_signed())
}

/// `ResponseFuture`: a request that was sent.
pub(super) fn request(
    program: &Program<'_>,
    handle: Value,
) -> Result<Option<Observed>, ValueError> {
    let Some(stream) = of_handle(program, handle)? else { return Ok(None) };
    Ok(Some(Observed::Stream { of: stream.shared.address, phase: Phase::Awaiting }))
}
