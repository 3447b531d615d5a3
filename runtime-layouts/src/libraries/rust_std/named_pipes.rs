//! Named pipes that a thread opens: the call waits until somebody opens the other end (`fifo(7)`).

use crate::knowledge::ObservedResource;
use crate::knowledge::blocking::BlockedThread;
use crate::report::ResourceKind;

/// `AT_FDCWD`: the first argument of `openat(2)` where the path is the second one, as glibc's `open` has
/// it; of `open(2)` the path is the first.
const AT_FDCWD: i32 = -100;
/// `O_ACCMODE` and `O_WRONLY` of `open(2)`.
const ACCESS: u64 = 0o3;
const WRITES: u64 = 0o1;
/// Longer paths are not read.
const LONGEST: u64 = 4096;

/// The other end of the named pipe that a thread opens; `None` for any other file, and where the system
/// does not tell.
pub(super) fn opened(blocked: &BlockedThread<'_>) -> Option<ObservedResource> {
    #[expect(clippy::cast_possible_truncation, reason = "it is an `int`")]
    let (path, flags) = match blocked.word as i32 == AT_FDCWD {
        true => (blocked.operation?, blocked.limit?),
        false => (blocked.word, blocked.operation?),
    };
    let path = path_at(blocked, path)?;
    if !blocked.program.target().host()?.is_named_pipe(&path)? {
        return None;
    }
    let does = if flags & ACCESS == WRITES { "read" } else { "write" };
    Some(ObservedResource {
        key: blocked.tid,
        name: Some(format!("somebody to open the named pipe {path} to {does}").into()),
        ..ObservedResource::without_address(ResourceKind::Io)
    })
}

/// The text that ends with a zero at an address.
fn path_at(blocked: &BlockedThread<'_>, start: u64) -> Option<String> {
    let byte = |at: u64| {
        let byte = blocked.program.read_unsigned(start.wrapping_add(at), 1).ok()?;
        u8::try_from(byte).ok()
    };
    let mut path = Vec::new();
    for at in 0..LONGEST {
        match byte(at)? {
            0 => return String::from_utf8(path).ok().filter(|path| !path.is_empty()),
            byte => path.push(byte),
        }
    }
    None
}
