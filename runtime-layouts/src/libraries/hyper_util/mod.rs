//! Connections of hyper-util whose protocol is not known yet.
//!
//! Source: `hyper-util/src/server/conn/auto/mod.rs` (0.1.21; the same in 0.1.3).

use crate::knowledge::connection::{Observed, ObservedConnection, some};
use crate::knowledge::{ConnectionType, Library};
use crate::report::{Phase, Protocol, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    connections: &[ConnectionType::polled(
        "hyper_util::server::conn::auto::ReadVersion",
        read_version,
    )],
    ..Library::named("hyper_util")
};

/// `ReadVersion { io, filled, cancelled, … }`: the first bytes tell which HTTP it is.
fn read_version(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let Some(io) = some(program, value.member(program, "io")?)? else { return Ok(None) };
    let is_cancelled = value.member(program, "cancelled")?.unsigned(program)? != 0;
    let phase = match value.member(program, "filled")?.unsigned(program)? {
        _ if is_cancelled => Phase::Closing,
        0 => Phase::Idle,
        _ => Phase::ReadingHead,
    };
    Ok(Some(Observed::Connection(ObservedConnection {
        io: Some(io),
        ..ObservedConnection::new(Protocol::Http, Some(Role::Server), phase)
    })))
}
