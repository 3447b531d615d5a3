//! Waits for sockets, pipes and signals.
//!
//! Source: `tokio/src/net/{tcp,unix}/*.rs`, `net/udp.rs`, `runtime/io/scheduled_io.rs`,
//! `signal/unix.rs` (tokio 1.54.1).

use crate::report::ResourceKind;
use crate::value::{Program, Value, ValueError};
use crate::walk::waits::{Reading, Seen};
use crate::walk::wakers;

const SCHEDULED_IO: &str = "tokio::runtime::io::scheduled_io::ScheduledIo";
const OWNED_FD: &str = crate::expected::OWNED_FD.newest();

/// `TcpListener`, `UnixListener`: the next connection.
pub(super) fn listener(reading: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    named(reading, value, "a connection")
}

/// `TcpStream`, `UdpSocket` and others: to be readable or writable.
pub(super) fn socket(reading: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    named(reading, value, "a socket")
}

/// What none of these is around.
pub(super) fn file_descriptor(
    reading: &Reading<'_>,
    value: Value,
) -> Result<Option<Seen>, ValueError> {
    named(reading, value, "a file descriptor")
}

/// `signal::unix::Signal`.
pub(super) fn signal(_: &Reading<'_>, value: Value) -> Result<Option<Seen>, ValueError> {
    let name = Some("a signal".to_string());
    Ok(Some(Seen { name, ..Seen::new(ResourceKind::Signal, value) }))
}

/// The wakers of who polls a socket to read, and to write.
pub(super) fn socket_wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    let Some(io) = value.behind(program, SCHEDULED_IO)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for side in ["reader", "writer"] {
        if let Some(waker) = io.within(program, side)? {
            found.extend(wakers::stored(program, waker)?);
        }
    }
    Ok(found)
}

fn named(reading: &Reading<'_>, value: Value, what: &str) -> Result<Option<Seen>, ValueError> {
    let fd = value.inside(reading.program, OWNED_FD)?;
    let fd = fd.map(|fd| fd.unsigned(reading.program)).transpose()?;
    let mut seen = Seen::new(ResourceKind::Io, value);
    seen.name = Some(match fd {
        Some(fd) => format!("{what} (fd {fd})"),
        None => what.to_string(),
    });
    Ok(Some(seen))
}
