//! Streams of HTTP/2 that a server answers, each in a task of its own.

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
