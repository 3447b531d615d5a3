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
        ConnectionType::used("http::uri::Uri", uri),
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
        buffer: PathText::of(program, uri)?.line(program).map(|line| line.buffer),
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
    let PathText { start, length, query, .. } = PathText::of(program, uri)?;
    let text = visible_text(program, start, query.unwrap_or(length).min(length))?;
    Ok(text.filter(|text| text.starts_with('/') || text == "*").map(|text| match query {
        None => text,
        Some(_) => format!("{text}?…"),
    }))
}

/// The text of a `Uri` from its path on.
struct PathText {
    start: u64,
    /// In bytes, with the query.
    length: u64,
    /// From the start to the `?`, in bytes; `None` without a query.
    query: Option<u64>,
    /// What counts those who refer to the memory that it is in.
    buffer: u64,
}

/// The first line of a request that came, as it was read.
struct RequestLine {
    method: String,
    buffer: u64,
}

impl PathText {
    fn of(program: &Program<'_>, uri: Value) -> Result<Self, ValueError> {
        let path = uri.member(program, "path_and_query")?;
        let query = path.member(program, "query")?.unsigned(program)?;
        let bytes = path.member(program, "data")?.member(program, "bytes")?;
        Ok(Self {
            start: program.read_pointer(bytes.member(program, "ptr")?.address)?,
            length: bytes.member(program, "len")?.unsigned(program)?,
            query: Some(query).filter(|at| *at != u64::from(u16::MAX)),
            buffer: program.read_pointer(bytes.member(program, "data")?.address)?,
        })
    }

    /// The line that it is in. The `Uri` of a request is a part of what the connection read
    /// (`hyper/src/proto/h1/role.rs`, 1.12); that of any other one has a place of its own.
    fn line(&self, program: &Program<'_>) -> Option<RequestLine> {
        let memory = program.target().memory();
        let (mut before, mut behind) = ([0; LONGEST_METHOD + 1], [0; VERSION.len()]);
        memory.read(self.start.checked_sub(before.len() as u64)?, &mut before).ok()?;
        memory.read(self.start.checked_add(self.length)?, &mut behind).ok()?;
        let [line @ .., b' '] = before.as_slice() else { return None };
        let method = line.rsplit(|byte| !byte.is_ascii_uppercase()).next()?;
        let is_line = behind == VERSION && !method.is_empty();
        let method = String::from_utf8_lossy(method).into_owned();
        is_line.then_some(RequestLine { method, buffer: self.buffer })
    }
}

/// The longest method that is looked for, in bytes.
const LONGEST_METHOD: usize = 16;
/// What follows the path in the first line of a request.
const VERSION: &[u8] = b" HTTP/1.";

/// The `Uri` of a request that came, of which nothing else may be left.
fn uri(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let Some(line) = PathText::of(program, value)?.line(program) else { return Ok(None) };
    Ok(Some(Observed::Request(ObservedRequest {
        method: Some(line.method.into()),
        path: path(program, value)?,
        came: true,
        buffer: Some(line.buffer),
        ..ObservedRequest::default()
    })))
}

fn names_server(program: &Program<'_>, uri: Value) -> Result<bool, ValueError> {
    let scheme = uri.member(program, "scheme")?.find_member(program, "inner")?;
    let Some(scheme) = scheme else { return Ok(false) };
    Ok(variant(program, scheme)? != "None")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeLayouts, FakeMemory, FakeTarget};
    use crate::value::Ty;

    const URI: u64 = 0x1000;
    const TEXT: u64 = 0x2000;

    /// The request whose `Uri` has its path in a text, from one place to another.
    fn request_in(text: &str, path: (u64, u64)) -> Option<ObservedRequest> {
        let mut layouts = FakeLayouts::new();
        let (word, short) = (layouts.integer(8), layouts.integer(2));
        let members = [("ptr", 0, word), ("len", 8, word), ("data", 16, word)];
        let bytes = layouts.structure("bytes::bytes::Bytes", 24, &members);
        let text_type = layouts.structure("http::byte_str::ByteStr", 24, &[("bytes", 0, bytes)]);
        let members = [("data", 0, text_type), ("query", 24, short)];
        let path_type = layouts.structure("http::uri::path::PathAndQuery", 32, &members);
        let uri_type = layouts.structure("http::uri::Uri", 32, &[("path_and_query", 0, path_type)]);
        let mut words: Vec<u8> =
            [TEXT + path.0, path.1 - path.0, 0x5000].map(u64::to_le_bytes).concat();
        words.extend([0xff; 8]);
        let memory = FakeMemory::new().with(URI, words).with(TEXT, text.as_bytes());
        let target = FakeTarget::new(layouts, memory, 0);
        let value = Value { ty: Ty { module: 0, id: uri_type }, address: URI };
        match uri(&Program::new(&target), value).expect("it can be read") {
            Some(Observed::Request(request)) => Some(request),
            _ => None,
        }
    }

    #[test]
    fn the_line_of_a_request_tells_that_it_came() {
        let seen = request_in("0123456789abcdef\nPUT /cat.jpg HTTP/1.1\r\n", (21, 29));
        let seen = seen.expect("a request");
        assert_eq!((seen.method.as_deref(), seen.path.as_deref()), (Some("PUT"), Some("/cat.jpg")));
        assert_eq!((seen.came, seen.buffer), (true, Some(0x5000)));
        assert_eq!(request_in("0123456789abcdef GET /cat.jpg and more", (21, 29)), None);
        assert_eq!(request_in("0123456789abcdef see /cat.jpg HTTP/1.1", (21, 29)), None);
        assert_eq!(request_in("/cat.jpg HTTP/1.1", (0, 8)), None, "nothing is before it");
    }
}
