//! What the servers of tonic are made of, beside hyper's connections.
//!
//! Source: `tonic/src/transport/server/mod.rs` (0.14.9).

use crate::knowledge::Library;

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    // It drops its future when that has ended.
    ended_when_empty: &["tonic::transport::server::Fuse"],
    ..Library::named("tonic")
};
