//! Facts about a process from this system: the time, open files, child processes.

mod descendants;
mod file_locks;
mod last_run;
mod sockets;
mod unix_peers;

use std::collections::HashMap;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::sync::OnceLock;
use std::time::Duration;

use procfs::process::{FDTarget, Process};
use runtime_layouts::target::host::{BlockedProcess, Descriptor, FileLock, Host, Ran, Watched};

use self::descendants::PipeUsers;
use self::last_run::{last_ran, monotonic_now};
use self::sockets::{Socket, of_kind, on, sockets};

/// This system, as far as it concerns one of its processes.
pub struct LocalHost {
    now: Option<Duration>,
    is_stop: bool,
    process: Option<Process>,
    sockets: OnceLock<HashMap<u64, Socket>>,
    pipe_users: OnceLock<PipeUsers>,
    /// What was seen of its threads before it stopped, and since.
    watched: HashMap<u64, Watched>,
}

/// The threads of a process at one moment: what they do, and for how long each was on a processor.
pub(crate) struct ThreadTimes {
    at: Option<Duration>,
    threads: HashMap<u64, (Duration, bool)>,
}

impl LocalHost {
    /// What there is to know of that process now. What the system knows of its files is read when it
    /// is first asked for, so the process should stand still meanwhile.
    #[must_use]
    pub fn of(pid: u64) -> Self {
        let process = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok());
        let (sockets, pipe_users) = (OnceLock::new(), OnceLock::new());
        let (now, watched) = (monotonic_now(), HashMap::new());
        Self { now, is_stop: false, process, sockets, pipe_users, watched }
    }

    /// The same, where the process ran until now and stopped at this moment.
    #[must_use]
    pub fn at_its_stop(mut self) -> Self {
        self.is_stop = true;
        self
    }

    /// The same, where the threads of the process were looked at before.
    pub(crate) fn watched_since(mut self, earlier: &ThreadTimes) -> Self {
        let Some(process) = self.process.as_ref() else { return self };
        let Some(time) = self.now.zip(earlier.at).map(|(now, at)| now.saturating_sub(at)) else {
            return self;
        };
        for (tid, (before, slept)) in &earlier.threads {
            if let Some(total) = time_on_processor(process.pid(), *tid) {
                let ran = total.saturating_sub(*before);
                // A stop lets each thread run for a moment.
                let slept = *slept && ran < AWAKE;
                self.watched.insert(*tid, Watched { time, ran, slept });
            }
        }
        self
    }

    /// The same, where a debugger has stopped the process for the first time, and it ran until then:
    /// now is the moment at which a thread of it last ran, where the system tells.
    #[must_use]
    pub fn at_its_first_stop(mut self) -> Self {
        if let Some(last) = self.process.as_ref().and_then(last_ran) {
            self.now = Some(last);
            self.is_stop = true;
        }
        self
    }
}

/// Source of files and sockets: `proc_pid_fd(5)`, `proc_pid_net(5)`.
impl Host for LocalHost {
    fn monotonic_now(&self) -> Option<Duration> {
        self.now
    }

    fn stopped_at(&self) -> Option<Duration> {
        self.now.filter(|_| self.is_stop)
    }

    fn descriptor(&self, fd: u64) -> Option<Descriptor> {
        let process = self.process.as_ref()?;
        let file = process.fd_from_fd(i32::try_from(fd).ok()?).ok()?;
        let mode = file.mode();
        let found = match file.target {
            FDTarget::Path(path) => {
                Some(Descriptor { kind: waiting_kind(process.pid(), fd), ..on(path.display()) })
            }
            FDTarget::Socket(inode) => {
                self.sockets.get_or_init(|| sockets(process)).get(&inode).map(Socket::describe)
            }
            FDTarget::Pipe(inode) => {
                let users = self.pipe_users.get_or_init(|| descendants::pipe_users(process));
                let state = descendants::pipe_state(users, inode, mode);
                Some(Descriptor { state, ..of_kind("pipe".to_string()) })
            }
            // `[pidfd]`, and since Linux 6.9 a file system of their own.
            FDTarget::AnonInode(name) | FDTarget::Other(name, _) => {
                let name = name.trim_matches(['[', ']']);
                Some(of_kind(match name == "pidfd" {
                    true => format!("pidfd of process {}", process_of(process.pid(), fd)?),
                    false => name.to_string(),
                }))
            }
            _ => None,
        };
        Some(Descriptor { blocks: blocks(process.pid(), fd), ..found? })
    }

    fn is_named_pipe(&self, path: &str) -> Option<bool> {
        let process = format!("/proc/{}", self.process.as_ref()?.pid());
        let place = match path.strip_prefix('/') {
            Some(from_root) => format!("{process}/root/{from_root}"),
            None => format!("{process}/cwd/{path}"),
        };
        std::fs::metadata(place).ok().map(|file| file.file_type().is_fifo())
    }

    fn file_lock(&self, fd: u64) -> Option<FileLock> {
        file_locks::of(self.process.as_ref()?, fd)
    }

    fn ran(&self, tid: u64) -> Option<Ran> {
        let total = time_on_processor(self.process.as_ref()?.pid(), tid)?;
        Some(Ran { total, watched: self.watched.get(&tid).copied() })
    }

    fn child(&self, pid: u64) -> Option<(String, bool)> {
        let parent = self.process.as_ref()?.pid();
        let child = Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?;
        (child.ppid == parent).then_some((child.comm, matches!(child.state, 'Z' | 'X')))
    }

    fn blocked_processes(&self) -> Vec<BlockedProcess> {
        self.process.as_ref().map(descendants::blocked_on_pipes).unwrap_or_default()
    }
}

impl ThreadTimes {
    /// Those of a process now, of its first threads.
    pub(crate) fn of(pid: u64) -> Self {
        let at = monotonic_now();
        let process = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok());
        let threads = process.iter().filter_map(|process| process.tasks().ok()).flatten().flatten();
        let threads = threads.take(MAX_WATCHED).filter_map(|thread| {
            let tid = u64::try_from(thread.tid).ok()?;
            let sleeps = matches!(thread.stat().ok()?.state, 'S' | 'D');
            Some((tid, (time_on_processor(thread.pid, tid)?, sleeps)))
        });
        Self { at, threads: threads.collect() }
    }
}

/// Threads that are watched before a stop, at most: a runtime begins with its workers.
const MAX_WATCHED: usize = 64;
/// A thread that was on a processor for so long did not sleep all the time.
const AWAKE: Duration = Duration::from_millis(2);

/// For how long a thread was on a processor: the first number of `/proc/PID/task/TID/schedstat`, in
/// nanoseconds (`Documentation/scheduler/sched-stats.rst`, Linux 6.18).
fn time_on_processor(pid: i32, tid: u64) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{tid}/schedstat")).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// What an open file with a path is, if reads of it wait for somebody: a named pipe or a terminal.
/// Source: `Documentation/admin-guide/devices.txt`, Linux 6.18.
fn waiting_kind(pid: i32, fd: u64) -> Option<String> {
    // `/dev/tty1` and serial lines, `/dev/tty`, `/dev/pts/0`.
    const TERMINALS: [u64; 2] = [4, 5];
    const PSEUDO_TERMINALS: std::ops::RangeInclusive<u64> = 136..=143;
    let file = std::fs::metadata(format!("/proc/{pid}/fd/{fd}")).ok()?;
    let major = nix::sys::stat::major(file.rdev());
    let is_terminal = TERMINALS.contains(&major) || PSEUDO_TERMINALS.contains(&major);
    match file.file_type() {
        kind if kind.is_fifo() => Some("pipe".to_string()),
        kind if kind.is_char_device() && is_terminal => Some("terminal".to_string()),
        _ => None,
    }
}

/// Whether calls on an open file wait for it: `O_NONBLOCK` among its flags, which are octal
/// (`proc_pid_fdinfo(5)`; `include/uapi/asm-generic/fcntl.h`, Linux 6.18).
fn blocks(pid: i32, fd: u64) -> Option<bool> {
    const NONBLOCKING: u32 = 0o4000;
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
    u32::from_str_radix(flags, 8).ok().map(|flags| flags & NONBLOCKING == 0)
}

/// The process that a pidfd is of, by its number in this process's own namespace: `pidfd_open(2)`.
fn process_of(pid: i32, fd: u64) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    fn own() -> LocalHost {
        LocalHost::of(std::process::id().into())
    }

    fn described(file: &impl AsRawFd) -> Option<Descriptor> {
        own().descriptor(u64::try_from(file.as_raw_fd()).expect("it is open"))
    }

    #[test]
    fn the_clock_goes_on() {
        let first = own().monotonic_now().expect("a clock");
        assert!(own().monotonic_now().expect("a clock") >= first);
    }

    #[test]
    fn names_where_files_lead() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let on = |place: &dyn std::fmt::Display| Descriptor { blocks: Some(true), ..on(place) };
        let listens = Some((address.to_string(), 0));
        assert_eq!(described(&listener), Some(Descriptor { listens, ..on(&address) }));
        listener.set_nonblocking(true).expect("a flag");
        assert_eq!(described(&listener).expect("a socket").blocks, Some(false));
        listener.set_nonblocking(false).expect("a flag");
        let client = TcpStream::connect(address).expect("a connection");
        let local = client.local_addr().expect("its address");
        let place = Some(format!("to {address}"));
        let state = Some(format!("established, from {local}"));
        let ends = Some((local.to_string(), address.to_string()));
        let blocks = Some(true);
        let (kind, now) = (None, (place.clone(), ends.clone()));
        let (listens, unaccepted_by) = (None, Some(address.to_string()));
        let expected =
            Descriptor { kind, place: now.0, state, ends: now.1, blocks, listens, unaccepted_by };
        assert_eq!(described(&client), Some(expected.clone()));
        let waiting = described(&listener).and_then(|listener| listener.listens);
        assert_eq!(waiting, Some((address.to_string(), 1)));
        let (other, _) = listener.accept().expect("the other side");
        let expected = Descriptor { unaccepted_by: None, ..expected };
        assert_eq!(described(&client), Some(expected.clone()));
        drop(other);
        let state = Some(format!("closed by the other side, from {local}"));
        let expected = Descriptor { place, state, ends, ..expected };
        assert_eq!(described(&client), Some(expected));
        let socket = UdpSocket::bind("[::1]:0").expect("a port");
        assert_eq!(described(&socket), Some(on(&socket.local_addr().expect("its address"))));
        let file = File::open("/dev/null").expect("there is one");
        assert_eq!(described(&file), Some(on(&"/dev/null")));
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        assert_eq!(described(&reader).expect("a pipe").kind.as_deref(), Some("pipe"));
        let (near, _far) = UnixStream::pair().expect("two sockets");
        assert_eq!(described(&near).expect("one of them").kind.as_deref(), Some("Unix socket"));
        assert_eq!(own().descriptor(1 << 40), None);
    }

    #[test]
    fn names_the_other_end_of_a_unix_socket() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a place");
        let place = described(&listener).expect("a socket").place;
        assert_eq!(place, Some(format!("on {}", path.display())));
        let client = UnixStream::connect(&path).expect("a connection");
        let (server, _) = listener.accept().expect("a connection");
        let (server, client) = (described(&server), described(&client));
        let (server, client) = (server.expect("a socket"), client.expect("a socket"));
        assert_eq!(server.place, Some(format!("on {}", path.display())));
        assert_eq!(client.place, Some(format!("to {}", path.display())));
        let (near, far) = client.ends.expect("it is connected");
        assert_eq!(server.ends, Some((far, near)));
    }

    #[test]
    fn knows_children() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
        let pid = child.id().into();
        assert!(matches!(own().child(pid), Some((_, false))));
        child.kill().expect("it runs");
        child.wait().expect("it has ended");
        assert_eq!(own().child(pid), None);
        assert_eq!(own().child(1), None, "it is no child");
    }

    #[test]
    fn a_thread_that_sleeps_is_seen_to_sleep_and_one_that_computes_to_compute() {
        let watch = |command: &mut std::process::Command| {
            let mut child = command.spawn().expect("a child");
            let pid = u64::from(child.id());
            std::thread::sleep(Duration::from_millis(300));
            let earlier = ThreadTimes::of(pid);
            std::thread::sleep(Duration::from_millis(500));
            let ran = LocalHost::of(pid).watched_since(&earlier).ran(pid);
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
            ran
        };
        let second = Duration::from_secs(1);
        let sleeping = watch(std::process::Command::new("sleep").arg("60"));
        let Some(sleeping) = sleeping else { return };
        assert!(sleeping.watched.is_some_and(|watched| watched.slept), "{sleeping:?}");
        let computing = watch(std::process::Command::new("sh").args(["-c", "while :; do :; done"]));
        let computing = computing.expect("it tells of others too");
        assert!(computing.may_be_busy_for(second), "{computing:?}");
        assert!(computing.watched.is_some_and(|watched| !watched.slept), "{computing:?}");
    }
}
