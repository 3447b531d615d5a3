//! The connections of HTTP/2.
//!
//! Source: `h2/src/proto/connection.rs`, `proto/streams/{streams,counts,stream,flow_control}.rs`,
//! `proto/go_away.rs`, `codec/framed_write.rs`, `{server,client}.rs` (0.4.20 and 0.3.26).

mod streams;

use crate::knowledge::connection::{Observed, ObservedConnection, variant};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{ConnectionType, GuardType, Library};
use crate::report::{Access, Phase, Protocol, ResourceKind, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[
        ConnectionType::polled("h2::proto::connection::Connection", connection),
        ConnectionType::polled("h2::server::Handshake", handshake),
        ConnectionType::used("h2::client::ResponseFuture", streams::request),
    ],
    resources: streams::RESOURCES,
    // It takes from the socket what its streams wait for.
    guards: &[GuardType::end(
        "h2::proto::connection::Connection",
        ResourceKind::Mpsc,
        Access::Send,
        SHARED,
    )],
    ..Library::named("h2")
};

/// What a connection and its streams share.
const SHARED: &str = "h2::proto::streams::streams::Inner";

/// Slots of streams that are looked at, at most.
const MAX_SLOTS: u64 = 1 << 14;

const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        what: "connections of HTTP/2",
        kind: Kind::Type,
        spellings: &[newest("h2::proto::connection::Connection<", "0.3.26")],
        source: "h2/src/proto/connection.rs",
        optional: true,
        instead: None,
    },
    Expectation {
        what: "what a connection of HTTP/2 and its streams share",
        kind: Kind::Type,
        spellings: &[with(newest(SHARED, "0.3.26"), &["counts", "actions", "store"])],
        source: "h2/src/proto/streams/streams.rs",
        optional: true,
        instead: None,
    },
];

/// What tells a connection from others, from what leads to its streams.
pub(crate) fn key(program: &Program<'_>, value: Value) -> Result<Option<u64>, ValueError> {
    Ok(value.find_through_pointers(program, SHARED)?.map(|shared| shared.address))
}

/// `Connection { codec, inner: ConnectionInner { state, go_away, streams, … } }`.
fn connection(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let inner = value.member(program, "inner")?;
    let streams = inner.member(program, "streams")?;
    let Some(shared) = streams.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let counts = shared.member(program, "counts")?;
    let role = match &*variant(program, counts.member(program, "peer")?)? {
        "Server" => Role::Server,
        _ => Role::Client,
    };
    let number = |name: &str| counts.member(program, name)?.unsigned(program);
    let open = number("num_send_streams")?.saturating_add(number("num_recv_streams")?);
    let is_going = match inner.find_member(program, "going_away")? {
        Some(going) => going.is_some(program)?,
        None => false,
    };
    let phase = match &*variant(program, inner.member(program, "state")?)? {
        "Open" if open > 0 => Phase::Open,
        "Open" if is_going => Phase::Closing,
        "Open" => Phase::Idle,
        _ => Phase::Closing,
    };
    let codec = value.member(program, "codec")?;
    let (stalled, buffered) = stalled(program, shared)?.unzip();
    let encoded = encoded(program, codec).unwrap_or(None);
    Ok(Some(Observed::Connection(ObservedConnection {
        is_last: is_going && open > 0,
        key: shared.address,
        io: Some(codec),
        streams: Some(open),
        stalled,
        unsent: buffered.zip(encoded).map(|(streams, codec)| streams.saturating_add(codec)),
        ..ObservedConnection::new(Protocol::Http2, Some(role), phase)
    })))
}

/// `server::Handshake`: its state is `Done` once it is none any more.
fn handshake(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let state = value.member(program, "state")?;
    if variant(program, state)? == "Done" {
        return Ok(None);
    }
    let role = Some(Role::Server);
    Ok(Some(Observed::Connection(ObservedConnection {
        io: Some(state),
        ..ObservedConnection::new(Protocol::Http2, role, Phase::Handshaking)
    })))
}

/// Bytes in the buffer of the encoder.
fn encoded(program: &Program<'_>, codec: Value) -> Result<Option<u64>, ValueError> {
    let Some(encoder) = codec.find_member(program, "encoder")? else { return Ok(None) };
    let buffer = encoder.member(program, "buf")?;
    let length = buffer.find_number(program, "len")?;
    let sent = buffer.find_number(program, "pos")?;
    Ok(length.zip(sent).map(|(length, sent)| length.saturating_sub(sent)))
}

/// How many streams have something to send and no window for it, and how many bytes all have.
fn stalled(program: &Program<'_>, shared: Value) -> Result<Option<(u64, u64)>, ValueError> {
    let Some(slots) = streams::slots(program, shared)? else { return Ok(None) };
    if slots.count > MAX_SLOTS {
        return Ok(None);
    }
    let (mut stalled, mut sum) = (0, 0_u64);
    for number in 0..slots.count {
        if program.is_interrupted() {
            return Ok(None);
        }
        let address = slots.start.wrapping_add(number.wrapping_mul(slots.size));
        let slot = Value { ty: slots.element, address };
        let Some(stream) = streams::in_slot(program, slot)? else { continue };
        let buffered = stream.member(program, "buffered_send_data")?.unsigned(program)?;
        let available = streams::available(program, stream.member(program, "send_flow")?)?;
        stalled += u64::from(buffered > 0 && available <= 0);
        sum = sum.saturating_add(buffered);
    }
    Ok(Some((stalled, sum)))
}
