//! The processes that one began: which of them have the other ends of its pipes, and which sleep until it
//! does something with a pipe between them.
//!
//! A child that reads to the end of its input waits until its parent closes that; one that writes to
//! its output waits until its parent reads it. A parent that awaits the child meanwhile waits for
//! itself, and nothing in its own memory shows it.
//!
//! Source: `proc_pid_syscall(5)`, `proc_pid_fd(5)`, `proc_pid_wchan(5)`.

use std::collections::HashMap;

use nix::libc::{SYS_read, SYS_readv, SYS_write, SYS_writev};

use procfs::process::{FDPermissions, FDTarget, Process, Syscall, Task};
use runtime_layouts::target::host::BlockedProcess;

/// Processes that are looked at, at most.
const MAX: usize = 256;

/// The ends of pipes that a process has open, by the pipe's inode: the descriptors that read, and
/// those that write.
type Pipes = HashMap<u64, [Vec<u64>; 2]>;

const READS: usize = 0;
const WRITES: usize = 1;

/// The descendants of a process that have ends of pipes, by the pipe's inode: the ids and names of those
/// that read it, and of those that write it.
pub(crate) type PipeUsers = HashMap<u64, [Vec<(i32, String)>; 2]>;

/// Which descendants of a process have which pipes open.
pub(crate) fn pipe_users(process: &Process) -> PipeUsers {
    let mut users = PipeUsers::new();
    for (other, _) in descendants(process) {
        let Ok(name) = other.stat().map(|stat| stat.comm) else { continue };
        for (inode, ends) in pipes(&other) {
            let known = users.entry(inode).or_default();
            for end in [READS, WRITES] {
                if !ends[end].is_empty() {
                    known[end].push((other.pid(), name.clone()));
                }
            }
        }
    }
    users.values_mut().flatten().for_each(|users| users.sort());
    users
}

/// How a pipe stands that a process has open, in words: `written by child process 7, cat`; `None` where
/// it has both ends, or none of its descendants the other one.
pub(crate) fn pipe_state(users: &PipeUsers, inode: u64, mode: FDPermissions) -> Option<String> {
    let (far, verb) =
        match (mode.contains(FDPermissions::READ), mode.contains(FDPermissions::WRITE)) {
            (true, false) => (WRITES, "written"),
            (false, true) => (READS, "read"),
            _ => return None,
        };
    match users.get(&inode)?[far].as_slice() {
        [] => None,
        [(pid, name)] => Some(format!("{verb} by child process {pid}, {name}")),
        several => {
            let all: Vec<String> = several.iter().map(|(pid, _)| pid.to_string()).collect();
            Some(format!("{verb} by child processes {}", all.join(", ")))
        }
    }
}

/// The descendants of a process that sleep in a call on a pipe of which it has the other end.
pub(crate) fn blocked_on_pipes(process: &Process) -> Vec<BlockedProcess> {
    let begun = descendants(process);
    if begun.is_empty() {
        return Vec::new();
    }
    let own = pipes(process);
    let mut found: Vec<BlockedProcess> =
        begun.iter().filter_map(|(other, child)| blocked(other, *child, &own)).collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// The descendants of a process, each with the child that it is, or that began it.
fn descendants(process: &Process) -> Vec<(Process, u32)> {
    let mut found = Vec::new();
    let mut left: Vec<(u32, u32)> = children(process).into_iter().map(|pid| (pid, pid)).collect();
    let mut seen = 0;
    while let Some((pid, child)) = left.pop() {
        seen += 1;
        if seen > MAX {
            break;
        }
        let Some(other) = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok()) else {
            continue;
        };
        left.extend(children(&other).into_iter().map(|pid| (pid, child)));
        found.push((other, child));
    }
    found
}

/// The ids of the processes that one began and that have not ended.
fn children(process: &Process) -> Vec<u32> {
    let tasks = process.tasks().into_iter().flatten().flatten();
    tasks.filter_map(|task| task.children().ok()).flatten().collect()
}

fn pipes(process: &Process) -> Pipes {
    let mut found = Pipes::new();
    for file in process.fd().into_iter().flatten().flatten() {
        let (FDTarget::Pipe(inode), Ok(fd)) = (&file.target, u64::try_from(file.fd)) else {
            continue;
        };
        let ends = found.entry(*inode).or_default();
        for (end, permission) in [(READS, FDPermissions::READ), (WRITES, FDPermissions::WRITE)] {
            if file.mode().contains(permission) {
                ends[end].push(fd);
            }
        }
    }
    found
}

/// What a process waits for, if that is a pipe of which the other one has the only other end known.
fn blocked(process: &Process, child: u32, own: &Pipes) -> Option<BlockedProcess> {
    let pipes = pipes(process);
    let tasks = process.tasks().ok()?.flatten();
    let (inode, end) = tasks.into_iter().find_map(|task| pipe_of_call(process, &task, &pipes))?;
    let far = 1 - end;
    // Who keeps the other end itself waits for itself too.
    if pipes.get(&inode).is_some_and(|ends| !ends[far].is_empty()) {
        return None;
    }
    let fd = *own.get(&inode)?[far].first()?;
    let shared = pipes.iter().filter(|(other, _)| **other != inode).filter_map(|(other, ends)| {
        let own = own.get(other)?;
        let far = if ends[READS].is_empty() { READS } else { WRITES };
        Some(own[far].clone())
    });
    Some(BlockedProcess {
        pid: u64::try_from(process.pid()).ok()?,
        child: child.into(),
        name: process.stat().ok()?.comm,
        reads: end == READS,
        fd,
        others: shared.flatten().collect(),
    })
}

/// The pipe that a thread reads or writes in the call in which it sleeps, and which end it has of it.
fn pipe_of_call(process: &Process, task: &Task, pipes: &Pipes) -> Option<(u64, usize)> {
    if !matches!(task.stat().ok()?.state, 'S') {
        return None;
    }
    match task.syscall() {
        Ok(Syscall::Blocked { syscall_number, argument_registers: [fd, ..], .. }) => {
            let end = match syscall_number {
                number if number == SYS_read || number == SYS_readv => READS,
                number if number == SYS_write || number == SYS_writev => WRITES,
                _ => return None,
            };
            let (inode, _) = pipes.iter().find(|(_, ends)| ends[end].contains(&fd))?;
            Some((*inode, end))
        }
        Ok(_) => None,
        // Who may not see its registers may see in which function of the kernel it sleeps.
        Err(_) => {
            let function = process.wchan().ok()?;
            let end = match function.as_str() {
                "pipe_read" | "anon_pipe_read" => READS,
                "pipe_write" | "anon_pipe_write" => WRITES,
                _ => return None,
            };
            let mut all = pipes.iter().filter(|(_, ends)| !ends[end].is_empty());
            let (only, none) = (all.next()?, all.next());
            none.is_none().then_some((*only.0, end))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use super::*;
    use crate::host::LocalHost;
    use runtime_layouts::target::host::Host;

    fn own_id() -> i32 {
        i32::try_from(std::process::id()).expect("an id")
    }

    /// What is said of a child, once anything is.
    fn said_of(child: &Child) -> Option<BlockedProcess> {
        let own = Process::new(own_id()).expect("this process");
        for _ in 0..200 {
            let all = blocked_on_pipes(&own);
            if let Some(it) = all.into_iter().find(|it| it.child == u64::from(child.id())) {
                return Some(it);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }

    fn ends(mut child: Child) {
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }

    #[test]
    fn a_child_that_reads_waits_for_its_parent() {
        let mut cat = Command::new("cat");
        let mut child =
            cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("cat is there");
        let input = child.stdin.as_mut().expect("its input");
        input.write_all(b"hello").expect("it reads");
        let fd = u64::try_from(input.as_raw_fd()).expect("it is open");
        let output = child.stdout.as_ref().expect("its output").as_raw_fd();
        let said = said_of(&child).expect("it waits");
        assert_eq!((said.pid, said.name.as_str()), (child.id().into(), "cat"));
        assert!(said.reads && said.fd == fd, "{said:?}");
        let output = u64::try_from(output).expect("it is open");
        assert_eq!(said.others, [output]);
        let host = LocalHost::of(std::process::id().into());
        let state = |fd| host.descriptor(fd).and_then(|file| file.state).expect("a pipe");
        assert_eq!(state(output), format!("written by child process {}, cat", child.id()));
        assert_eq!(state(fd), format!("read by child process {}, cat", child.id()));
        ends(child);
    }

    /// The shell waits for `cat`, which has the shell's input.
    #[test]
    fn so_does_what_a_child_began() {
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", "cat; true"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let child = shell.spawn().expect("a shell is there");
        let said = said_of(&child).expect("it waits");
        assert_eq!(said.name, "cat");
        assert_ne!(said.pid, u64::from(child.id()));
        ends(child);
    }

    #[test]
    fn a_child_that_writes_waits_for_its_parent() {
        let child = Command::new("yes").stdout(Stdio::piped()).spawn().expect("yes is there");
        let output = child.stdout.as_ref().expect("its output").as_raw_fd();
        let said = said_of(&child).expect("it waits");
        assert!(!said.reads, "{said:?}");
        assert_eq!(said.fd, u64::try_from(output).expect("it is open"));
        ends(child);
    }
}
