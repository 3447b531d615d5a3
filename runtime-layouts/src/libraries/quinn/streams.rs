//! What is waited for on a connection of QUIC: its streams, and new ones.

use super::{SHARED, STATE, role};
use crate::knowledge::{ObservedResource, Reading, ResourceType, waker};
use crate::libraries::rust_std::collections::entries_of_map;
use crate::libraries::rust_std::values::socket_address;
use crate::report::{Access, ResourceKind, Role};
use crate::value::{Program, Value, ValueError};

/// Streams of a connection that are looked at, at most.
const MAX_STREAMS: usize = 1 << 12;

/// Bits of the number of a stream (RFC 9000, 2.1).
const BY_SERVER: u64 = 0b01;
const ONE_WAY: u64 = 0b10;

/// The futures, and the halves of streams, which others poll too.
pub(super) const RESOURCES: &[ResourceType] = &[
    ResourceType {
        wakers: Some(|program, half| wakers(program, half, "blocked_readers")),
        ..ResourceType::of("quinn::recv_stream::RecvStream", bytes)
    },
    ResourceType {
        wakers: Some(|program, half| wakers(program, half, "blocked_writers")),
        ..ResourceType::of("quinn::send_stream::SendStream", room)
    },
    ResourceType::of("quinn::connection::AcceptBi", new_stream),
    ResourceType::of("quinn::connection::AcceptUni", new_stream),
    ResourceType::of("quinn::connection::OpenBi", leave),
    ResourceType::of("quinn::connection::OpenUni", leave),
    ResourceType::of("quinn::connection::ReadDatagram", datagram),
    ResourceType::of("quinn::endpoint::Accept", accept),
];

/// The handle of a stream, as it leads to it.
struct Stream {
    state: Value,
    id: u64,
}

fn of_half(program: &Program<'_>, half: Value) -> Result<Option<Stream>, ValueError> {
    let Some(state) = half.find_through_pointers(program, STATE)? else { return Ok(None) };
    let id = half.member(program, "stream")?.member(program, "__0")?.unsigned(program)?;
    Ok(Some(Stream { state, id }))
}

/// What a map by streams has for one.
fn entry(program: &Program<'_>, map: Value, stream: u64) -> Result<Option<Value>, ValueError> {
    let Some((entries, _)) = entries_of_map(program, map, MAX_STREAMS)? else { return Ok(None) };
    for (key, value) in entries {
        if key.member(program, "__0")?.unsigned(program)? == stream {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn wakers(
    program: &Program<'_>,
    half: Value,
    blocked: &'static str,
) -> Result<Vec<u64>, ValueError> {
    let Some(stream) = of_half(program, half)? else { return Ok(Vec::new()) };
    match entry(program, stream.state.member(program, blocked)?, stream.id)? {
        Some(stored) => waker::stored(program, stored),
        None => Ok(Vec::new()),
    }
}

/// `RecvStream`: what the other side sends on that stream.
fn bytes(reading: &Reading<'_>, half: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(stream) = of_half(program, half)? else { return Ok(None) };
    let id = stream.id;
    if !is_unheard_of(program, &stream)? {
        return on_connection(reading, half, &format!("bytes of stream {id}"));
    }
    let inner = stream.state.member(program, "inner")?;
    let remote = inner.member(program, "path")?.member(program, "remote")?;
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, half);
    let peer = socket_address(program, remote)?;
    seen.name = Some(format!("QUIC stream {id} to {peer}").into());
    // The first bytes open a stream at the other end.
    seen.state = Some("nothing was sent on it: the other side does not know of it".into());
    seen.access = Some(Access::Receive);
    Ok(Some(seen))
}

/// Whether this side opened a stream and sent nothing on it, so that the other side does not know of it.
fn is_unheard_of(program: &Program<'_>, stream: &Stream) -> Result<bool, ValueError> {
    let inner = stream.state.member(program, "inner")?;
    let is_own = (stream.id & BY_SERVER != 0) == (role(program, inner)? == Role::Server);
    if !is_own || stream.id & ONE_WAY != 0 {
        return Ok(false);
    }
    let sending = inner.member(program, "streams")?.member(program, "send")?;
    // What is there once something was written.
    match entry(program, sending, stream.id)? {
        Some(half) => Ok(!half.is_some(program)?),
        None => Ok(false),
    }
}

/// `SendStream`: that the other side, or the network, takes more.
fn room(reading: &Reading<'_>, half: Value) -> Result<Option<ObservedResource>, ValueError> {
    let Some(stream) = of_half(reading.program, half)? else { return Ok(None) };
    on_connection(reading, half, &format!("room in stream {}", stream.id))
}

/// `Connection::accept_bi`, `accept_uni`.
fn new_stream(
    reading: &Reading<'_>,
    future: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    on_connection(reading, future, "a new stream")
}

/// `Connection::open_bi`, `open_uni`: that the other side lets one more be opened.
fn leave(reading: &Reading<'_>, future: Value) -> Result<Option<ObservedResource>, ValueError> {
    on_connection(reading, future, "leave to open one more stream")
}

/// `Connection::read_datagram`.
fn datagram(reading: &Reading<'_>, future: Value) -> Result<Option<ObservedResource>, ValueError> {
    on_connection(reading, future, "a datagram")
}

/// What comes over a connection, from its driver.
fn on_connection(
    reading: &Reading<'_>,
    handle: Value,
    what: &str,
) -> Result<Option<ObservedResource>, ValueError> {
    let Some(shared) = handle.find_through_pointers(reading.program, SHARED)? else {
        return Ok(None);
    };
    let mut seen = ObservedResource::new(ResourceKind::Mpsc, shared);
    seen.name = Some("QUIC connection".into());
    seen.access = Some(Access::Receive);
    seen.note = Some(what.into());
    // The driver; who waits is told when it goes.
    seen.parties = Some(1);
    Ok(Some(seen))
}

/// `Endpoint::accept`.
fn accept(_: &Reading<'_>, future: Value) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Io, future);
    seen.name = Some("a QUIC connection".into());
    Ok(Some(seen))
}
