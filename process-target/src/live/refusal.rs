//! The reason why the system refuses access to a process, and the remedy.

use std::fs;

use nix::errno::Errno;

use super::proc::{self, is_kernel_thread};
use crate::TargetError;

/// `CAP_SYS_PTRACE`, `include/uapi/linux/capability.h`.
const SYS_PTRACE: u64 = 1 << 19;

/// What is wrong with a process before anything was tried; `None` when nothing is.
///
/// `stops` says whether it is to be stopped, which only one debugger can do.
pub(super) fn obstacle(pid: u64, stops: bool) -> Option<TargetError> {
    let Ok(status) = proc::status(pid) else { return Some(TargetError::NoSuchProcess { pid }) };
    let name = proc::name(pid).unwrap_or_else(|| status.name.clone());
    if is_kernel_thread(pid) {
        return Some(TargetError::KernelThread { pid, name });
    }
    // A process whose first thread has ended lives on in the others.
    let others = || proc::threads(pid).is_ok_and(|threads| threads.len() > 1);
    if matches!(proc::state(&status), 'Z' | 'X') && !others() {
        return Some(TargetError::Zombie { pid, name });
    }
    if let Ok(tracer @ 1..) = u64::try_from(status.tracerpid)
        && stops
    {
        // The kernel names the thread of the debugger.
        let thread = proc::status(tracer).ok();
        let tracer = thread.and_then(|thread| u64::try_from(thread.tgid).ok()).unwrap_or(tracer);
        let name = proc::name(tracer).unwrap_or_else(|| "unknown".to_owned());
        return Some(TargetError::Traced { pid, tracer, name });
    }
    None
}

/// The sentence for a system call on the process that failed.
pub(super) fn refusal(pid: u64, errno: Errno, stops: bool) -> TargetError {
    if let Some(obstacle) = obstacle(pid, stops) {
        return obstacle;
    }
    match errno {
        Errno::EPERM | Errno::EACCES => TargetError::NotPermitted { pid, advice: advice(pid) },
        Errno::ESRCH => TargetError::NoSuchProcess { pid },
        errno => TargetError::CannotStop { pid, reason: errno.desc() },
    }
}

fn advice(pid: u64) -> String {
    let own = proc::own_status();
    let (own_user, capabilities) = own.map_or((0, 0), |own| (own.euid, own.capeff));
    let user = proc::status(pid).map_or(own_user, |status| status.euid);
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    advice_for(&Situation {
        own_user,
        may_trace: capabilities & SYS_PTRACE != 0,
        user,
        scope: scope.trim().parse().unwrap_or(0),
    })
}

/// What the permission depends on.
struct Situation {
    own_user: u32,
    /// Whether this process has `CAP_SYS_PTRACE`.
    may_trace: bool,
    user: u32,
    /// `kernel.yama.ptrace_scope`; 0 where there is no Yama.
    scope: u32,
}

/// Source: `ptrace(2)`, "Ptrace access mode checking" and "/proc/sys/kernel/yama/ptrace_scope".
fn advice_for(situation: &Situation) -> String {
    let Situation { own_user, may_trace, user, scope } = *situation;
    if scope >= 3 {
        return "kernel.yama.ptrace_scope is 3, which forbids tracing until the next boot; inspect \
                a core file instead"
            .to_owned();
    }
    if may_trace {
        return "a security module or the process's own user namespace forbids it; run unhang where \
                the process runs, or inspect a core file"
            .to_owned();
    }
    if own_user == 0 {
        return "root has no CAP_SYS_PTRACE here; start the container with `--cap-add SYS_PTRACE`"
            .to_owned();
    }
    if own_user != user {
        return format!("it belongs to user {user}; run unhang as that user or with `sudo`");
    }
    match scope {
        1 => "kernel.yama.ptrace_scope is 1, which lets only a process's ancestors trace it; use \
              `sudo`, or allow it until the next boot with `sudo sysctl \
              kernel.yama.ptrace_scope=0`"
            .to_owned(),
        2 => "kernel.yama.ptrace_scope is 2, which lets only root trace; use `sudo`".to_owned(),
        _ => "the program (setuid, extra capabilities, or prctl(PR_SET_DUMPABLE)) or a container \
             denies access; use `sudo`, and in a container `--cap-add SYS_PTRACE`"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_situation_has_its_advice() {
        let said = |own_user, may_trace, user, scope| {
            advice_for(&Situation { own_user, may_trace, user, scope })
        };
        assert!(said(1000, false, 1000, 1).contains("sysctl kernel.yama.ptrace_scope=0"));
        assert!(said(1000, false, 1000, 2).contains("only root"));
        assert!(said(0, true, 0, 3).contains("core file"));
        assert!(said(0, false, 0, 0).contains("--cap-add SYS_PTRACE"));
        assert!(said(1000, false, 33, 1).contains("user 33"));
        assert!(said(1000, false, 1000, 0).contains("PR_SET_DUMPABLE"));
        assert!(said(0, true, 1000, 0).contains("security module"));
    }

    #[test]
    fn what_is_no_process_is_said_to_be_none() {
        let error = refusal(0x7fff_fffe, Errno::ESRCH, true).to_string();
        assert_eq!(error, "there is no process 2147483646");
        // 2 is kthreadd outside of containers, and often nothing inside.
        if is_kernel_thread(2) {
            assert!(matches!(obstacle(2, true), Some(TargetError::KernelThread { .. })));
        }
    }
}
