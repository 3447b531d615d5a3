//! Connections of HTTP/1, of servers and of clients: both are a `Dispatcher`.

use crate::knowledge::connection::{Observed, ObservedConnection, some, variant};
use crate::layout::TypeKind;
use crate::libraries::http;
use crate::report::{Phase, Protocol, Role};
use crate::value::vec_deque::VecDequeElements;
use crate::value::{Program, Value, ValueError};

/// Bodies that wait to be written and are counted, at most.
const MAX_BUFFERS: u64 = 256;

/// What a `Dispatcher` and its `Conn` say.
struct State {
    reading: String,
    writing: String,
    /// Whether nothing more is read or written.
    is_closing: bool,
    /// Whether the connection ends with the request on it.
    is_last: bool,
    /// Bytes of what comes next that were read.
    has_read: bool,
    /// Whether a handler runs, or a client waits.
    is_busy: bool,
}

/// `Dispatcher { conn, dispatch, is_closing, … }`.
pub(super) fn dispatcher(
    program: &Program<'_>,
    value: Value,
) -> Result<Option<Observed>, ValueError> {
    let (conn, dispatch) = (value.member(program, "conn")?, value.member(program, "dispatch")?);
    let (io, state) = (conn.member(program, "io")?, conn.member(program, "state")?);
    let kind = &dispatch.layout(program)?.name;
    let role = match kind.starts_with("hyper::proto::h1::dispatch::Server<") {
        true => Role::Server,
        false if kind.starts_with("hyper::proto::h1::dispatch::Client<") => Role::Client,
        false => return Ok(None),
    };
    let word = |name: &str| variant(program, state.member(program, name)?);
    let read_buf = io.member(program, "read_buf")?;
    let read = read_buf.member(program, "len")?.unsigned(program)?;
    // Where nobody else refers to it, this is a number, and odd: `bytes/src/bytes_mut.rs`, 1.11.
    let buffer = program.read_pointer(read_buf.member(program, "data")?.address)?;
    let is_busy = match role {
        Role::Server => dispatch.member(program, "in_flight")?.referent(program, 4)?,
        Role::Client => dispatch.member(program, "callback")?,
    };
    let state_now = State {
        reading: word("reading")?,
        writing: word("writing")?,
        is_closing: value.member(program, "is_closing")?.unsigned(program)? != 0,
        is_last: word("keep_alive")? == "Disabled",
        has_read: read > 0,
        is_busy: is_busy.is_some(program)?,
    };
    let phase = match role {
        Role::Server => of_server(&state_now),
        Role::Client => of_client(&state_now),
    };
    let method = match some(program, state.member(program, "method")?)? {
        Some(method) if phase.has_request() => http::method(program, method)?,
        _ => None,
    };
    Ok(Some(Observed::Connection(ObservedConnection {
        is_last: state_now.is_last && phase.has_request(),
        io: Some(io.member(program, "io")?),
        method,
        buffer: Some(buffer).filter(|data| data % 2 == 0),
        unsent: unsent(program, io.member(program, "write_buf")?).unwrap_or(None),
        ..ObservedConnection::new(Protocol::Http1, Some(role), phase)
    })))
}

/// The connection under a body that is written: its socket takes what the body gave, and tells when
/// the peer has gone, which ends the body whatever that waits for. What a handler does while its
/// answer is awaited ends so too, but then nothing was begun that the peer has to take. While the
/// handler waits for the rest of the request, the connection reads that.
pub(super) fn beside_body(
    program: &Program<'_>,
    dispatcher: Value,
) -> Result<Option<Value>, ValueError> {
    let body = dispatcher.member(program, "body_rx")?.referent(program, 4)?;
    match body.is_some(program)? || is_reading(program, dispatcher).unwrap_or(false) {
        true => dispatcher.member(program, "conn").map(Some),
        false => Ok(None),
    }
}

/// Whether there is a sender of what is read: in an `Option`, which since 1.10 is in a
/// `SenderDropGuard`.
fn is_reading(program: &Program<'_>, dispatcher: Value) -> Result<bool, ValueError> {
    let sender = dispatcher.member(program, "body_tx")?;
    match sender.layout(program)?.kind {
        TypeKind::Enum { .. } => sender.is_some(program),
        _ => sender.member(program, "__0")?.is_some(program),
    }
}

fn of_server(state: &State) -> Phase {
    let idle = match (state.has_read, state.is_last) {
        (true, _) => Phase::ReadingHead,
        (false, true) => Phase::Closing,
        (false, false) => Phase::Idle,
    };
    match (&*state.reading, &*state.writing) {
        _ if state.is_closing && !state.is_busy => Phase::Closing,
        ("Init", "Init") => idle,
        (_, "Body") => Phase::Answering,
        ("Body" | "Continue", "Init") => Phase::HandlingBody,
        ("Body" | "Continue", "KeepAlive") => Phase::Discarding,
        (_, "Init") if state.is_busy => Phase::Handling,
        ("KeepAlive", "KeepAlive") => idle,
        _ => Phase::Closing,
    }
}

fn of_client(state: &State) -> Phase {
    match (&*state.reading, &*state.writing) {
        _ if state.is_closing => Phase::Closing,
        ("Init", "Init") | ("KeepAlive", "KeepAlive") if state.is_busy => Phase::Sending,
        ("Init", "Init") | ("KeepAlive", "KeepAlive") => Phase::Idle,
        ("Body" | "Continue", _) => Phase::ReadingAnswer,
        (_, "Body") => Phase::Sending,
        ("Init", _) if state.is_busy => Phase::Awaiting,
        _ => Phase::Closing,
    }
}

/// What is in a `WriteBuf`: heads, and bodies, of which those that are no `Bytes` are not known.
fn unsent(program: &Program<'_>, buffer: Value) -> Result<Option<u64>, ValueError> {
    let heads = buffer.member(program, "headers")?;
    let length = heads.member(program, "bytes")?.member(program, "len")?.unsigned(program)?;
    let sent = heads.member(program, "pos")?.unsigned(program)?;
    let mut sum = length.saturating_sub(sent);
    let queue = buffer.member(program, "queue")?.member(program, "bufs")?;
    let Some(bodies) = VecDequeElements::of(program, queue)? else { return Ok(None) };
    if bodies.length > MAX_BUFFERS {
        return Ok(None);
    }
    for number in 0..bodies.length {
        let body = bodies.get(number).find_inline(program, "bytes::bytes::Bytes")?;
        let Some(body) = body else { return Ok(None) };
        sum = sum.saturating_add(body.member(program, "len")?.unsigned(program)?);
    }
    Ok(Some(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(reading: &str, writing: &str) -> State {
        State {
            reading: reading.to_string(),
            writing: writing.to_string(),
            is_closing: false,
            is_last: false,
            has_read: false,
            is_busy: false,
        }
    }

    #[test]
    fn a_server_tells_what_it_does() {
        let idle = state("Init", "Init");
        assert_eq!(of_server(&idle), Phase::Idle);
        let begun = State { has_read: true, ..state("Init", "Init") };
        assert_eq!(of_server(&begun), Phase::ReadingHead);
        let handled = State { is_busy: true, ..state("KeepAlive", "Init") };
        assert_eq!(of_server(&handled), Phase::Handling);
        let half = State { is_busy: true, ..state("Body", "Init") };
        assert_eq!(of_server(&half), Phase::HandlingBody);
        assert_eq!(of_server(&state("KeepAlive", "Body")), Phase::Answering);
        assert_eq!(of_server(&state("Body", "KeepAlive")), Phase::Discarding);
        assert_eq!(of_server(&state("Closed", "Closed")), Phase::Closing);
        let left = State { is_busy: true, ..state("Closed", "Init") };
        assert_eq!(of_server(&left), Phase::Handling, "the client does not send any more");
        let over = State { is_last: true, ..state("Init", "Init") };
        assert_eq!(of_server(&over), Phase::Closing);
    }

    #[test]
    fn a_client_tells_what_it_does() {
        assert_eq!(of_client(&state("Init", "Init")), Phase::Idle);
        let asked = State { is_busy: true, ..state("Init", "KeepAlive") };
        assert_eq!(of_client(&asked), Phase::Awaiting);
        assert_eq!(of_client(&state("Init", "Body")), Phase::Sending);
        assert_eq!(of_client(&state("Body", "KeepAlive")), Phase::ReadingAnswer);
        assert_eq!(of_client(&state("Closed", "Closed")), Phase::Closing);
    }
}
