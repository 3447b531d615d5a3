//! When a process last ran, by the clock of this system.

use std::collections::HashMap;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use procfs::process::Process;

use crate::signals::without_signals;

/// When a thread of a process last ran, by the monotonic clock, to a few milliseconds; `None` where the
/// system does not tell.
///
/// The scheduler notes the time by the processor's own clock (`se.exec_start` of
/// `/proc/PID/task/TID/sched`, in milliseconds: `kernel/sched/debug.c`, Linux 6.18; kernels before 6.15
/// have the file if `CONFIG_SCHED_DEBUG` is set). That clock stands still while a virtual machine has
/// no processor, so that two processors' clocks may differ by seconds. A debugger lets every thread run
/// a last time to stop it, so a few of them tell.
pub(super) fn last_ran(process: &Process) -> Option<Duration> {
    let mut clocks: HashMap<i32, Option<ClockOfProcessor>> = HashMap::new();
    let threads = process.tasks().ok()?.flatten().take(MAX_THREADS);
    let moments = threads.filter_map(|thread| {
        let note = note_of_scheduler(&format!("/proc/{}/task/{}/sched", thread.pid, thread.tid))?;
        let processor = thread.stat().ok()?.processor?;
        let clock = (*clocks.entry(processor).or_insert_with(|| clock_of(processor)))?;
        clock.now.checked_sub(clock.note.saturating_sub(note))
    });
    moments.max()
}

/// The same moment by the clock of a processor's scheduler and by the monotonic one.
#[derive(Clone, Copy)]
struct ClockOfProcessor {
    note: Duration,
    now: Duration,
}

/// The clock of a processor, by what a thread there is noted with; `None` for a processor that this
/// process must not run on.
fn clock_of(processor: i32) -> Option<ClockOfProcessor> {
    let mut only = CpuSet::new();
    only.set(usize::try_from(processor).ok()?).ok()?;
    let look = move || {
        sched_setaffinity(Pid::from_raw(0), &only).ok()?;
        // The note is renewed when the thread gives way, or else with the timer's next tick.
        std::thread::yield_now();
        let note = note_of_scheduler("/proc/thread-self/sched")?;
        Some(ClockOfProcessor { note, now: monotonic_now()? })
    };
    let mut started = None;
    without_signals(&mut || started = std::thread::Builder::new().spawn(look).ok());
    started?.join().ok()?
}

/// Threads that are asked when they last ran, at most.
const MAX_THREADS: usize = 16;

/// When a thread last ran, by the scheduler's clock.
fn note_of_scheduler(path: &str) -> Option<Duration> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with("se.exec_start"))?;
    let milliseconds: f64 = line.split_once(':')?.1.trim().parse().ok()?;
    Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
}

pub(super) fn monotonic_now() -> Option<Duration> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?;
    let seconds = u64::try_from(now.tv_sec()).ok()?;
    Some(Duration::new(seconds, u32::try_from(now.tv_nsec()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that sleeps on a processor; `None` for a processor that this test must not use.
    fn sleeps_on(processor: usize) -> Option<std::process::Child> {
        let start = move || {
            let mut only = CpuSet::new();
            only.set(processor).ok()?;
            sched_setaffinity(Pid::from_raw(0), &only).ok()?;
            Some(std::process::Command::new("sleep").arg("60").spawn().expect("a child"))
        };
        std::thread::spawn(start).join().expect("no panic")
    }

    /// The clocks of two processors of a virtual machine may differ by seconds.
    #[test]
    fn the_moment_at_which_a_process_last_ran_is_when_it_fell_asleep() {
        for mut child in (0..4).filter_map(sleeps_on) {
            let process = Process::new(i32::try_from(child.id()).expect("an id")).expect("it runs");
            let state = || process.stat().map(|stat| (stat.comm, stat.state));
            while state().is_ok_and(|(name, state)| name != "sleep" || state != 'S') {
                std::thread::sleep(Duration::from_millis(10));
            }
            let asleep = monotonic_now().expect("the time");
            std::thread::sleep(Duration::from_millis(500));
            let last = last_ran(&process);
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
            match note_of_scheduler("/proc/self/sched") {
                Some(_) => {
                    let apart = last.expect("it tells of others too").abs_diff(asleep);
                    assert!(apart < Duration::from_millis(300), "{apart:?}");
                }
                None => assert_eq!(last, None),
            }
        }
    }
}
