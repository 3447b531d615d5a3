//! Streams of HTTP/2 that a server answers, each in a task of its own, and the tasks of a client.

use crate::knowledge::connection::{Observed, variant};
use crate::libraries::h2;
use crate::report::Phase;
use crate::value::{Program, Value, ValueError};

/// `H2Stream { reply, state: Service { fut } | Body { pipe }, … }`.
pub(super) fn stream(program: &Program<'_>, value: Value) -> Result<Option<Observed>, ValueError> {
    let reply = value.member(program, "reply")?;
    let Some(of) = h2::key(program, reply)? else { return Ok(None) };
    let phase = match &*variant(program, value.member(program, "state")?)? {
        "Service" => Phase::Handling,
        "Body" => Phase::Answering,
        _ => return Ok(None),
    };
    Ok(Some(Observed::Stream { of, phase }))
}

/// `PipeToSendStream { body_tx, stream, … }`: beside what the body waits for, the stream that takes it.
pub(super) fn beside_body(program: &Program<'_>, pipe: Value) -> Result<Option<Value>, ValueError> {
    pipe.member(program, "body_tx").map(Some)
}

/// `ClientTask { req_rx, h2_tx, conn_eof, … }`: beside the end of the connection, the next request.
pub(super) fn beside_end(_: &Program<'_>, client: Value) -> Result<Option<Value>, ValueError> {
    Ok(Some(client))
}
