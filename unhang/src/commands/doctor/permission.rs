//! What this system lets its user look into.

use std::fs;

use super::Check;

/// `CAP_SYS_PTRACE`, `include/uapi/linux/capability.h`.
const SYS_PTRACE: u64 = 1 << 19;

/// What the permission depends on.
#[derive(Clone, Copy)]
struct Situation {
    is_root: bool,
    /// Whether this process has `CAP_SYS_PTRACE`.
    may_trace: bool,
    /// `kernel.yama.ptrace_scope`; `None` where there is no Yama.
    scope: Option<u32>,
}

/// Checks the system's setting.
pub(super) fn check() -> Check {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(":\t")).unwrap_or("")
    };
    let capabilities = u64::from_str_radix(field("CapEff").trim(), 16).unwrap_or(0);
    // Real, effective, saved, file system.
    let user = field("Uid").split_ascii_whitespace().nth(1);
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    judge(Situation {
        is_root: user == Some("0"),
        may_trace: capabilities & SYS_PTRACE != 0,
        scope: scope.and_then(|scope| scope.trim().parse().ok()),
    })
}

/// Source: `ptrace(2)`, "/proc/sys/kernel/yama/ptrace_scope".
fn judge(situation: Situation) -> Check {
    let Situation { is_root, may_trace, scope } = situation;
    let setting = match scope {
        Some(scope) => format!("kernel.yama.ptrace_scope is {scope}"),
        None => "there is no kernel.yama.ptrace_scope".to_owned(),
    };
    let what = "permission";
    match scope.unwrap_or(0) {
        3.. => Check::bad(
            what,
            format!(
                "{setting}, which forbids tracing until the next boot: inspect core files instead"
            ),
        ),
        _ if may_trace => Check::good(what, format!("all processes; {setting}")),
        _ if is_root => Check::note(
            what,
            format!(
                "{setting}, but root has no CAP_SYS_PTRACE here: start the container with \
                 `--cap-add SYS_PTRACE`"
            ),
        ),
        2 => Check::note(what, format!("{setting}, which lets only root trace: use `sudo`")),
        1 => Check::note(
            what,
            format!(
                "{setting}, which lets a debugger trace only what it started: for a running \
                 process use `sudo`, or allow it until the next boot with `sudo sysctl \
                 kernel.yama.ptrace_scope=0`"
            ),
        ),
        _ => Check::good(what, format!("your own processes, and others with `sudo`; {setting}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::Verdict;
    use super::*;

    #[test]
    fn each_situation_has_its_verdict() {
        let said =
            |is_root, may_trace, scope| judge(Situation { is_root, may_trace, scope }).verdict;
        assert_eq!(said(false, false, None), Verdict::Good);
        assert_eq!(said(false, false, Some(0)), Verdict::Good);
        assert_eq!(said(false, false, Some(1)), Verdict::Note);
        assert_eq!(said(false, true, Some(2)), Verdict::Good);
        assert_eq!(said(false, false, Some(2)), Verdict::Note);
        assert_eq!(said(true, false, None), Verdict::Note);
        assert_eq!(said(true, true, Some(3)), Verdict::Bad);
    }
}
