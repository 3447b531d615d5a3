//! Connections to MongoDB, and the pools that lend them.
//!
//! Source: `mongodb/src/cmap.rs`, `mongodb/src/cmap/{conn,conn/pooled,connection_requester,manager}.rs`
//! (3.9.1). Who needs a connection asks the task of the pool, `ConnectionPoolWorker::execute`, for it,
//! which answers at once unless all are out. How many there may be only that task has.

use crate::knowledge::connection::{Observed, ObservedConnection};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{ConnectionType, GuardType, Library};
use crate::knowledge::{ObservedResource, Reading, ResourceType};
use crate::report::{Access, Phase, Protocol, ResourceKind, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[ConnectionType::used(CONNECTION, connection)],
    resources: &[ResourceType::around("mongodb::cmap::ConnectionPool", pool)],
    // One that lies in the pool has no way back to it.
    guards: &[GuardType::lock(
        "mongodb::cmap::conn::pooled::PooledConnection",
        ResourceKind::Pool,
        Access::Exclusive,
        MANAGED,
    )],
    ..Library::named("mongodb")
};

const CONNECTION: &str = "mongodb::cmap::conn::Connection";
/// What a pool and the connections that it lent share: where those go back to.
const MANAGED: &str = "tokio::sync::mpsc::chan::Chan<mongodb::cmap::manager::PoolManagementRequest, \
                       tokio::sync::mpsc::unbounded::Semaphore>";

const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        what: "connections to MongoDB",
        kind: Kind::Type,
        spellings: &[with(newest(CONNECTION, "3.9.1"), &["stream", "command_executing"])],
        source: "mongodb/src/cmap/conn.rs",
        optional: true,
        instead: None,
    },
    Expectation {
        what: "pools of connections to MongoDB",
        kind: Kind::Type,
        spellings: &[with(
            newest("mongodb::cmap::ConnectionPool", "3.9.1"),
            &["manager", "connection_requester"],
        )],
        source: "mongodb/src/cmap.rs",
        optional: true,
        instead: None,
    },
];

/// `Connection { stream, command_executing, … }`.
fn connection(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let is_asked = value.member(program, "command_executing")?.unsigned(program)? != 0;
    let phase = if is_asked { Phase::Awaiting } else { Phase::Idle };
    Ok(Some(Observed::Connection(ObservedConnection {
        io: Some(value.member(program, "stream")?),
        ..ObservedConnection::new(Protocol::MongoDb, Some(Role::Client), phase)
    })))
}

/// `ConnectionPool::check_out`, while the pool has not answered.
fn pool(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    // A connection that is being made is waited for by its task.
    let is_asked = reading.inside.is_none_or(|inside| inside.kind == ResourceKind::Oneshot);
    let manager = value.member(program, "manager")?.find_through_pointers(program, MANAGED)?;
    let Some(managed) = manager.filter(|_| is_asked) else { return Ok(None) };
    let mut seen = ObservedResource::new(ResourceKind::Pool, managed);
    seen.name = Some("Pool<Connection>".into());
    seen.is_taken = reading.inside.map(|_| true);
    // It may be that more are made or given back than were found.
    seen.is_reachable = true;
    Ok(Some(seen))
}
