//! Connections to Redis that many share, by the task that drives one.
//!
//! Source: `redis/src/aio/multiplexed_connection.rs` (0.27.6).

use crate::knowledge::connection::{Observed, ObservedConnection};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{ConnectionType, Library};
use crate::report::{Phase, Protocol, Role};
use crate::value::vec_deque::VecDequeElements;
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[ConnectionType::polled(
        "redis::aio::multiplexed_connection::PipelineSink",
        pipeline,
    )],
    ..Library::named("redis")
};

const EXPECTATIONS: &[Expectation] = &[Expectation {
    what: "connections to Redis",
    kind: Kind::Type,
    spellings: &[with(
        newest("redis::aio::multiplexed_connection::PipelineSink<", "0.27.6"),
        &["in_flight", "sink_stream"],
    )],
    source: "redis/src/aio/multiplexed_connection.rs",
    optional: true,
    instead: None,
}];

/// `PipelineSink { sink_stream, in_flight, … }`.
fn pipeline(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let asked = VecDequeElements::of(program, value.member(program, "in_flight")?)?;
    let owed = asked.map(|asked| asked.length);
    let phase = if owed == Some(0) { Phase::Idle } else { Phase::Awaiting };
    Ok(Some(Observed::Connection(ObservedConnection {
        io: Some(value.member(program, "sink_stream")?),
        owed,
        ..ObservedConnection::new(Protocol::Redis, Some(Role::Client), phase)
    })))
}
