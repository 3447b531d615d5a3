//! Stops a process, reads its registers and lets it go on.
//!
//! `PTRACE_SEIZE` with `PTRACE_INTERRUPT` sends no signal: the process cannot notice more than
//! that time has passed (a system call that waits is restarted, as after any stop), and one that
//! stood still before (`SIGSTOP`) stands still after.
//!
//! All of it is done by a thread of its own. Only the thread that seized may go on with it, and
//! when that thread ends the kernel lets go of whatever it still holds. So nothing stays stopped,
//! whatever becomes of this process.
//!
//! Source: `ptrace(2)`.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use runtime_layouts::target::processors::Processor;

use super::proc;
use super::refusal::refusal;
use super::registers::{self, ThreadRegisters};
use crate::TargetError;

/// A thread that does not stop within this time waits in the kernel for a device or a file server.
/// Most stop within microseconds; those of a group that used up its share of the processors may
/// take a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(1);
/// Looks at a thread that has not stopped yet, before this process sleeps between two of them.
const EAGER_LOOKS: u32 = 64;
/// Such a sleep.
const PAUSE: Duration = Duration::from_micros(50);

/// A process that stands still until this is released or dropped.
pub(super) struct Stop {
    /// Its threads, as they were found.
    pub(super) threads: Vec<StoppedThread>,
    release: Option<Sender<()>>,
    tracer: Option<JoinHandle<Duration>>,
}

/// A thread that stands still.
pub(super) struct StoppedThread {
    pub(super) tid: u64,
    /// `None` when it does not stop.
    pub(super) registers: Option<ThreadRegisters>,
}

impl Stop {
    /// Stops every thread of the process.
    ///
    /// # Errors
    /// When the process cannot be stopped; it then goes on.
    pub(super) fn of(
        pid: u64,
        processor: &'static Processor,
        interrupted: &Arc<AtomicBool>,
    ) -> Result<Self, TargetError> {
        let (ready, stopped) = mpsc::channel();
        let (release, released) = mpsc::channel();
        let interrupted = interrupted.clone();
        let tracer = thread::Builder::new()
            .name("tracer".to_owned())
            .spawn(move || trace(pid, processor, &interrupted, &ready, &released))
            .map_err(|error| TargetError::CannotStop {
                pid,
                reason: Errno::from_raw(error.raw_os_error().unwrap_or(0)).desc(),
            })?;
        match stopped.recv() {
            Ok(Ok(threads)) => Ok(Self { threads, release: Some(release), tracer: Some(tracer) }),
            Ok(Err(error)) => Err(error),
            // It ended without a word: a panic, which has been shown.
            Err(_) => Err(TargetError::CannotStop { pid, reason: "the tracer failed" }),
        }
    }

    /// Lets the process go on; returns for how long it stood still.
    pub(super) fn release(mut self) -> Duration {
        self.end()
    }

    fn end(&mut self) -> Duration {
        self.release.take();
        self.tracer.take().and_then(|tracer| tracer.join().ok()).unwrap_or_default()
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.end();
    }
}

/// The whole life of the tracing thread.
fn trace(
    pid: u64,
    processor: &Processor,
    interrupted: &AtomicBool,
    ready: &Sender<Result<Vec<StoppedThread>, TargetError>>,
    released: &Receiver<()>,
) -> Duration {
    let begun = Instant::now();
    let mut tracees = Tracees::default();
    let threads = tracees.stop_all(pid, interrupted).map(|()| tracees.registers(pid, processor));
    let is_stopped = threads.is_ok();
    if ready.send(threads).is_ok() && is_stopped {
        // Nothing is ever sent: the other end is dropped.
        let _ = released.recv();
    }
    tracees.let_go();
    begun.elapsed()
}

/// Threads that this thread has seized.
#[derive(Default)]
struct Tracees(Vec<Tracee>);

struct Tracee {
    tid: Pid,
    state: State,
}

/// What a seized thread does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Was told to stop, and has not said that it has.
    Stopping,
    /// Stands still. With a signal it was about to take that signal, and must get it.
    Stopped(Option<Signal>),
    /// Stands still, about to take a signal that has no name here (a real-time signal). It gets it
    /// when this thread ends, and not before: `ptrace(2)`, "If the tracee is restarted from
    /// signal-delivery-stop, the pending signal is injected".
    StoppedBySignalWithoutName,
    /// Has ended.
    Gone,
}

impl Tracees {
    /// Seizes and stops thread after thread until there is no new one: a thread that is not
    /// stopped yet may start others.
    fn stop_all(&mut self, pid: u64, interrupted: &AtomicBool) -> Result<(), TargetError> {
        let deadline = Instant::now() + PATIENCE;
        let mut known = HashSet::new();
        loop {
            let all = proc::threads(pid).map_err(|_| TargetError::NoSuchProcess { pid })?;
            let new: Vec<u64> = all.into_iter().filter(|tid| known.insert(*tid)).collect();
            if new.is_empty() {
                break;
            }
            let first = self.0.len();
            for tid in new {
                self.seize(pid, tid)?;
            }
            for tracee in &mut self.0[first..] {
                tracee.wait(deadline, interrupted);
            }
            if interrupted.load(Ordering::Relaxed) {
                return Err(TargetError::Interrupted);
            }
        }
        if self.0.iter().all(|tracee| tracee.state == State::Gone) {
            return Err(refusal(pid, Errno::ESRCH, false));
        }
        Ok(())
    }

    fn seize(&mut self, pid: u64, tid: u64) -> Result<(), TargetError> {
        let Ok(id) = i32::try_from(tid).map(Pid::from_raw) else { return Ok(()) };
        match ptrace::seize(id, ptrace::Options::empty()) {
            Ok(()) => {
                // At once: a signal that comes in between would stop it in another way.
                let state = match ptrace::interrupt(id) {
                    Ok(()) => State::Stopping,
                    Err(_) => State::Gone,
                };
                self.0.push(Tracee { tid: id, state });
                Ok(())
            }
            // It has ended since it was listed.
            Err(Errno::ESRCH) => Ok(()),
            // The first thread of a process stays as a zombie while others live.
            Err(_) if proc::status(tid).is_ok_and(|it| matches!(proc::state(&it), 'Z' | 'X')) => {
                Ok(())
            }
            Err(errno) => Err(refusal(pid, errno, true)),
        }
    }

    /// The threads with their registers, the first one first, then by id.
    fn registers(&self, pid: u64, processor: &Processor) -> Vec<StoppedThread> {
        let mut threads: Vec<StoppedThread> = self
            .0
            .iter()
            .filter(|tracee| tracee.state != State::Gone)
            .map(|tracee| StoppedThread {
                tid: u64::from(tracee.tid.as_raw().unsigned_abs()),
                registers: tracee
                    .is_stopped()
                    .then(|| registers::of(tracee.tid, processor).ok())
                    .flatten(),
            })
            .collect();
        threads.sort_unstable_by_key(|thread| (thread.tid != pid, thread.tid));
        threads
    }

    /// Lets every thread go on. Those that cannot be told to are let go by the kernel when this
    /// thread ends.
    fn let_go(&mut self) {
        for tracee in &mut self.0 {
            if let State::Stopped(signal) = tracee.state {
                let _ = ptrace::detach(tracee.tid, signal);
                tracee.state = State::Gone;
            }
        }
    }
}

impl Drop for Tracees {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Tracee {
    fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped(_) | State::StoppedBySignalWithoutName)
    }

    /// Waits until it stands still, or the deadline is over.
    fn wait(&mut self, deadline: Instant, interrupted: &AtomicBool) {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::WNOHANG;
        let mut looks = 0;
        while self.state == State::Stopping {
            self.state = match waitpid(self.tid, Some(flags)) {
                Ok(WaitStatus::PtraceEvent(..)) => State::Stopped(None),
                Ok(WaitStatus::Stopped(_, signal)) => State::Stopped(Some(signal)),
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => State::Gone,
                Err(Errno::EINVAL) => State::StoppedBySignalWithoutName,
                Err(Errno::EINTR) => State::Stopping,
                Err(_) => State::Gone,
                Ok(_) => {
                    if Instant::now() >= deadline || interrupted.load(Ordering::Relaxed) {
                        return;
                    }
                    looks += 1;
                    if looks < EAGER_LOOKS {
                        thread::yield_now();
                    } else {
                        thread::sleep(PAUSE);
                    }
                    State::Stopping
                }
            };
        }
    }
}
