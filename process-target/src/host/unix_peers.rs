//! Which Unix sockets are connected with which: `/proc/PID/net/unix` does not tell, the kernel does
//! when it is asked.
//!
//! Source: `sock_diag(7)`, Linux 3.3 and later; `network_namespaces(7)`.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::unix::{ShowFlags, StateFlags, UnixRequest};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr};
use nix::sched::{CloneFlags, setns};
use procfs::process::Process;

use crate::signals::without_signals;

/// The other end of each Unix socket in the network namespace of a process that has one, both by
/// inode; none where the system does not tell, or where we must not go to that namespace.
pub(super) fn of(process: &Process) -> HashMap<u64, u64> {
    let theirs = format!("/proc/{}/ns/net", process.pid());
    let link = |path: &Path| std::fs::read_link(path).ok();
    if link(Path::new(&theirs)) == link(Path::new("/proc/self/ns/net")) {
        return ask().unwrap_or_default();
    }
    // Who has gone there asks there: a thread that then ends.
    let go_and_ask = move || {
        setns(File::open(theirs).ok()?, CloneFlags::CLONE_NEWNET).ok()?;
        ask().ok()
    };
    let mut started = None;
    without_signals(&mut || started = std::thread::Builder::new().spawn(go_and_ask.clone()).ok());
    started.and_then(|thread| thread.join().ok()?).unwrap_or_default()
}

/// The same in the namespace of this thread.
fn ask() -> std::io::Result<HashMap<u64, u64>> {
    let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let request = UnixRequest {
        state_flags: StateFlags::all(),
        inode: 0,
        show_flags: ShowFlags::PEER,
        cookie: [0xff; 8],
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut message = NetlinkMessage::new(header, SockDiagMessage::UnixRequest(request).into());
    message.finalize();
    let mut bytes = vec![0; message.header.length as usize];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;

    let mut found = HashMap::new();
    loop {
        let (answers, _) = socket.recv_from_full()?;
        let mut rest = answers.as_slice();
        while let Ok(length) = NetlinkBuffer::new_checked(rest).map(|buffer| buffer.length()) {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let answer = NetlinkMessage::<SockDiagMessage>::deserialize(rest);
            match answer.map_err(std::io::Error::other)?.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::UnixResponse(socket)) => {
                    // The socket at the other end may have been closed: it has no number then.
                    if let Some(peer) = socket.peer().filter(|peer| *peer != 0) {
                        found.insert(u64::from(socket.header.inode), u64::from(peer));
                    }
                }
                NetlinkPayload::Done(_) => return Ok(found),
                NetlinkPayload::Error(error) => return Err(error.into()),
                _ => {}
            }
            // Messages begin at multiples of four bytes.
            let Some(next) = rest.get(length.next_multiple_of(4)..) else { break };
            rest = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use procfs::process::{FDTarget, Process};

    use super::of;

    fn inode(socket: &impl std::os::fd::AsRawFd) -> u64 {
        let own = Process::myself().expect("we run");
        match own.fd_from_fd(socket.as_raw_fd()).expect("it is open").target {
            FDTarget::Socket(inode) => inode,
            other => panic!("no socket: {other:?}"),
        }
    }

    #[test]
    fn the_ends_of_a_pair_know_each_other() {
        let (near, far) = UnixStream::pair().expect("two sockets");
        let peers = of(&Process::myself().expect("we run"));
        assert_eq!(peers.get(&inode(&near)), Some(&inode(&far)));
        assert_eq!(peers.get(&inode(&far)), Some(&inode(&near)));
        drop(far);
        assert_eq!(of(&Process::myself().expect("we run")).get(&inode(&near)), None);
    }

    #[test]
    fn what_a_listener_accepts_is_the_other_end_of_who_connects() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a place");
        let client = UnixStream::connect(&path).expect("a connection");
        let (server, _) = listener.accept().expect("a connection");
        let peers = of(&Process::myself().expect("we run"));
        assert_eq!(peers.get(&inode(&client)), Some(&inode(&server)));
        assert_eq!(peers.get(&inode(&listener)), None);
    }
}
