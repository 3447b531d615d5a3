//! The connections of hyper.
//!
//! Source: `hyper/src/proto/h1/{dispatch,conn,io}.rs`, `proto/h2/server.rs` (1.12.0; 1.2.0, 0.14.20 and
//! 0.14.28 have the same in the same places). Its connections of HTTP/2 are h2's.

mod body;
mod http1;
mod http2;

use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{BesideType, ConnectionType, Library};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[
        ConnectionType::polled("hyper::proto::h1::dispatch::Dispatcher", http1::dispatcher),
        ConnectionType::used("hyper::proto::h2::server::H2Stream", http2::stream),
    ],
    waiting_beside: &[
        BesideType { path: "hyper::proto::h1::dispatch::Dispatcher", part: http1::beside_body },
        BesideType { path: "hyper::proto::h2::PipeToSendStream", part: http2::beside_body },
        BesideType { path: "hyper::proto::h2::client::ClientTask", part: http2::beside_end },
    ],
    resources: body::RESOURCES,
    guards: body::GUARDS,
    sending: &["hyper::client::", "hyper_util::client::"],
    ..Library::named("hyper")
};

const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        what: "connections of HTTP/1",
        kind: Kind::Type,
        spellings: &[with(
            newest("hyper::proto::h1::dispatch::Dispatcher<", "0.14.20"),
            &["conn", "dispatch", "is_closing"],
        )],
        source: "hyper/src/proto/h1/dispatch.rs",
        optional: true,
        instead: None,
    },
    Expectation {
        what: "the state of a connection of HTTP/1",
        kind: Kind::Type,
        spellings: &[with(
            newest("hyper::proto::h1::conn::State", "0.14.20"),
            &["keep_alive", "method", "reading", "writing"],
        )],
        source: "hyper/src/proto/h1/conn.rs",
        optional: true,
        instead: None,
    },
    Expectation {
        what: "streams of HTTP/2 that a server answers",
        kind: Kind::Type,
        spellings: &[with(
            newest("hyper::proto::h2::server::H2Stream<", "0.14.20"),
            &["reply", "state"],
        )],
        source: "hyper/src/proto/h2/server.rs",
        optional: true,
        instead: None,
    },
];
