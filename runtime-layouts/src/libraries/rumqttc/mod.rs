//! Connections of rumqttc, which go on only while their `EventLoop` is polled.
//!
//! Source: `rumqttc/src/{eventloop,state}.rs` (0.24.0), and the same of `v5`.

use crate::knowledge::connection::{Observed, ObservedConnection};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{ConnectionType, Library};
use crate::report::{Phase, Protocol, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[
        ConnectionType::polled("rumqttc::eventloop::EventLoop", event_loop),
        ConnectionType::polled("rumqttc::v5::eventloop::EventLoop", event_loop),
    ],
    ..Library::named("rumqttc")
};

const EXPECTATIONS: &[Expectation] = &[Expectation {
    what: "connections of MQTT",
    kind: Kind::Type,
    spellings: &[with(newest("rumqttc::eventloop::EventLoop", "0.24.0"), &["network", "state"])],
    source: "rumqttc/src/eventloop.rs",
    optional: true,
    instead: None,
}];

/// `EventLoop { state: MqttState { inflight, … }, network, … }`: messages are under way until they
/// are acknowledged.
fn event_loop(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let network = value.member(program, "network")?;
    let state = value.member(program, "state")?;
    let owed = state.member(program, "inflight")?.unsigned(program)?;
    let phase = match network.is_some(program)? {
        false => Phase::Handshaking,
        true if owed == 0 => Phase::Idle,
        true => Phase::Awaiting,
    };
    Ok(Some(Observed::Connection(ObservedConnection {
        io: Some(network),
        owed: Some(owed),
        ..ObservedConnection::new(Protocol::Mqtt, Some(Role::Client), phase)
    })))
}
