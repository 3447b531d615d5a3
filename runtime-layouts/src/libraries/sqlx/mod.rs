//! The pools of sqlx, and its connections to PostgreSQL.
//!
//! Source: `sqlx-core/src/pool/{mod,inner,connection}.rs`, `sqlx-core/src/sync.rs`,
//! `sqlx-postgres/src/connection/{mod,stream}.rs` (0.8.6, 0.9.0).

use crate::knowledge::connection::{Observed, ObservedConnection};
use crate::knowledge::pool::{Lent, lending};
use crate::knowledge::{ConnectionType, GuardType, Library, ResourceType};
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::tokio::sync::semaphore;
use crate::report::{Access, Phase, Protocol, ResourceKind, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[("sqlx_core::pool::connection::", "sqlx::pool::")],
    resources: &[
        ResourceType::around("sqlx_core::pool::inner::PoolInner", pool),
        ResourceType::of("sqlx_core::pool::CloseEvent", closing),
    ],
    guards: GUARDS,
    connections: &[ConnectionType::used("sqlx_postgres::connection::PgConnection", postgres)],
    ..Library::named("sqlx")
};

const GUARDS: &[GuardType] = &[
    GuardType {
        emptied: "live",
        ..GuardType::lock(
            "sqlx_core::pool::connection::PoolConnection",
            ResourceKind::Pool,
            Access::Exclusive,
            INNER,
        )
    },
    // A connection that is made, or on its way back.
    GuardType::lock(
        "sqlx_core::pool::inner::DecrementSizeGuard",
        ResourceKind::Pool,
        Access::Exclusive,
        INNER,
    ),
];

/// What all handles of a pool share.
const INNER: &str = "sqlx_core::pool::inner::PoolInner<";
/// What an event and its listeners share (event-listener 5.4.2).
const EVENT: &str = "event_listener::Inner<";

/// `Pool::acquire`. Its semaphore has a permit for each connection that could be lent. A pool with a
/// parent takes permits of that one too, so how many are out is not known.
fn pool(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let Some(shared) = value.find_through_pointers(program, INNER)? else { return Ok(None) };
    let part = shared.member(program, "semaphore")?;
    let options = shared.member(program, "options")?;
    let most = options.member(program, "max_connections")?.unsigned(program)?;
    let has_parent = options.member(program, "parent_pool")?.is_some(program)?;
    let Some(free) = semaphore::free_in(program, part)? else { return Ok(None) };
    let kept = most.checked_sub(free + semaphore::set_aside(reading)?);
    let out = kept.filter(|_| !has_parent);
    let lent = Lent { out, most, is_exhausted: free == 0 && !has_parent, part: Some(part) };
    lending(reading, shared, &lent)
}

/// `CloseEvent`, with which the maintenance of a pool and all who wait for a connection hear that the
/// pool is closed.
fn closing(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let event = value.find_through_pointers(reading.program, EVENT)?.unwrap_or(value);
    let mut seen = ObservedResource::new(ResourceKind::Cancellation, event);
    seen.name = Some("the closing of a pool".into());
    Ok(Some(seen))
}

/// `PgConnection { inner: PgConnectionInner { stream, pending_ready_for_query_count, … } }`, of which
/// the first version that was looked at has no box around the inner one.
fn postgres(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let inner = match value.member(program, "inner") {
        Ok(inner) => inner.referent(program, 2)?,
        Err(_) => value,
    };
    let owed = inner.member(program, "pending_ready_for_query_count")?.unsigned(program)?;
    let phase = if owed == 0 { Phase::Idle } else { Phase::Awaiting };
    Ok(Some(Observed::Connection(ObservedConnection {
        key: inner.address,
        io: Some(inner.member(program, "stream")?),
        ..ObservedConnection::new(Protocol::Postgres, Some(Role::Client), phase)
    })))
}
