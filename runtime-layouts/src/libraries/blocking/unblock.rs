//! What has a value on the pool's threads: `Unblock`, and the pipe of memory between it and its closure.
//!
//! Source: `blocking/src/lib.rs` (1.3.0 to 1.7.0): the state of an `Unblock`; `piper/src/lib.rs`
//! (0.2.5): a pipe keeps the waker of who reads and of who writes.

use crate::knowledge::{ObservedResource, Reading, waker};
use crate::libraries::async_executor::join;
use crate::value::{Program, Value, ValueError};

const READER: &str = "piper::Reader";
const WRITER: &str = "piper::Writer";
const PIPE: &str = "piper::Pipe";

/// `Unblock`: the closure that has its value now.
pub(super) fn unblock(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let state = value.member(reading.program, "state")?;
    join::handle(reading, state)
}

/// Whoever waits for what an `Unblock` does: for its closure to end, or for bytes in the pipe.
pub(super) fn wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    let state = value.member(program, "state")?;
    let mut found = Vec::new();
    if let Some(header) = join::header(program, state)? {
        found.extend(waker::stored(program, header.member(program, "awaiter")?)?);
    }
    if let Some(reader) = state.find_inline(program, READER)? {
        found.extend(side(program, reader, "reader")?);
    }
    if let Some(writer) = state.find_inline(program, WRITER)? {
        found.extend(side(program, writer, "writer")?);
    }
    Ok(found)
}

fn side(program: &Program<'_>, end: Value, side: &str) -> Result<Vec<u64>, ValueError> {
    let Some(pipe) = end.find_through_pointers(program, PIPE)? else { return Ok(Vec::new()) };
    waker::stored(program, pipe.member(program, side)?)
}
