//! Locks of files by `flock`: which open files of a process have one, and which other processes. Those of
//! `fcntl` are of parts of files, and keep nobody from these.
//!
//! Source: `proc_locks(5)`, and `lock:` in `proc_pid_fdinfo(5)` (`fs/locks.c`, Linux 6.18).

use std::fs;
use std::os::unix::fs::MetadataExt;

use procfs::process::{FDTarget, Process};
use runtime_layouts::target::host::FileLock;

/// Open files that are looked at, at most.
const MAX_FILES: usize = 4096;

/// Who has a lock of the file that an open file of a process is; `None` where nobody has. Of a process
/// that has it by that open file already, as to read, no other one is told: it may be a copy.
pub(super) fn of(process: &Process, fd: u64) -> Option<FileLock> {
    let pid = process.pid();
    let file = process.fd_from_fd(i32::try_from(fd).ok()?).ok()?;
    let FDTarget::Path(path) = file.target else { return None };
    let inode = inode(pid, fd)?;
    let own = process.fd().ok()?.flatten().take(MAX_FILES).filter_map(|open| {
        let FDTarget::Path(other) = &open.target else { return None };
        let open = u64::try_from(open.fd).ok()?;
        let is_same = *other == path && self::inode(pid, open) == Some(inode);
        (is_same && has_lock(pid, open)).then_some(open)
    });
    let own: Vec<u64> = if has_lock(pid, fd) { Vec::new() } else { own.collect() };
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let others = locks.lines().filter_map(|line| holder(line, inode));
    let others = others.filter(|holder| u64::try_from(pid).ok() != Some(*holder));
    let others = others.filter_map(|holder| {
        let name = Process::new(i32::try_from(holder).ok()?).ok()?.stat().ok()?.comm;
        Some((holder, name))
    });
    let mut others: Vec<(u64, String)> = others.collect();
    others.dedup();
    let lock = FileLock { path: path.display().to_string(), own, others };
    (!lock.own.is_empty() || !lock.others.is_empty()).then_some(lock)
}

/// The inode of an open file.
fn inode(pid: i32, fd: u64) -> Option<u64> {
    Some(fs::metadata(format!("/proc/{pid}/fd/{fd}")).ok()?.ino())
}

/// Whether an open file has a lock.
fn has_lock(pid: i32, fd: u64) -> bool {
    let text = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).unwrap_or_default();
    let locks = text.lines().filter_map(|line| line.strip_prefix("lock:"));
    locks.map(str::trim).any(|lock| lock.contains(" FLOCK "))
}

/// The process that has the lock of a line of `/proc/locks`, where that is of the file with this inode.
/// One that waits for it has `->` there.
fn holder(line: &str, inode: u64) -> Option<u64> {
    let mut words = line.split_ascii_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let pid = words.nth(2)?;
    let (_, of) = words.next()?.rsplit_once(':')?;
    (of.parse() == Ok(inode)).then(|| pid.parse().ok())?
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::*;

    fn number(file: &File) -> u64 {
        u64::try_from(file.as_raw_fd()).expect("a number")
    }

    #[test]
    fn an_open_file_that_has_the_lock_is_told_from_one_that_wants_it() {
        let path = std::env::temp_dir().join(format!("unhang-lock-{}", std::process::id()));
        let open = || File::create(&path).expect("a file");
        let (first, second) = (open(), open());
        let own = Process::myself().expect("this process");
        assert_eq!(of(&own, number(&second)), None, "nobody has it");
        first.lock().expect("it is free");
        let lock = of(&own, number(&second)).expect("the first file has it");
        assert_eq!((lock.own, lock.others), (vec![number(&first)], vec![]));
        assert_eq!(lock.path, path.display().to_string());
        assert_eq!(of(&own, number(&first)), None, "it has it itself");
        fs::remove_file(path).expect("it is there");
    }

    #[test]
    fn who_waits_for_a_lock_does_not_have_it() {
        let has = |line| holder(line, 1573);
        assert_eq!(has("1: FLOCK  ADVISORY  WRITE 5870 fe:00:1573 0 EOF"), Some(5870));
        assert_eq!(has("1: -> FLOCK  ADVISORY  WRITE 5871 fe:00:1573 0 EOF"), None);
        assert_eq!(has("2: FLOCK  ADVISORY  WRITE 5870 fe:00:1574 0 EOF"), None);
        assert_eq!(has("3: POSIX  ADVISORY  WRITE 5870 fe:00:1573 0 EOF"), None, "another sort");
        assert_eq!(has(""), None);
    }
}
