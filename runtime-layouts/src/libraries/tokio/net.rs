//! Waits for sockets, pipes and signals.
//!
//! Source: `tokio/src/net/{tcp,unix}/*.rs`, `net/udp.rs`, `runtime/io/scheduled_io.rs`,
//! `io/interest.rs`, `signal/unix.rs` (tokio 1.54.1).

use super::expected::{INTEREST, SCHEDULED_IO};
use crate::knowledge::waker;
use crate::knowledge::{ObservedResource, Reading};
use crate::libraries::rust_std;
use crate::report::{Access, ResourceKind};
use crate::value::{Program, Value, ValueError};

const OWNED_FD: &str = rust_std::expected::OWNED_FD.newest();

/// Bits of an `Interest`.
const READABLE: u64 = 0b01;
const WRITABLE: u64 = 0b10;

/// `TcpListener`, `UnixListener`: the next connection.
pub(super) fn listener(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    // Nothing else can be asked of it.
    Ok(Some(ObservedResource { access: None, ..descriptor(reading, value, "a connection")? }))
}

/// `TcpStream`, `UdpSocket` and others: to be readable or writable.
pub(super) fn socket(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    descriptor(reading, value, "a socket").map(Some)
}

/// An end of a pipe.
pub(super) fn pipe(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    descriptor(reading, value, "a pipe").map(Some)
}

/// What none of these is around.
pub(super) fn file_descriptor(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    descriptor(reading, value, rust_std::descriptors::ANY).map(Some)
}

/// `signal::unix::Signal`.
pub(super) fn signal(
    _: &Reading<'_>,
    value: Value,
) -> Result<Option<ObservedResource>, ValueError> {
    let name = Some("a signal".to_string());
    Ok(Some(ObservedResource {
        name: name.map(Into::into),
        ..ObservedResource::new(ResourceKind::Signal, value)
    }))
}

/// The wakers of who polls a socket to read, and to write.
pub(super) fn socket_wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    Ok([side_wakers(program, value, "reader")?, side_wakers(program, value, "writer")?].concat())
}

fn side_wakers(
    program: &Program<'_>,
    value: Value,
    side: &'static str,
) -> Result<Vec<u64>, ValueError> {
    let mut found = SCHEDULED_IO
        .names()
        .filter_map(|spelling| value.find_through_pointers(program, spelling).transpose());
    let Some(io) = found.next().transpose()? else { return Ok(Vec::new()) };
    match io.find_member(program, side)? {
        Some(waker) => waker::stored(program, waker),
        None => Ok(Vec::new()),
    }
}

fn descriptor(
    reading: &Reading<'_>,
    value: Value,
    what: &str,
) -> Result<ObservedResource, ValueError> {
    let program = reading.program;
    let fd = value.find_inline(program, OWNED_FD)?;
    let fd = fd.map(|fd| fd.unsigned(program)).transpose()?;
    let mut seen = rust_std::descriptors::observed(program, value, fd, what);
    // Memory on the way to the answer may be torn; what is waited for is known all the same.
    seen.access = side(reading, value).ok().flatten();
    Ok(seen)
}

/// To read or to write, as the waiter in the leaf says, or the waker that the socket keeps; `None`
/// for both, or when neither says it.
fn side(reading: &Reading<'_>, value: Value) -> Result<Option<Access>, ValueError> {
    let program = reading.program;
    let mut interests = INTEREST
        .names()
        .filter_map(|spelling| reading.leaf.find_inline(program, spelling).transpose());
    let (reads, writes) = match interests.next().transpose()? {
        Some(interest) => {
            let interest = interest.unsigned(program)?;
            (interest & READABLE != 0, interest & WRITABLE != 0)
        }
        None => {
            let is_own = |side: &'static str| {
                let wakers = side_wakers(program, value, side)?;
                Ok::<_, ValueError>(wakers.into_iter().any(|waker| reading.is_own(waker)))
            };
            (is_own("reader")?, is_own("writer")?)
        }
    };
    Ok(match (reads, writes) {
        (true, false) => Some(Access::Receive),
        (false, true) => Some(Access::Send),
        _ => None,
    })
}
