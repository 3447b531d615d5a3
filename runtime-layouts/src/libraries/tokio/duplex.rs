//! Pipes in memory: `tokio::io::duplex`.
//!
//! Each of the two streams reads from one pipe and writes to the other.
//!
//! Source: `tokio/src/io/util/mem.rs` (tokio 1.54.1; the pipe was called `Pipe` until 1.38).

use crate::knowledge::{GuardType, ObservedResource, Reading, waker};
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

/// One end of both pipes.
pub(super) const STREAM: &str = "tokio::io::util::mem::DuplexStream";
const PIPE: &str = "tokio::io::util::mem::SimplexStream";
const OLD_PIPES: &[&str] = &["tokio::io::util::mem::Pipe"];

/// What a stream keeps: the end of one pipe that reads, and that of the other that writes.
pub(super) const READS: GuardType = GuardType {
    other_keys: OLD_PIPES,
    from: "read",
    besides: Some(&WRITES),
    ..GuardType::end(STREAM, ResourceKind::Pipe, Access::Receive, PIPE)
};
const WRITES: GuardType = GuardType {
    other_keys: OLD_PIPES,
    from: "write",
    ..GuardType::end(STREAM, ResourceKind::Pipe, Access::Send, PIPE)
};

/// `DuplexStream`: bytes from the other end, or room for more of them.
pub(super) fn stream(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let is_own = |wakers: Vec<u64>| wakers.into_iter().any(|waker| reading.is_own(waker));
    let mut reads = is_own(wakers_of(program, value, "read", "read_waker")?);
    let mut writes = is_own(wakers_of(program, value, "write", "write_waker")?);
    let waits_for_both = reads && writes;
    if waits_for_both {
        // One is of another leaf of the same task, or is left over.
        let leaf = reading.leaf.layout(program)?;
        reads = !leaf.name.starts_with("tokio::io::util::write");
        writes = !leaf.name.starts_with("tokio::io::util::read");
    }
    let (side, access) = match (reads, writes) {
        (_, true) => ("write", Access::Send),
        (true, false) => ("read", Access::Receive),
        (false, false) => return Ok(None),
    };
    let Some(pipe) = pipe(program, value, side)? else { return Ok(None) };
    let queued = match pipe.find_member(program, "buffer")? {
        Some(buffer) => buffer.find_number(program, "len")?,
        None => None,
    };
    let capacity = pipe.find_number(program, "max_buf_size")?;
    let is_closed = pipe.find_number(program, "is_closed")?.is_some_and(|is| is != 0);
    let mut seen = ObservedResource::new(ResourceKind::Pipe, pipe);
    seen.name = Some("duplex".into());
    seen.access = Some(access);
    // What both may end is no end of one of them.
    seen.is_reachable = reads && writes;
    seen.parties = Some(u64::from(!is_closed));
    if let Some((queued, capacity)) = queued.zip(capacity) {
        let is_full = queued >= capacity;
        let full = if is_full { "full: " } else { "" };
        let closed = if is_closed { ", closed" } else { "" };
        seen.state = Some(format!("{full}{queued} of {capacity} bytes{closed}"));
        let has_what_it_waits_for = match access {
            Access::Send => !is_full,
            _ => queued > 0,
        };
        seen.is_granted = is_closed || has_what_it_waits_for;
    }
    Ok(Some(seen))
}

/// The wakers of who reads from it, and of who writes to it.
pub(super) fn stream_wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    let reads = wakers_of(program, value, "read", "read_waker")?;
    Ok([reads, wakers_of(program, value, "write", "write_waker")?].concat())
}

/// The waker that a stream left in one of its pipes.
fn wakers_of(
    program: &Program<'_>,
    stream: Value,
    side: &str,
    waker: &'static str,
) -> Result<Vec<u64>, ValueError> {
    let Some(pipe) = pipe(program, stream, side)? else { return Ok(Vec::new()) };
    match pipe.find_member(program, waker)? {
        Some(waker) => waker::stored(program, waker),
        None => Ok(Vec::new()),
    }
}

/// The pipe that a stream reads from, or that it writes to.
fn pipe(program: &Program<'_>, stream: Value, side: &str) -> Result<Option<Value>, ValueError> {
    let end = stream.member(program, side)?;
    for name in std::iter::once(PIPE).chain(OLD_PIPES.iter().copied()) {
        if let Some(pipe) = end.find_through_pointers(program, name)? {
            return Ok(Some(pipe));
        }
    }
    Ok(None)
}
