//! WebSockets of tungstenite, on which tokio-tungstenite and others stand.
//!
//! Source: `tungstenite/src/protocol/{mod,frame/mod}.rs` (0.30.0 and 0.21.0).

use crate::knowledge::connection::{Observed, ObservedConnection, variant};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{ConnectionType, Library};
use crate::report::{Phase, Protocol, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[ConnectionType::used("tungstenite::protocol::WebSocket", web_socket)],
    ..Library::named("tungstenite")
};

const EXPECTATIONS: &[Expectation] = &[Expectation {
    what: "WebSockets",
    kind: Kind::Type,
    spellings: &[with(
        newest("tungstenite::protocol::WebSocket<", "0.21.0"),
        &["socket", "context"],
    )],
    source: "tungstenite/src/protocol/mod.rs",
    optional: true,
    instead: None,
}];

/// `WebSocket { socket, context: WebSocketContext { role, frame, state, … } }`.
fn web_socket(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let context = value.member(program, "context")?;
    let role = match &*variant(program, context.member(program, "role")?)? {
        "Server" => Role::Server,
        _ => Role::Client,
    };
    let phase = match &*variant(program, context.member(program, "state")?)? {
        "Active" => Phase::Open,
        _ => Phase::Closing,
    };
    let unsent = context.find_member(program, "out_buffer")?;
    let unsent = unsent.map(|buffer| buffer.member(program, "len")?.unsigned(program));
    Ok(Some(Observed::Connection(ObservedConnection {
        io: Some(value.member(program, "socket")?),
        unsent: unsent.transpose()?,
        ..ObservedConnection::new(Protocol::WebSocket, Some(role), phase)
    })))
}
