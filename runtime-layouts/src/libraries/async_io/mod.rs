//! The timers and sockets of async-io, which smol, async-net, async-std and zbus wait with, and the
//! threads that wait for them on behalf of all.
//!
//! Source: `async-io/src/{lib,reactor,driver}.rs` (1.13.0 and 2.6.0), `async-net/src/{tcp,udp,unix}.rs`
//! (2.0.0), `async-std/src/net/{tcp,udp}/*.rs` (1.13.2), `async-signal/src/lib.rs`
//! (0.2.14), `async-process/src/lib.rs` (2.5.0).

use std::time::Duration;

use crate::knowledge::connection::ObservedBuffer;
use crate::knowledge::deadline::{clock_of_target, distance, instant};
use crate::knowledge::waker;
use crate::knowledge::{ConnectionType, Library, ObservedResource, Reading, ResourceType};
use crate::libraries::rust_std::{self, descriptors};
use crate::report::{Access, Due, ResourceKind, Timer};
use crate::value::{Program, Value, ValueError};

/// What is known of it.
pub(crate) const LIBRARY: Library = Library {
    public_paths: &[
        ("async_io::reactor::", "async_io::"),
        ("async_io::driver::", "async_io::"),
        ("async_net::tcp::", "async_net::"),
        ("async_net::udp::", "async_net::"),
        ("async_std::net::tcp::stream::", "async_std::net::"),
        ("async_std::net::tcp::listener::", "async_std::net::"),
        ("async_std::net::udp::", "async_std::net::"),
        ("async_std::task::block_on::", "async_std::task::"),
        ("async_std::task::sleep::", "async_std::task::"),
        ("async_std::task::join_handle::", "async_std::task::"),
    ],
    // What the driver waits with: `polling/src/epoll.rs` (2.8 and 3.11).
    entering_kernel: &["polling::"],
    resources: RESOURCES,
    connections: &[
        ConnectionType::used("futures_lite::io::BufWriter", ObservedBuffer::writer),
        ConnectionType::used("async_std::io::buf_writer::BufWriter", ObservedBuffer::writer),
        ConnectionType::socket("async_net::tcp::TcpListener"),
        ConnectionType::socket("async_net::tcp::TcpStream"),
        ConnectionType::socket("async_std::net::tcp::listener::TcpListener"),
        ConnectionType::socket("async_std::net::tcp::stream::TcpStream"),
    ],
    ..Library::named("async-io")
};

const fn polled(path: &'static str) -> ResourceType {
    ResourceType { wakers: Some(wakers), ..ResourceType::of(path, socket) }
}

const RESOURCES: &[ResourceType] = &[
    ResourceType::of("async_io::Timer", timer),
    ResourceType::of("async_io::reactor::Ready", ready),
    ResourceType::of("futures_lite::future::Pending", rust_std::never),
    ResourceType::of("async_std::future::pending::Pending", rust_std::never),
    // By what its thread of tokio's goes on (`async-compat/src/lib.rs`, 0.2.6).
    ResourceType::of("async_compat::Pending", rust_std::never),
    polled("async_io::Async"),
    ResourceType { wakers: Some(wakers), ..ResourceType::of("async_signal::Signals", signal) },
    polled("async_net::tcp::TcpStream"),
    polled("async_net::tcp::TcpListener"),
    polled("async_net::udp::UdpSocket"),
    polled("async_net::unix::UnixStream"),
    polled("async_net::unix::UnixListener"),
    polled("async_net::unix::UnixDatagram"),
    polled("async_process::ChildStdin"),
    polled("async_process::ChildStdout"),
    polled("async_process::ChildStderr"),
    polled("async_std::net::tcp::stream::TcpStream"),
    polled("async_std::net::tcp::listener::TcpListener"),
    polled("async_std::net::udp::UdpSocket"),
];

/// A socket or pipe, registered.
const SOURCE: &str = "async_io::reactor::Source";
/// What it keeps of who reads and of who writes.
const DIRECTION: &str = "async_io::reactor::Direction";

/// `Timer`: `after`, `at`, `interval`. One that never goes off has no time.
fn timer(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let mut seen = ObservedResource::new(ResourceKind::Sleep, value);
    let is_some = |name| value.member(program, name)?.is_some(program);
    if matches!(is_some("when"), Ok(false)) {
        // It was taken when it went off, and the waker with it.
        let is_kept = is_some("id_and_waker").unwrap_or(true);
        return Ok((!is_kept).then(|| ObservedResource {
            name: Some("a timer that never goes off".into()),
            ..ObservedResource::new(ResourceKind::Never, value)
        }));
    }
    let is_interval = period(program, value).is_ok_and(|period| period != Some(Duration::MAX));
    seen.name = Some(if is_interval { "the next tick of a timer" } else { "a timer" }.into());
    let when = value.member(program, "when").and_then(|when| instant(program, when));
    let now = program.target().host().and_then(|host| host.monotonic_now());
    let due = match (when.ok().flatten(), now) {
        (Some(when), Some(now)) => distance(when, now),
        _ => Due::Unknown,
    };
    seen.timer = Some(Timer { due, has_fired: None, clock: clock_of_target(program) });
    Ok(Some(seen))
}

/// How long an interval is; of a timer that goes off once the longest there is.
fn period(program: &Program<'_>, value: Value) -> Result<Option<Duration>, ValueError> {
    let period = value.member(program, "period")?;
    let seconds = period.find_number(program, "secs")?;
    let nanoseconds = period.find_number(program, "nanos")?;
    let nanoseconds = nanoseconds.and_then(|part| u32::try_from(part).ok());
    let whole = |(seconds, part): (u64, u32)| (part < 1_000_000_000).then_some((seconds, part));
    let whole = seconds.zip(nanoseconds).and_then(whole);
    Ok(whole.map(|(seconds, part)| Duration::new(seconds, part)))
}

/// `Readable` and `Writable`, and what `read_with` and `write_with` wait with.
fn ready(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let mut seen = descriptor(program, value)?;
    seen.access = match value.find_number(program, "dir")? {
        Some(0) => Some(Access::Receive),
        Some(1) => Some(Access::Send),
        _ => None,
    };
    Ok(Some(seen))
}

/// `Async` and what is around one, polled without a future of its own.
fn socket(reading: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let program = reading.program;
    let mut seen = descriptor(program, value)?;
    let is_own = |side: usize| {
        let wakers = side_wakers(program, value, side)?;
        Ok::<_, ValueError>(wakers.into_iter().any(|waker| reading.is_own(waker)))
    };
    seen.access = match (is_own(0), is_own(1)) {
        (Ok(true), Ok(false)) => Some(Access::Receive),
        (Ok(false), Ok(true)) => Some(Access::Send),
        _ => None,
    };
    Ok(Some(seen))
}

/// `Signals`: it reads from a descriptor what a handler writes.
fn signal(_: &Reading<'_>, value: Value) -> Result<Option<ObservedResource>, ValueError> {
    let mut seen = ObservedResource::new(ResourceKind::Signal, value);
    seen.name = Some("a signal".into());
    Ok(Some(seen))
}

fn descriptor(program: &Program<'_>, value: Value) -> Result<ObservedResource, ValueError> {
    let source = value.find_through_pointers(program, SOURCE)?;
    let fd = match source {
        Some(source) => source.find_number(program, "raw")?,
        None => None,
    };
    let name = &value.layout(program)?.name;
    let what = match () {
        () if name.contains("Listener") => "a connection",
        () if name.contains("TcpStream") || name.contains("Udp") || name.contains("Unix") => {
            "a socket"
        }
        () if name.contains("ChildStd") => "a pipe",
        () => descriptors::ANY,
    };
    let seen = descriptors::observed(program, value, fd, what);
    // The same socket, by whichever of its halves.
    Ok(match source {
        Some(source) => ObservedResource { key: source.address, address: source.address, ..seen },
        None => seen,
    })
}

/// The wakers of who polls a socket to read, and to write.
fn wakers(program: &Program<'_>, value: Value) -> Result<Vec<u64>, ValueError> {
    Ok([side_wakers(program, value, 0)?, side_wakers(program, value, 1)?].concat())
}

/// Of one of the two directions.
fn side_wakers(program: &Program<'_>, value: Value, side: usize) -> Result<Vec<u64>, ValueError> {
    let Some(source) = value.find_through_pointers(program, SOURCE)? else { return Ok(Vec::new()) };
    let state = source.member(program, "state")?;
    let Some(first) = state.find_inline(program, DIRECTION)? else { return Ok(Vec::new()) };
    let size = first.layout(program)?.size;
    let address = first.address.wrapping_add(size.wrapping_mul(side as u64));
    let direction = Value { address, ..first };
    waker::stored(program, direction.member(program, "waker")?)
}
