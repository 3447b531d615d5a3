//! Open files of the process: what the system tells of one.

use crate::knowledge::blocking::BlockedThread;
use crate::knowledge::{ObservedResource, OfSystem};
use crate::report::{Access, ResourceKind};
use crate::target::host::{Descriptor, FileLock};
use crate::value::{Program, Value};

/// An open file whose type does not say what it is.
pub(crate) const ANY: &str = "a file descriptor";
/// What the file of number 0 is: `stdin(3)`.
const STANDARD_INPUT: &str = "standard input";

/// What a value waits for that has the open file of that number: which it is, with its addresses, and
/// how it stands.
pub(crate) fn observed(
    program: &Program<'_>,
    value: Value,
    fd: Option<u64>,
    what: &str,
) -> ObservedResource {
    let host = program.target().host();
    let known = fd.and_then(|fd| host?.descriptor(fd));
    named(ObservedResource::new(ResourceKind::Io, value), fd, known, what)
}

/// What a thread waits for that locks an open file by `flock`: `None` where nobody is known to have it
/// locked, and where the call does not wait.
pub(crate) fn flocked_file(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    // `LOCK_NB` (`flock(2)`).
    const NONBLOCKING: u64 = 4;
    blocked.operation.filter(|operation| operation & NONBLOCKING == 0)?;
    let fd = open_file(blocked)?;
    let FileLock { path, own, others } = blocked.program.target().host()?.file_lock(fd)?;
    let mut name = format!("the lock of {path} (fd {fd})");
    if own.is_empty() {
        let of = |(pid, name): &(u64, String)| format!("process {pid} (`{name}`)");
        let others: Vec<String> = others.iter().map(of).collect();
        name.push_str(&format!(", which {} has", others.join(" and ")));
    }
    Some(ObservedResource {
        key: fd,
        name: Some(name.into()),
        // Of what another process has there is no more to find here.
        is_taken: Some(true).filter(|_| !own.is_empty()),
        of_system: Some(OfSystem::Lock(fd)),
        ..ObservedResource::without_address(ResourceKind::ThreadLock)
    })
}

/// What a thread waits for that is blocked in a call on a socket: `None` where the call does not wait,
/// as those of a runtime on its sockets.
pub(crate) fn socket_to_read(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    let (fd, known) = (open_file(blocked)?, descriptor(blocked));
    // Where the system does not tell, who calls does.
    if !known.as_ref().and_then(|known| known.blocks).unwrap_or(blocked.is_direct) {
        return None;
    }
    Some(named(opened(fd, Access::Receive), Some(fd), known, "a socket"))
}

/// The same of a call that reads any open file: `None` for one that ends by itself, as far as the
/// system tells.
pub(crate) fn file_to_read(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    file(blocked, Access::Receive)
}

/// The same of one that writes.
pub(crate) fn file_to_write(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    file(blocked, Access::Send)
}

/// What a thread waits for in `poll`: `None` where it does not wait for as long as it takes.
pub(crate) fn polled_files(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    const MAX_NAMED: u64 = 4;
    let count = blocked.operation?;
    #[expect(clippy::cast_possible_truncation, reason = "the system looks at no more")]
    let is_without_limit = (blocked.limit? as i32) < 0;
    if !is_without_limit || count == 0 {
        return None;
    }
    if count > 1 {
        let fd = |number| polled_file(blocked, number);
        let named: Vec<String> =
            (0..count.min(MAX_NAMED)).filter_map(fd).map(|fd| fd.to_string()).collect();
        let more = if count > MAX_NAMED { ", …" } else { "" };
        return Some(ObservedResource {
            key: blocked.tid,
            name: Some(format!("one of {count} files (fd {}{more})", named.join(", ")).into()),
            ..ObservedResource::without_address(ResourceKind::Io)
        });
    }
    first_polled_file(blocked)
}

/// `struct pollfd { int fd; short events; short revents; }` (`poll(2)`).
const POLLED_FILE_SIZE: u64 = 8;

/// The number of the file in an entry of those that `poll` was given.
fn polled_file(blocked: &BlockedThread<'_>, entry: u64) -> Option<u64> {
    let at = blocked.word.wrapping_add(entry.wrapping_mul(POLLED_FILE_SIZE));
    u64::try_from(blocked.program.read_unsigned(at, 4).ok()?).ok()
}

/// The first of the files that `poll` was given, as what a thread waits for.
pub(super) fn first_polled_file(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    // `POLLIN`.
    const TO_READ: u128 = 1;
    const EVENTS: u64 = 4;
    let program = blocked.program;
    let fd = polled_file(blocked, 0)?;
    let is_read = program.read_unsigned(blocked.word.wrapping_add(EVENTS), 2).ok()? & TO_READ != 0;
    let known = program.target().host().and_then(|host| host.descriptor(fd));
    let is_socket = known.as_ref().is_some_and(|known| known.ends.is_some());
    let access = if is_read { Access::Receive } else { Access::Send };
    Some(named(opened(fd, access), Some(fd), known, if is_socket { "a socket" } else { ANY }))
}

fn file(blocked: &BlockedThread<'_>, access: Access) -> Option<ObservedResource> {
    let fd = open_file(blocked)?;
    let known = descriptor(blocked)?;
    let is_socket = known.ends.is_some();
    let may_wait = is_socket || matches!(known.kind.as_deref(), Some("pipe" | "terminal"));
    let waits = may_wait && known.blocks == Some(true);
    let what = match (is_socket, fd) {
        (true, _) => "a socket",
        (false, 0) => STANDARD_INPUT,
        (false, _) => ANY,
    };
    waits.then(|| named(opened(fd, access), Some(fd), Some(known), what))
}

/// An open file that a thread reads or writes.
fn opened(fd: u64, access: Access) -> ObservedResource {
    let file = ObservedResource::without_address(ResourceKind::Io);
    ObservedResource { key: fd, access: Some(access), ..file }
}

/// The file that a call is about, by its number.
fn open_file(blocked: &BlockedThread<'_>) -> Option<u64> {
    u64::try_from(i32::try_from(blocked.word).ok()?).ok()
}

fn descriptor(blocked: &BlockedThread<'_>) -> Option<Descriptor> {
    blocked.program.target().host()?.descriptor(open_file(blocked)?)
}

/// Something with the name of an open file, and what the system tells of it.
fn named(
    mut seen: ObservedResource,
    fd: Option<u64>,
    known: Option<Descriptor>,
    what: &str,
) -> ObservedResource {
    let mut name = what.to_string();
    if let Some(place) = known.as_ref().and_then(|known| known.place.as_ref()) {
        name.push_str(&format!(" {place}"));
    }
    // Of others the type says it.
    let is_open = matches!(what, ANY | STANDARD_INPUT);
    let kind = known.as_ref().and_then(|known| known.kind.as_ref()).filter(|_| is_open);
    match (fd, kind) {
        (Some(fd), Some(kind)) => name.push_str(&format!(" (fd {fd}, {kind})")),
        (Some(fd), None) => name.push_str(&format!(" (fd {fd})")),
        (None, _) => {}
    }
    seen.name = Some(name.into());
    seen.of_system = fd.map(OfSystem::File);
    (seen.state, seen.ends) = known.map(|known| (known.state, known.ends)).unwrap_or_default();
    seen
}
