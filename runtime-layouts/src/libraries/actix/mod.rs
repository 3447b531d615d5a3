//! The connections of actix, and requests while their handlers run.
//!
//! Source: `actix-http/src/h1/dispatcher.rs`, `requests/head.rs` (3.20.0), `actix-web/src/request.rs`
//! (4.18.1); `actix-http/src/body/message_body.rs`; `actix-server/src/signals.rs` (2.10.0).

mod actors;
mod payload;

use crate::knowledge::connection::{Observed, ObservedConnection, ObservedRequest, some, variant};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{
    BesideType, ConnectionType, Library, ObservedResource, Reading, ResourceType, StreamingTrait,
};
use crate::libraries::http;
use crate::libraries::rust_std::values::socket_address;
use crate::report::{Phase, Protocol, ResourceKind, Role};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[
        ConnectionType::polled("actix_http::h1::dispatcher::InnerDispatcher", dispatcher),
        ConnectionType::used("actix_web::request::HttpRequest", request),
    ],
    resources: &[
        payload::BODY,
        actors::MAILBOX,
        ResourceType::of("actix_server::signals::OsSignals", signals),
    ],
    guards: &[payload::SENDER, payload::RECEIVER, actors::ADDRESS, actors::MAILBOX_END],
    collections: &[actors::COLLECTIONS],
    sending: &["awc::"],
    waiting_beside: &[BesideType {
        path: "actix_http::h1::dispatcher::Dispatcher",
        part: beside_body,
    }],
    streaming: &[
        StreamingTrait {
            path: "actix_http::body::message_body::MessageBody",
            // Its size stands first.
            polls: &[],
            keeps_its_own: false,
        },
        actors::FUTURES,
    ],
    ..Library::named("actix")
};

const INNER: &str = "actix_http::h1::dispatcher::InnerDispatcher<";
const HEAD: &str = "actix_http::requests::head::RequestHead";

const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        what: "connections of actix",
        kind: Kind::Type,
        spellings: &[with(
            newest("actix_http::h1::dispatcher::InnerDispatcher<", "3.20.0"),
            &["flags", "io", "payload", "peer_addr", "read_buf", "state", "write_buf"],
        )],
        source: "actix-http/src/h1/dispatcher.rs",
        optional: true,
        instead: None,
    },
    Expectation {
        what: "the head of a request of actix",
        kind: Kind::Type,
        spellings: &[with(newest(HEAD, "3.20.0"), &["method", "uri"])],
        source: "actix-http/src/requests/head.rs",
        optional: true,
        instead: None,
    },
];

/// Bits of `Flags`.
const SHUTDOWN: u64 = 0x08;
const LINGER: u64 = 0x40;
const DRAINING: u64 = 0x80;

fn dispatcher(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let length =
        |name: &str| value.member(program, name)?.member(program, "len")?.unsigned(program);
    let flags = value.member(program, "flags")?.unsigned(program)?;
    let has_payload = value.member(program, "payload")?.is_some(program)?;
    let state = variant(program, value.member(program, "state")?)?;
    let phase = match &*state {
        _ if flags & (SHUTDOWN | LINGER) != 0 => Phase::Closing,
        "ServiceCall" | "ExpectCall" if has_payload => Phase::HandlingBody,
        "ServiceCall" | "ExpectCall" => Phase::Handling,
        "SendPayload" | "SendErrorPayload" => Phase::Answering,
        "None" if has_payload => Phase::Discarding,
        "None" if length("read_buf")? > 0 => Phase::ReadingHead,
        "None" => Phase::Idle,
        _ => return Ok(None),
    };
    let peer = some(program, value.member(program, "peer_addr")?)?;
    let peer = peer.map(|peer| socket_address(program, peer)).transpose()?;
    Ok(Some(Observed::Connection(ObservedConnection {
        is_last: flags & DRAINING != 0 && phase.has_request(),
        io: some(program, value.member(program, "io")?)?,
        peer,
        unsent: Some(length("write_buf")?),
        ..ObservedConnection::new(Protocol::Http1, Some(Role::Server), phase)
    })))
}

/// The socket under a body that is written, or that is read and not whole.
fn beside_body(program: &Program<'_>, value: Value) -> Result<Option<Value>, ValueError> {
    let Some(inner) = value.find_inline(program, INNER)? else { return Ok(None) };
    let state = variant(program, inner.member(program, "state")?)?;
    let payload = inner.member(program, "payload")?;
    match state.starts_with("Send") || payload::is_wanted(program, payload)? {
        true => some(program, inner.member(program, "io")?),
        false => Ok(None),
    }
}

/// `HttpRequest`, which handlers and middleware keep while they run.
fn request(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let Some(head) = value.find_through_pointers(program, HEAD)? else { return Ok(None) };
    Ok(Some(Observed::Request(ObservedRequest {
        method: http::method(program, head.member(program, "method")?)?,
        path: http::path(program, head.member(program, "uri")?)?,
        came: true,
        ..ObservedRequest::default()
    })))
}

/// The signals that end a server.
fn signals(_: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Signal, value);
    seen.name = Some("a signal".into());
    Ok(Some(seen))
}
