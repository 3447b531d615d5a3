//! TLS of rustls, by its streams for tokio.
//!
//! Source: `tokio-rustls/src/{client,server,common/handshake}.rs` (0.26.6).

use crate::knowledge::connection::{Observed, ObservedConnection, variant};
use crate::knowledge::{ConnectionType, Library};
use crate::report::{Phase, Protocol, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    connections: &[ConnectionType::polled(
        "tokio_rustls::common::handshake::MidHandshake",
        handshake,
    )],
    secure_streams: &["tokio_rustls::client::TlsStream<", "tokio_rustls::server::TlsStream<"],
    ..Library::named("tokio_rustls")
};

/// `MidHandshake::Handshaking`, in a `Connect` or an `Accept`.
fn handshake(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    if variant(program, value)? != "Handshaking" {
        return Ok(None);
    }
    let is_client = value.layout(program)?.name.contains("<tokio_rustls::client::TlsStream<");
    let role = if is_client { Role::Client } else { Role::Server };
    Ok(Some(Observed::Connection(ObservedConnection {
        io: Some(value),
        ..ObservedConnection::new(Protocol::Tls, Some(role), Phase::Handshaking)
    })))
}
