//! What axum keeps of a request while its handler runs.
//!
//! Source: `axum/src/routing/route.rs` (0.8.9; 0.7.4 keeps no method), `extract/request_parts.rs`.

use crate::knowledge::connection::{Observed, ObservedRequest};
use crate::knowledge::{ConnectionType, Library};
use crate::libraries::http;
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    connections: &[
        ConnectionType::used("axum::routing::route::RouteFuture", route),
        ConnectionType::used("axum::extract::request_parts::OriginalUri", original),
    ],
    ..Library::named("axum")
};

/// `RouteFuture { method, … }`.
fn route(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let Ok(method) = value.member(program, "method") else { return Ok(None) };
    let method = http::method(program, method)?;
    Ok(Some(Observed::Request(ObservedRequest { method, ..ObservedRequest::default() })))
}

/// `OriginalUri(Uri)`.
fn original(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let path = http::path(program, value.member(program, "__0")?)?;
    Ok(Some(Observed::Request(ObservedRequest { path, came: true, ..ObservedRequest::default() })))
}
