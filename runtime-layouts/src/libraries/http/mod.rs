//! Requests of the crate `http`, while what has them keeps them.
//!
//! Source: `http/src/{request,method}.rs`, `uri/{mod,path,scheme}.rs` (1.5.0; the same in 0.2.12).
//! What `Request` has is in its `Parts`. Its type is that of requests that came where its body is
//! one that only servers make.

use std::borrow::Cow;

use crate::knowledge::connection::{Observed, ObservedRequest, variant, visible_text};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{ConnectionType, Library};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[
        ConnectionType::used("http::request::Request", request),
        ConnectionType::used("http::request::Parts", parts),
    ],
    ..Library::named("http")
};

const EXPECTATIONS: &[Expectation] = &[Expectation {
    what: "the head of a request",
    kind: Kind::Type,
    spellings: &[with(newest("http::request::Parts", "0.2.8"), &["method", "uri"])],
    source: "http/src/request.rs",
    optional: true,
    instead: None,
}];

/// The bodies of requests that came, which nobody makes to send them.
const BODIES_THAT_CAME: [&str; 2] = [
    "http::request::Request<hyper::body::incoming::Incoming",
    "http::request::Request<axum_core::",
];

fn request(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let name = &value.layout(program)?.name;
    // Of hyper 0.14 requests of both sorts have this one; what is to be sent says to whom.
    let may_be_sent = name.starts_with("http::request::Request<hyper::body::body::Body");
    let seen = of_parts(program, value.member(program, "head")?)?;
    let came = BODIES_THAT_CAME.iter().any(|body| name.starts_with(body))
        || may_be_sent && !seen.names_server;
    Ok(Some(Observed::Request(ObservedRequest { came, ..seen })))
}

fn parts(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let seen = of_parts(program, value)?;
    Ok(Some(Observed::Request(ObservedRequest { came: !seen.names_server, ..seen })))
}

fn of_parts(program: &Program<'_>, parts: Value) -> Result<ObservedRequest, ValueError> {
    let uri = parts.member(program, "uri")?;
    Ok(ObservedRequest {
        method: method(program, parts.member(program, "method")?)?,
        path: path(program, uri)?,
        names_server: names_server(program, uri)?,
        ..ObservedRequest::default()
    })
}

/// A `Method`; `None` for one that has no name of its own there.
pub(crate) fn method(
    program: &Program<'_>,
    method: Value,
) -> Result<Option<Cow<'static, str>>, ValueError> {
    let name = variant(program, method.member(program, "__0")?)?;
    let is_extension = name.starts_with("Extension");
    Ok((!is_extension).then(|| Cow::Owned(name.to_uppercase())))
}

/// The path of a `Uri`, without its query, which may have secrets in it.
pub(crate) fn path(program: &Program<'_>, uri: Value) -> Result<Option<String>, ValueError> {
    let path = uri.member(program, "path_and_query")?;
    let query = path.member(program, "query")?.unsigned(program)?;
    let bytes = path.member(program, "data")?.member(program, "bytes")?;
    let length = bytes.member(program, "len")?.unsigned(program)?;
    let start = program.read_pointer(bytes.member(program, "ptr")?.address)?;
    let is_none = query == u64::from(u16::MAX);
    let shown = if is_none { length } else { query.min(length) };
    let text = visible_text(program, start, shown)?;
    Ok(text.filter(|text| text.starts_with('/') || text == "*").map(|text| match is_none {
        true => text,
        false => format!("{text}?…"),
    }))
}

fn names_server(program: &Program<'_>, uri: Value) -> Result<bool, ValueError> {
    let scheme = uri.member(program, "scheme")?.find_member(program, "inner")?;
    let Some(scheme) = scheme else { return Ok(false) };
    Ok(variant(program, scheme)? != "None")
}
