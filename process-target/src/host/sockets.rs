//! The sockets of a process, as the tables of its network namespace have them.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use procfs::net::TcpState;
use procfs::process::Process;
use runtime_layouts::target::host::Descriptor;

use super::unix_peers;

/// A socket, as the tables of its network namespace have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Socket {
    Tcp(SocketAddr, SocketAddr, TcpState),
    /// A socket that listens, with the number of connections that wait to be accepted.
    TcpListener(SocketAddr, u64),
    /// One whose other end was not accepted yet.
    TcpUnaccepted(SocketAddr, SocketAddr, TcpState),
    Udp(SocketAddr, SocketAddr),
    Unix(UnixSocket),
}

/// A socket of the family `AF_UNIX`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct UnixSocket {
    inode: u64,
    /// Its address; those that a pair is made of have none, and neither has who connects.
    path: Option<PathBuf>,
    /// The inode and the address of the socket that it is connected with.
    peer: Option<(u64, Option<PathBuf>)>,
}

impl Socket {
    pub(super) fn describe(&self) -> Descriptor {
        match self {
            Self::TcpListener(local, waiting) => {
                Descriptor { listens: Some((local.to_string(), *waiting)), ..on(local) }
            }
            Self::Tcp(local, remote, state) => connected(local, remote, state),
            Self::TcpUnaccepted(local, remote, state) => Descriptor {
                unaccepted_by: Some(remote.to_string()),
                ..connected(local, remote, state)
            },
            Self::Udp(local, remote) if remote.port() == 0 => on(local),
            Self::Udp(local, remote) => {
                let ends = Some((local.to_string(), remote.to_string()));
                Descriptor {
                    place: Some(format!("to {remote}")),
                    state: Some(format!("from {local}")),
                    ends,
                    ..Descriptor::default()
                }
            }
            Self::Unix(socket) => socket.describe(),
        }
    }
}

impl UnixSocket {
    fn describe(&self) -> Descriptor {
        let ends = self.peer.as_ref().map(|(inode, path)| {
            (unix_end(self.inode, self.path.as_ref()), unix_end(*inode, path.as_ref()))
        });
        let far = self.peer.as_ref().and_then(|(_, path)| path.as_ref());
        let described = match (&self.path, far) {
            (Some(own), _) => on(own.display()),
            (None, Some(far)) => {
                let place = Some(format!("to {}", far.display()));
                Descriptor { place, ..Descriptor::default() }
            }
            (None, None) => of_kind("Unix socket".to_string()),
        };
        Descriptor { ends, ..described }
    }
}

/// What no other socket is called, as several have one address: those that a listener accepted.
fn unix_end(inode: u64, path: Option<&PathBuf>) -> String {
    match path {
        Some(path) => format!("{} (socket {inode})", path.display()),
        None => format!("Unix socket {inode}"),
    }
}

fn connected(local: &SocketAddr, remote: &SocketAddr, state: &TcpState) -> Descriptor {
    Descriptor {
        place: Some(format!("to {remote}")),
        state: Some(format!("{}, from {local}", state_text(state))),
        ends: Some((local.to_string(), remote.to_string())),
        ..Descriptor::default()
    }
}

pub(super) fn on(place: impl std::fmt::Display) -> Descriptor {
    Descriptor { place: Some(format!("on {place}")), ..Descriptor::default() }
}

pub(super) fn of_kind(kind: String) -> Descriptor {
    Descriptor { kind: Some(kind), ..Descriptor::default() }
}

/// As `ss` spells them, but for those that say what went wrong.
fn state_text(state: &TcpState) -> &'static str {
    match state {
        TcpState::Established => "established",
        TcpState::SynSent => "connecting",
        TcpState::SynRecv | TcpState::NewSynRecv => "syn-recv",
        TcpState::FinWait1 => "fin-wait-1",
        TcpState::FinWait2 => "fin-wait-2",
        TcpState::TimeWait => "time-wait",
        TcpState::Close => "closed",
        TcpState::CloseWait => "closed by the other side",
        TcpState::LastAck => "last-ack",
        TcpState::Listen => "listening",
        TcpState::Closing => "closing",
    }
}

/// An address of version 4 that is written as one of version 6, as itself.
fn unmapped(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// The sockets of a process's network namespace, by inode.
pub(super) fn sockets(process: &Process) -> HashMap<u64, Socket> {
    let mut found = HashMap::new();
    let tcp: Vec<_> = process.tcp().into_iter().chain(process.tcp6()).flatten().collect();
    // Who waits to be accepted belongs to no file yet (`tcp_accept` makes one: `net/ipv4/tcp_ipv4.c`,
    // `get_tcp4_sock`, Linux 6.18, which also counts who waits as what is to be read).
    let unaccepted: HashSet<(SocketAddr, SocketAddr)> = tcp
        .iter()
        .filter(|entry| entry.inode == 0 && entry.state == TcpState::Established)
        .map(|entry| (unmapped(entry.remote_address), unmapped(entry.local_address)))
        .collect();
    for entry in tcp.into_iter().filter(|entry| entry.inode != 0) {
        let (local, remote) = (entry.local_address, entry.remote_address);
        let ends = (unmapped(local), unmapped(remote));
        let socket = match entry.state {
            TcpState::Listen => Socket::TcpListener(local, entry.rx_queue.into()),
            state if unaccepted.contains(&ends) => Socket::TcpUnaccepted(local, remote, state),
            state => Socket::Tcp(local, remote, state),
        };
        found.insert(entry.inode, socket);
    }
    for entry in process.udp().into_iter().chain(process.udp6()).flatten() {
        found.insert(entry.inode, Socket::Udp(entry.local_address, entry.remote_address));
    }
    let peers = unix_peers::of(process);
    let unix: HashMap<u64, Option<PathBuf>> =
        process.unix().into_iter().flatten().map(|entry| (entry.inode, entry.path)).collect();
    for (&inode, path) in &unix {
        let peer = peers.get(&inode).map(|peer| (*peer, unix.get(peer).cloned().flatten()));
        found.insert(inode, Socket::Unix(UnixSocket { inode, path: path.clone(), peer }));
    }
    found
}
