//! The registers of a thread that stands still and that this process traces.

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::unistd::Pid;

/// As `NT_PRSTATUS` has them.
#[cfg(target_arch = "x86_64")]
pub(super) fn words(tid: Pid) -> nix::Result<Vec<u64>> {
    let r = ptrace::getregs(tid)?;
    Ok(vec![
        r.r15, r.r14, r.r13, r.r12, r.rbp, r.rbx, r.r11, r.r10, r.r9, r.r8, r.rax, r.rcx, r.rdx,
        r.rsi, r.rdi, r.orig_rax, r.rip, r.cs, r.eflags, r.rsp, r.ss, r.fs_base, r.gs_base, r.ds,
        r.es, r.fs, r.gs,
    ])
}

/// As `NT_PRSTATUS` has them.
#[cfg(target_arch = "aarch64")]
pub(super) fn words(tid: Pid) -> nix::Result<Vec<u64>> {
    let r = ptrace::getregs(tid)?;
    Ok(r.regs.into_iter().chain([r.sp, r.pc, r.pstate]).collect())
}

/// Other processors are not in the table of processors.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn words(_: Pid) -> nix::Result<Vec<u64>> {
    Err(Errno::ENOSYS)
}
