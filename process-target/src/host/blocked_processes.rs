//! Child processes that sleep until their parent does something with a pipe between them.
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
const MOST: usize = 256;

/// The ends of pipes that a process has open, by the pipe's inode: the descriptors that read, and
/// those that write.
type Pipes = HashMap<u64, [Vec<u64>; 2]>;

const READS: usize = 0;
const WRITES: usize = 1;

/// The descendants of a process that sleep in a call on a pipe of which it has the other end.
pub(crate) fn of(process: &Process) -> Vec<BlockedProcess> {
    let mut found = Vec::new();
    let begun = children(process);
    if begun.is_empty() {
        return found;
    }
    let own = pipes(process);
    // Each with the child that it is, or that began it.
    let mut left: Vec<(u32, u32)> = begun.into_iter().map(|pid| (pid, pid)).collect();
    let mut seen = 0;
    while let Some((pid, child)) = left.pop() {
        seen += 1;
        if seen > MOST {
            break;
        }
        let Some(other) = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok()) else {
            continue;
        };
        left.extend(children(&other).into_iter().map(|pid| (pid, child)));
        found.extend(blocked(&other, child, &own));
    }
    found.sort_by_key(|process| process.pid);
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

    fn own_id() -> i32 {
        i32::try_from(std::process::id()).expect("an id")
    }

    /// What is said of a child, once anything is.
    fn said_of(child: &Child) -> Option<BlockedProcess> {
        let own = Process::new(own_id()).expect("this process");
        for _ in 0..200 {
            let all = of(&own);
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
        assert_eq!(said.others, [u64::try_from(output).expect("it is open")]);
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
