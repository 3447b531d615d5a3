//! The bodies of requests, which a connection of actix hands over piece by piece to who reads one.
//!
//! Source: `actix-http/src/h1/payload.rs` (3.20.0).

use crate::knowledge::{GuardType, ObservedResource, Reading, ResourceType, waker};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// What both ends share; only who reads owns it.
const INNER: &str = "actix_http::h1::payload::Inner";

/// Who waits for the next piece. The connection does not wait for room: it reads no more meanwhile.
pub(super) const BODY: ResourceType = ResourceType {
    wakers: Some(wakers),
    ..ResourceType::of("actix_http::h1::payload::Payload", piece)
};

/// Who brings the next piece, and who takes it.
pub(super) const SENDER: GuardType = GuardType::end(
    "actix_http::h1::payload::PayloadSender",
    ResourceKind::Mpsc,
    Access::Send,
    INNER,
);
pub(super) const RECEIVER: GuardType =
    GuardType::end("actix_http::h1::payload::Payload", ResourceKind::Mpsc, Access::Receive, INNER);

fn wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    match value.find_through_pointers(program, INNER)? {
        Some(inner) => waker::stored(program, inner.member(program, "task")?),
        None => Ok(Vec::new()),
    }
}

/// `Inner { len, eof, err, sender_closed, … }`.
fn piece(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(inner) = value.find_through_pointers(program, INNER)? else { return Ok(None) };
    let number = |name| inner.member(program, name)?.unsigned(program);
    let is_closed = number("sender_closed")? != 0;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, inner);
    seen.name = Some("HTTP body".into());
    (seen.access, seen.parties) = (Some(Access::Receive), Some(u64::from(!is_closed)));
    seen.is_granted = is_closed || number("len")? > 0;
    Ok(Some(seen))
}

/// Whether a connection reads on for the body that it brings; without one it reads for none.
pub(super) fn is_wanted(program: &Program<'_>, payload: Value) -> Result<bool, ValueError> {
    match payload.find_through_pointers(program, INNER)? {
        Some(inner) => Ok(inner.member(program, "need_read")?.unsigned(program)? != 0),
        None => Ok(false),
    }
}
