//! The memory of a live process, read by `process_vm_readv`, or through `/proc/PID/mem` where that
//! is refused.

use std::fs::File;
use std::io::{ErrorKind, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use runtime_layouts::memory::cache::PAGE;
use runtime_layouts::memory::{MemoryReader, Page, ReadError, end_of};

/// Reads a process without stopping it: stopping is the front's business.
#[derive(Clone, Debug)]
pub struct LiveMemory(Way);

/// How the bytes come over.
#[derive(Clone, Debug)]
enum Way {
    /// `process_vm_readv`: one call for any length.
    Call(Pid),
    /// `/proc/PID/mem`: for kernels and seccomp filters that do not have the call, such as
    /// Docker's before Linux 4.8.
    File(Arc<File>),
}

/// Why the memory of a process cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LiveError {
    /// `ESRCH`, or a number that cannot be a process.
    #[error("there is no process {pid}")]
    NoSuchProcess {
        /// The process that was asked for.
        pid: u64,
    },
    /// `EPERM`: another user's process, or one that the system guards.
    #[error(
        "not permitted to read the memory of process {pid}: run unhang as the same user or as \
         root, and in a container with `--cap-add SYS_PTRACE`"
    )]
    NotPermitted {
        /// The process that was asked for.
        pid: u64,
    },
    /// Anything else, such as a kernel without `process_vm_readv`.
    #[error("cannot read the memory of process {pid}: {reason}")]
    Other {
        /// The process that was asked for.
        pid: u64,
        /// What the system said.
        reason: &'static str,
    },
}

impl LiveMemory {
    /// The memory of that process, after a try whether it may be read.
    ///
    /// # Errors
    /// When there is no such process or it may not be read.
    pub fn open(pid: u64) -> Result<Self, LiveError> {
        let id = i32::try_from(pid).ok().filter(|id| *id > 0);
        let id = Pid::from_raw(id.ok_or(LiveError::NoSuchProcess { pid })?);
        // The kernel looks for the process and at our rights before it looks at the address. An
        // address where nothing is mapped serves as well as any; only an empty read does not.
        let remote = RemoteIoVec { base: 0, len: 1 };
        match process_vm_readv(id, &mut [IoSliceMut::new(&mut [0])], &[remote]) {
            Ok(_) | Err(Errno::EFAULT) => Ok(Self(Way::Call(id))),
            Err(Errno::ESRCH) => Err(LiveError::NoSuchProcess { pid }),
            Err(errno) => Self::open_file(pid).map_err(|_| match errno {
                Errno::EPERM => LiveError::NotPermitted { pid },
                errno => LiveError::Other { pid, reason: errno.desc() },
            }),
        }
    }

    /// The memory of that process through `/proc/PID/mem`.
    ///
    /// # Errors
    /// When there is no such process or it may not be read.
    pub fn open_file(pid: u64) -> Result<Self, LiveError> {
        match File::open(format!("/proc/{pid}/mem")) {
            Ok(file) => Ok(Self(Way::File(Arc::new(file)))),
            Err(error) => Err(match error.kind() {
                ErrorKind::NotFound => LiveError::NoSuchProcess { pid },
                ErrorKind::PermissionDenied => LiveError::NotPermitted { pid },
                _ => LiveError::Other {
                    pid,
                    reason: Errno::from_raw(error.raw_os_error().unwrap_or(0)).desc(),
                },
            }),
        }
    }
}

/// Ranges that one system call takes at most: `UIO_MAXIOV`, `include/uapi/linux/uio.h`.
const MAX_RANGES: usize = 1024;

impl LiveMemory {
    /// Fills `buffer` with the bytes of the ranges, one after the other, in as few system calls as
    /// possible. Returns how many of them could be read, whole and from the first one on; what
    /// follows those in the buffer is of no use.
    ///
    /// The buffer must be as long as the ranges together.
    #[must_use]
    pub fn read_ranges(&self, ranges: &[Range<u64>], buffer: &mut [u8]) -> usize {
        let mut done = 0;
        let mut rest = buffer;
        for some in ranges.chunks(MAX_RANGES) {
            let read = self.read_some_ranges(some, rest);
            done += read;
            if read < some.len() {
                break;
            }
            let length = some.iter().map(length).fold(0, usize::saturating_add);
            rest = rest.split_at_mut(length.min(rest.len())).1;
        }
        done
    }

    fn read_some_ranges(&self, ranges: &[Range<u64>], buffer: &mut [u8]) -> usize {
        let mut read = match &self.0 {
            Way::Call(pid) => {
                let remote: Vec<RemoteIoVec> = ranges
                    .iter()
                    .map(|range| RemoteIoVec { base: range.start as usize, len: length(range) })
                    .collect();
                // It stops before the first range that it cannot read whole.
                process_vm_readv(*pid, &mut [IoSliceMut::new(buffer)], &remote).unwrap_or(0)
            }
            Way::File(file) => {
                let mut read = 0_usize;
                for range in ranges {
                    let end = read.saturating_add(length(range));
                    let Some(part) = buffer.get_mut(read..end) else { break };
                    if file.read_exact_at(part, range.start).is_err() {
                        break;
                    }
                    read += part.len();
                }
                read
            }
        };
        ranges
            .iter()
            .take_while(|range| {
                let whole = read >= length(range);
                read = read.saturating_sub(length(range));
                whole
            })
            .count()
    }
}

fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX)
}

impl MemoryReader for LiveMemory {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let error = ReadError { address, length: buffer.len() };
        end_of(address, buffer.len()).ok_or(error)?;
        match &self.0 {
            Way::Call(pid) => read_by_call(*pid, address, buffer).ok_or(error),
            Way::File(file) => file.read_exact_at(buffer, address).map_err(|_| error),
        }
    }

    fn read_ahead(&self, address: u64, pages: &mut [&mut Page]) -> Result<(), ReadError> {
        let length = pages.len() * PAGE;
        let error = ReadError { address, length };
        end_of(address, length).ok_or(error)?;
        match &self.0 {
            Way::Call(pid) => {
                let base = usize::try_from(address).map_err(|_| error)?;
                let remote = RemoteIoVec { base, len: length };
                let mut local: Vec<_> =
                    pages.iter_mut().map(|page| IoSliceMut::new(&mut page[..])).collect();
                match process_vm_readv(*pid, &mut local, &[remote]) {
                    Ok(read) if read == length => Ok(()),
                    _ => Err(error),
                }
            }
            Way::File(file) => {
                let mut at = address;
                for page in pages {
                    file.read_exact_at(&mut page[..], at).map_err(|_| error)?;
                    // Wraps only after the last page of the address space.
                    at = at.wrapping_add(PAGE as u64);
                }
                Ok(())
            }
        }
    }
}

fn read_by_call(pid: Pid, address: u64, buffer: &mut [u8]) -> Option<()> {
    let mut done = 0;
    while done < buffer.len() {
        let base = usize::try_from(address.checked_add(done as u64)?).ok()?;
        let remote = RemoteIoVec { base, len: buffer.len() - done };
        let local = &mut [IoSliceMut::new(&mut buffer[done..])];
        // A read stops short before a page that is not mapped, and after 2 GiB.
        match process_vm_readv(pid, local, &[remote]) {
            Ok(0) | Err(_) => return None,
            Ok(length) => done += length,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> LiveMemory {
        LiveMemory::open(u64::from(std::process::id())).expect("a process may read itself")
    }

    fn own_file() -> LiveMemory {
        LiveMemory::open_file(u64::from(std::process::id())).expect("a process may read itself")
    }

    #[test]
    fn reads_what_is_there() {
        let there: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8).collect();
        for own in [own(), own_file()] {
            let mut copy = vec![0; there.len()];
            own.read(there.as_ptr() as u64, &mut copy).expect("mapped");
            assert_eq!(copy, there);
            assert_eq!(own.read(1, &mut []), Ok(()));
        }
    }

    #[test]
    fn reads_pages_in_a_row() {
        let there: Vec<u8> = (0..5 * PAGE).map(|i| (i % 251) as u8).collect();
        let last = u64::MAX - (PAGE as u64 - 1);
        for own in [own(), own_file()] {
            let (mut first, mut second) = ([0; PAGE], [0; PAGE]);
            assert!(own.read_ahead(last, &mut [&mut first]).is_err());
            assert!(own.read_ahead(last, &mut [&mut first, &mut second]).is_err());
            let mut pages = [&mut first, &mut second];
            own.read_ahead(there.as_ptr() as u64, &mut pages).expect("mapped");
            assert_eq!([first, second].concat(), there[..2 * PAGE]);
            assert!(own.read_ahead(0, &mut [&mut first]).is_err());
        }
    }

    #[test]
    fn reads_many_ranges_up_to_the_first_that_is_not_there() {
        let there: Vec<u8> = (0..30_000u32).map(|i| (i % 251) as u8).collect();
        let start = there.as_ptr() as u64;
        let mut ranges: Vec<Range<u64>> =
            (0..1500).map(|i| start + i * 20..start + i * 20 + 10).collect();
        let expected: Vec<u8> = there.chunks(20).flat_map(|part| &part[..10]).copied().collect();
        for own in [own(), own_file()] {
            let mut buffer = vec![0; 15_000];
            assert_eq!(own.read_ranges(&ranges, &mut buffer), 1500);
            assert_eq!(buffer, expected);
            ranges[1200] = 0..10;
            let mut buffer = vec![0; 15_000];
            assert_eq!(own.read_ranges(&ranges, &mut buffer), 1200);
            assert_eq!(buffer[..12_000], expected[..12_000]);
            ranges[1200] = start + 24_000..start + 24_010;
        }
        assert_eq!(own().read_ranges(&[], &mut []), 0);
    }

    #[test]
    fn refuses_what_is_not() {
        let mut buffer = [0; 8];
        for address in [0, 8, u64::MAX - 7, u64::MAX] {
            for own in [own(), own_file()] {
                let expected = Err(ReadError { address, length: 8 });
                assert_eq!(own.read(address, &mut buffer), expected, "{address:#x}");
            }
        }
    }

    #[test]
    fn is_all_or_nothing() {
        // The stack and the heap are far apart, with nothing mapped for terabytes in between.
        let there = [7; 16];
        let mut buffer = vec![0; 1 << 30];
        assert!(own().read(there.as_ptr() as u64, &mut buffer).is_err());
    }

    #[test]
    fn says_that_there_is_no_such_process() {
        for pid in [0, 1 << 31, u64::MAX, 0x7fff_fffe] {
            assert_eq!(LiveMemory::open(pid).err(), Some(LiveError::NoSuchProcess { pid }));
        }
    }
}
