//! The bodies that connections of HTTP/1 hand over piece by piece.
//!
//! Source: `hyper/src/body/chan.rs` (1.12.0). Before, a body was a channel of futures-channel.

use crate::knowledge::{GuardType, ObservedResource, Reading, ResourceType, waker};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What both ends share.
const SHARED: &str = "hyper::body::chan::Shared";
const SENDER: &str = "hyper::body::chan::Sender";
const RECEIVER: &str = "hyper::body::chan::Receiver";

/// The ends of a body.
pub(super) const RESOURCES: &[ResourceType] = &[
    ResourceType { wakers: Some(receiver_wakers), ..ResourceType::of(RECEIVER, piece) },
    ResourceType { wakers: Some(sender_wakers), ..ResourceType::of(SENDER, room) },
];

/// Who brings the next piece, and who takes it.
pub(super) const GUARDS: &[GuardType] = &[
    GuardType::end(SENDER, ResourceKind::Mpsc, Access::Send, SHARED),
    GuardType::end(RECEIVER, ResourceKind::Mpsc, Access::Receive, SHARED),
];

fn receiver_wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    wakers(program, value, "receiver_waker")
}

fn sender_wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    wakers(program, value, "sender_waker")
}

fn wakers(program: &Program<'_>, value: Value, side: &'static str) -> Result<Vec<u64>, ValueError> {
    match value.find_through_pointers(program, SHARED)? {
        Some(shared) => waker::stored(program, shared.member(program, side)?),
        None => Ok(Vec::new()),
    }
}

/// `Shared { state: Mutex<State { item, sender_open, receiver_open, want, … }>, … }`.
struct Body {
    shared: Value,
    has_piece: bool,
    has_sender: bool,
    has_receiver: bool,
    is_wanted: bool,
}

fn read(program: &Program<'_>, value: Value) -> Result<Option<Body>, ValueError> {
    let Some(shared) = value.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let Some(state) = shared.find_inline(program, "hyper::body::chan::State")? else {
        return Ok(None);
    };
    let flag = |name: &str| -> Result<bool, ValueError> {
        Ok(state.member(program, name)?.unsigned(program)? != 0)
    };
    Ok(Some(Body {
        shared,
        has_piece: state.member(program, "item")?.is_some(program)?,
        has_sender: flag("sender_open")?,
        has_receiver: flag("receiver_open")?,
        is_wanted: flag("want")?,
    }))
}

fn observed(body: &Body, access: Access, parties: bool) -> ObservedResource {
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, body.shared);
    seen.name = Some("HTTP body".into());
    (seen.access, seen.parties) = (Some(access), Some(u64::from(parties)));
    seen
}

/// The next piece.
fn piece(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(body) = read(reading.program, value)? else { return Ok(None) };
    let mut seen = observed(&body, Access::Receive, body.has_sender);
    seen.is_granted = body.has_piece || !body.has_sender;
    Ok(Some(seen))
}

/// That the last piece was taken; `None` where there is room.
fn room(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(body) = read(reading.program, value)? else { return Ok(None) };
    if body.is_wanted && !body.has_piece {
        return Ok(None);
    }
    let mut seen = observed(&body, Access::Send, body.has_receiver);
    seen.is_granted = !body.has_receiver;
    Ok(Some(seen))
}
