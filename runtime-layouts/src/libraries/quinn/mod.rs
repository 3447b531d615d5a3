//! The connections of QUIC, their streams, and the endpoint whose socket they share.
//!
//! Source: `quinn/src/{connection,endpoint,recv_stream,send_stream}.rs` (0.11.12),
//! `quinn-proto/src/connection/{mod,paths,streams/state}.rs` (0.11.19). All handles share what the
//! connection has; its driver takes from the endpoint's driver what comes, and wakes who waits.

mod streams;

use crate::knowledge::connection::{Observed, ObservedConnection, variant};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{BesideType, ConnectionType, GuardType, Library};
use crate::libraries::rust_std::values::socket_address;
use crate::report::{Access, Phase, Protocol, ResourceKind, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[ConnectionType::polled("quinn::connection::ConnectionDriver", connection)],
    resources: streams::RESOURCES,
    // It hands on what its streams wait for.
    guards: &[GuardType::end(
        "quinn::connection::ConnectionDriver",
        ResourceKind::Mpsc,
        Access::Send,
        SHARED,
    )],
    waiting_beside: &[BesideType { path: "quinn::endpoint::EndpointDriver", part: socket }],
    ..Library::named("quinn")
};

/// What a connection and its handles share.
const SHARED: &str = "quinn::connection::ConnectionInner";
/// The part of it behind its lock.
const STATE: &str = "quinn::connection::State";

const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        what: "connections of QUIC",
        kind: Kind::Type,
        spellings: &[with(newest(STATE, "0.11.12"), &["inner", "blocked_readers"])],
        source: "quinn/src/connection.rs",
        optional: true,
        instead: None,
    },
    Expectation {
        what: "what QUIC knows of a connection",
        kind: Kind::Type,
        spellings: &[with(
            newest("quinn_proto::connection::Connection", "0.11.19"),
            &["path", "side", "state", "streams"],
        )],
        source: "quinn-proto/src/connection/mod.rs",
        optional: true,
        instead: None,
    },
];

/// `ConnectionDriver`, which has a handle like all others.
fn connection(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let Some(shared) = value.find_through_pointers(program, SHARED)? else { return Ok(None) };
    let Some(state) = shared.find_inline(program, STATE)? else { return Ok(None) };
    let inner = state.member(program, "inner")?;
    let phase = match &*variant(program, inner.member(program, "state")?)? {
        "Handshake" => Phase::Handshaking,
        "Established" => Phase::Open,
        _ => Phase::Closing,
    };
    let remote = inner.member(program, "path")?.member(program, "remote")?;
    Ok(Some(Observed::Connection(ObservedConnection {
        key: shared.address,
        peer: Some(socket_address(program, remote)?),
        ..ObservedConnection::new(Protocol::Quic, Some(role(program, inner)?), phase)
    })))
}

/// Which end of a connection this is.
fn role(program: &Program<'_>, inner: Value) -> Result<Role, ValueError> {
    Ok(match &*variant(program, inner.member(program, "side")?)? {
        "Server" => Role::Server,
        _ => Role::Client,
    })
}

/// The socket of an endpoint, which its driver reads for all connections.
fn socket(program: &Program<'_>, driver: Value) -> Result<Option<Value>, ValueError> {
    let state = driver.find_through_pointers(program, "quinn::endpoint::State")?;
    let Some(state) = state else { return Ok(None) };
    Ok(state.member(program, "socket")?.shared_object(program))
}
