//! WebSockets of tokio-tungstenite and async-tungstenite: which socket one waits for.
//!
//! The socket has no waker of the task, but one of their own, which wakes whoever reads and whoever
//! writes: they may be two tasks with the two halves of a split stream.
//!
//! Source: `tokio-tungstenite/src/compat.rs` (0.20.1 to 0.30.0), `async-tungstenite/src/compat.rs`.

use crate::knowledge::expectation::{Expectation, Kind, newest, with};
use crate::knowledge::{Library, ObservedResource, Reading, ResourceType, waker};
use crate::libraries::rust_std;
use crate::report::Access;
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    expectations: EXPECTATIONS,
    resources: RESOURCES,
    ..Library::named("tokio-tungstenite")
};

const RESOURCES: &[ResourceType] = &[
    stream_of("tokio_tungstenite::compat::AllowStd"),
    stream_of("async_tungstenite::compat::AllowStd"),
];

const fn stream_of(path: &'static str) -> ResourceType {
    ResourceType { wakers: Some(wakers), ..ResourceType::of(path, stream) }
}

const EXPECTATIONS: &[Expectation] = &[Expectation {
    what: "the socket of a WebSocket, and who is woken by it",
    kind: Kind::Type,
    spellings: &[with(
        newest("tokio_tungstenite::compat::AllowStd<", "0.20.1"),
        &["inner", "write_waker_proxy", "read_waker_proxy"],
    )],
    source: "tokio-tungstenite/src/compat.rs",
    optional: true,
    instead: None,
}];

/// By the socket to write to.
const WRITING: &str = "write_waker_proxy";
/// By the socket to read from.
const READING: &str = "read_waker_proxy";
const PROXIES: [&str; 2] =
    ["tokio_tungstenite::compat::WakerProxy", "async_tungstenite::compat::WakerProxy"];
const OWNED_FD: &str = rust_std::expected::OWNED_FD.newest();

/// `AllowStd { inner, write_waker_proxy, read_waker_proxy }`: its socket. Who reads messages has left
/// a waker in `read_waker` of both proxies, who sends them in `write_waker`.
fn stream(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let is_own = |wakers: Vec<u64>| wakers.into_iter().any(|waker| reading.is_own(waker));
    let access = match (
        is_own(woken(program, value, READING, "read_waker")?),
        is_own(woken(program, value, WRITING, "write_waker")?),
    ) {
        (true, false) => Some(Access::Receive),
        (false, true) => Some(Access::Send),
        (true, true) => None,
        (false, false) => return Ok(None),
    };
    let inner = value.member(program, "inner")?;
    let mut streams = std::iter::once(inner).chain(inner.objects(program));
    let socket = streams.find_map(|stream| {
        let inline = stream.find_inline(program, OWNED_FD).ok().flatten();
        inline.or_else(|| stream.find_through_pointers(program, OWNED_FD).ok()?)
    });
    let Some(socket) = socket else { return Ok(None) };
    let fd = socket.unsigned(program)?;
    let seen = rust_std::descriptors::observed(program, socket, Some(fd), "a socket");
    Ok(Some(ObservedResource { access, ..seen }))
}

/// Who is woken when the socket can be read or written.
fn wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    let reads = woken(program, value, READING, "read_waker")?;
    Ok([reads, woken(program, value, WRITING, "write_waker")?].concat())
}

fn woken(
    program: &Program<'_>,
    value: Value,
    proxy: &str,
    slot: &'static str,
) -> Result<Vec<u64>, ValueError> {
    let handle = value.member(program, proxy)?;
    for name in PROXIES {
        if let Some(proxy) = handle.find_through_pointers(program, name)? {
            return waker::stored(program, proxy.member(program, slot)?);
        }
    }
    Ok(Vec::new())
}
