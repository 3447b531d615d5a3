//! Pipes in memory: `tokio::io::duplex` and `tokio::io::simplex`.
//!
//! Each of the two streams of a `duplex` reads from one pipe and writes to the other. A `simplex` is
//! one pipe, which its two halves share. Nothing closes that when a half is dropped: who has the other
//! one waits on.
//!
//! Source: `tokio/src/io/util/mem.rs` (tokio 1.54.1; the pipe was called `Pipe` until 1.38), `split.rs`.

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

/// The pipe of a `simplex`, also one with both halves in one.
pub(super) const SIMPLEX: &str = PIPE;
/// What the halves of a `simplex` share.
const HALVES: &str =
    "alloc::sync::ArcInner<tokio::io::split::Inner<tokio::io::util::mem::SimplexStream>>";

/// The half of a `simplex` that reads.
pub(super) const READ_HALF: GuardType = GuardType::end(
    "tokio::io::split::ReadHalf<tokio::io::util::mem::SimplexStream",
    ResourceKind::Pipe,
    Access::Receive,
    PIPE,
);
/// The one that writes.
pub(super) const WRITE_HALF: GuardType = GuardType::end(
    "tokio::io::split::WriteHalf<tokio::io::util::mem::SimplexStream",
    ResourceKind::Pipe,
    Access::Send,
    PIPE,
);

/// `DuplexStream`: bytes from the other end, or room for more of them.
pub(super) fn stream(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let is_own = |wakers: Vec<u64>| wakers.into_iter().any(|waker| reading.is_own(waker));
    let reads = is_own(wakers_of(program, value, "read", "read_waker")?);
    let writes = is_own(wakers_of(program, value, "write", "write_waker")?);
    let Some(side) = Side::of(reading, reads, writes)? else { return Ok(None) };
    let name = if side.access == Access::Send { "write" } else { "read" };
    let Some(pipe) = pipe(program, value, name)? else { return Ok(None) };
    let is_closed = pipe.find_number(program, "is_closed")?.is_some_and(|is| is != 0);
    let mut seen = waited_for(program, pipe, &side, "duplex")?;
    seen.parties = Some(u64::from(!is_closed));
    Ok(Some(seen))
}

/// `SimplexStream`: bytes from the half that writes, or room from the one that reads.
pub(super) fn simplex(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let is_own = |name: &'static str| -> Result<bool, ValueError> {
        let wakers = waker::stored(program, value.member(program, name)?)?;
        Ok(wakers.into_iter().any(|waker| reading.is_own(waker)))
    };
    let side = Side::of(reading, is_own("read_waker")?, is_own("write_waker")?)?;
    let Some(side) = side else { return Ok(None) };
    let mut seen = waited_for(program, value, &side, "simplex")?;
    let halves = reading.leaf.find_through_pointers(program, HALVES)?;
    let size = value.layout(program)?.size;
    let halves = halves.filter(|halves| {
        let end = halves.address.saturating_add(halves.layout(program).map_or(0, |it| it.size));
        halves.address < value.address && value.address.saturating_add(size) <= end
    });
    seen.parties = match halves {
        Some(halves) => halves.find_number(program, "strong")?.and_then(|all| all.checked_sub(1)),
        None => None,
    };
    // Both halves in one: whoever has that reads and writes.
    seen.is_reachable |= seen.parties.is_none();
    Ok(Some(seen))
}

/// The wakers of who reads from one, and of who writes to it.
pub(super) fn simplex_wakers(program: &Program<'_>, pipe: Value) -> Result<Vec<u64>, ValueError> {
    let reads = waker::stored(program, pipe.member(program, "read_waker")?)?;
    Ok([reads, waker::stored(program, pipe.member(program, "write_waker")?)?].concat())
}

/// What a task does with a pipe.
struct Side {
    access: Access,
    /// Whether its waker is in both places, and which one it waits at is not known.
    waits_for_both: bool,
}

impl Side {
    /// By the wakers that are its own; `None` where none is.
    fn of(reading: &Reading<'_>, reads: bool, writes: bool) -> Result<Option<Self>, ValueError> {
        let waits_for_both = reads && writes;
        let leaf = reading.leaf.layout(reading.program)?;
        let leaf_is = |what: &str| leaf.name.starts_with(what);
        let writes = writes && !(reads && leaf_is("tokio::io::util::read"));
        let reads = reads && !(waits_for_both && leaf_is("tokio::io::util::write"));
        let access = match (reads, writes) {
            (_, true) => Access::Send,
            (true, false) => Access::Receive,
            (false, false) => return Ok(None),
        };
        // What both may end is no end of one of them.
        Ok(Some(Self { access, waits_for_both: reads && writes }))
    }
}

/// A pipe that is waited for.
fn waited_for(
    program: &Program<'_>,
    pipe: Value,
    side: &Side,
    name: &'static str,
) -> Result<ObservedResource, ValueError> {
    let queued = match pipe.find_member(program, "buffer")? {
        Some(buffer) => buffer.find_number(program, "len")?,
        None => None,
    };
    let capacity = pipe.find_number(program, "max_buf_size")?;
    let is_closed = pipe.find_number(program, "is_closed")?.is_some_and(|is| is != 0);
    let mut seen = ObservedResource::new(ResourceKind::Pipe, pipe);
    seen.name = Some(name.into());
    seen.access = Some(side.access);
    seen.is_reachable = side.waits_for_both;
    if let Some((queued, capacity)) = queued.zip(capacity) {
        let is_full = queued >= capacity;
        let full = if is_full { "full: " } else { "" };
        let closed = if is_closed { ", closed" } else { "" };
        seen.state = Some(format!("{full}{queued} of {capacity} bytes{closed}"));
        let has_what_it_waits_for = match side.access {
            Access::Send => !is_full,
            _ => queued > 0,
        };
        seen.is_granted = is_closed || has_what_it_waits_for;
    }
    Ok(seen)
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
