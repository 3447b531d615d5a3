//! The requests of reqwest, which their futures keep until the answer is there.
//!
//! Source: `reqwest/src/async_impl/client.rs` (0.13.5),
//! `url/src/lib.rs` (2.5.8).

use crate::knowledge::connection::{Observed, ObservedRequest, some, visible_text};
use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{ConnectionType, Library};
use crate::libraries::http;
use crate::value::slices::SliceLayout;
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    connections: &[ConnectionType::used(PENDING, request)],
    ..Library::named("reqwest")
};

const PENDING: &str = "reqwest::async_impl::client::PendingRequest";

const EXPECTATIONS: &[Expectation] = &[Expectation {
    what: "requests that were sent",
    kind: Kind::Type,
    spellings: &[with(newest(PENDING, "0.13.5"), &["method", "url"])],
    source: "reqwest/src/async_impl/client.rs",
    optional: true,
    instead: None,
}];

/// `PendingRequest { method, url, … }`.
fn request(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    Ok(Some(Observed::Request(ObservedRequest {
        method: http::method(program, value.member(program, "method")?)?,
        path: path(program, value.member(program, "url")?)?,
        names_server: true,
        is_sent: true,
        ..ObservedRequest::default()
    })))
}

/// The path of a `Url`, without its query, which may have secrets in it.
fn path(program: &Program<'_>, url: Value) -> Result<Option<String>, ValueError> {
    let url = url.referent(program, 2)?;
    let bytes = url.member(program, "serialization")?.member(program, "vec")?;
    let Some(bytes_layout) = SliceLayout::of_vec(program, bytes.ty, bytes.layout(program)?)? else {
        return Ok(None);
    };
    let bytes = bytes_layout.read(program, bytes)?;
    let number = |name: &str| match some(program, url.member(program, name)?)? {
        Some(number) => number.unsigned(program).map(Some),
        None => Ok(None),
    };
    let begin = url.member(program, "path_start")?.unsigned(program)?;
    let (query, fragment) = (number("query_start")?, number("fragment_start")?);
    let end = query.or(fragment).unwrap_or(bytes.count).min(bytes.count);
    let Some(length) = end.checked_sub(begin) else { return Ok(None) };
    let text = visible_text(program, bytes.start.wrapping_add(begin), length)?;
    Ok(text.filter(|text| text.starts_with('/')).map(|text| match query {
        Some(_) => format!("{text}?…"),
        None => text,
    }))
}
