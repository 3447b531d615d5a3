//! Connections to PostgreSQL, by the task that drives one.
//!
//! Source: `tokio-postgres/src/connection.rs`, `client.rs` (0.7.18; 0.7.2 has the same). Who asks waits
//! with a channel of futures', whose sender is in `responses`: those who get answers next come first.

use crate::knowledge::connection::{Observed, ObservedConnection, variant};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{ConnectionType, Library};
use crate::report::{Phase, Protocol, Role};
use crate::value::vec_deque::VecDequeElements;
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[ConnectionType::polled("tokio_postgres::connection::Connection", connection)],
    ..Library::named("tokio-postgres")
};

const EXPECTATIONS: &[Expectation] = &[Expectation {
    what: "connections to PostgreSQL",
    kind: Kind::Type,
    spellings: &[with(
        newest("tokio_postgres::connection::Connection<", "0.7.18"),
        &["pending_request", "responses", "state", "stream"],
    )],
    source: "tokio-postgres/src/connection.rs",
    optional: true,
    instead: None,
}];

/// `Connection { stream, pending_request, responses, state, … }`.
fn connection(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let asked = VecDequeElements::of(program, value.member(program, "responses")?)?;
    let owed = asked.map(|asked| asked.length);
    let is_sending = value.member(program, "pending_request")?.is_some(program)?;
    let phase = match &*variant(program, value.member(program, "state")?)? {
        "Active" if is_sending => Phase::Sending,
        "Active" if owed == Some(0) => Phase::Idle,
        "Active" => Phase::Awaiting,
        _ => Phase::Closing,
    };
    Ok(Some(Observed::Connection(ObservedConnection {
        io: Some(value.member(program, "stream")?),
        owed,
        ..ObservedConnection::new(Protocol::Postgres, Some(Role::Client), phase)
    })))
}
