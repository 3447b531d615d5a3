//! A short stop: a report of a process that stands still for as short a time as possible.
//!
//! To walk the tasks takes time: debug information is looked up, and memory is read in as many
//! small pieces as there are things to follow. None of it needs the process to stand still, except
//! that all bytes must be of one moment. So:
//!
//! 1. A glimpse: the process is stopped for its registers alone, and threads that slept go to sleep
//!    again. A stop ends some calls early (`epoll_wait`, since it is restarted by the program and
//!    not by the kernel), and what the thread does then leaves traces on its stack.
//! 2. A rehearsal: its tasks are walked while it runs. The result may be torn; what counts is which
//!    types and which memory were asked for.
//! 3. The process is stopped, that memory is copied, and it goes on. If it is what was read at the
//!    rehearsal, and no thread has moved, as in a process that hangs, then the rehearsal's report
//!    is the right one. Else the report is made from the copy. Where it is very much memory, it is
//!    compared without a copy first.
//! 4. If the report needed something else (the process was not hung, and went on in between), the
//!    last step is done again, and in the end with the process standing still all the time.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use runtime_layouts::libraries::{LIBRARIES, REGISTRY};
use runtime_layouts::report::Report;
use runtime_layouts::target::Target;
use runtime_layouts::variables::locals::LocalTable;
use runtime_layouts::walk;
use runtime_layouts::whatis::{self, WhatIs};

use super::memory_copy::CopyBuffer;
use super::proc::{self, Waiting};
use super::{LiveProcess, LiveTarget};
use crate::TargetError;
use crate::read_log::joined;

/// More than this is not copied before it was found to have changed: most processes of which it is
/// worth to know a million tasks hang, and a copy takes as much memory as the tasks.
const CHECKED_FIRST: u64 = 64 << 20;
/// How long threads that slept before a stop are waited for after it. Mostly they need a tenth of a
/// millisecond, on a busy machine many times as much.
const SETTLING: Duration = Duration::from_millis(20);
/// How often they are looked at.
const PAUSE: Duration = Duration::from_micros(100);
/// How often a copy is tried.
const COPIES: usize = 2;
/// No more than this is copied: 2 GiB, or a quarter of the memory that the machine has left.
const LARGEST_COPY: u64 = 2 << 30;

/// What was found in a process, and what it cost.
pub struct Inspection {
    /// The report.
    pub report: Report,
    /// For how long the process stood still, each time; the report is of the last one. Empty when
    /// it was not stopped.
    pub stops: Vec<Duration>,
    /// Bytes of the process that the report was made from.
    pub bytes_read: u64,
    /// The variables of all frames; empty unless they were asked for.
    pub locals: LocalTable,
    /// What lies at the addresses that were asked for, in their order.
    pub found: Vec<WhatIs>,
}

/// What is made of one look.
struct Look {
    report: Report,
    locals: LocalTable,
    found: Vec<WhatIs>,
}

impl LiveProcess {
    /// Inspects the process, which stands still for as short a time as possible.
    ///
    /// # Errors
    /// When it may not be stopped, when it has ended, or when the user asked to stop.
    pub fn inspect(&self) -> Result<Inspection, TargetError> {
        let mut stops = Vec::new();
        let asleep = Asleep::of(self.pid);
        let mut glimpse = self.stop()?;
        stops.extend(glimpse.release());
        asleep.wait_for();
        let rehearsal = self.look_at(&glimpse);
        if rehearsal.report.interrupted || glimpse.interrupted() {
            return Err(TargetError::Interrupted);
        }
        let mut wanted = glimpse.asked_for();
        let mut rehearsed = glimpse.state().map(|state| (state, rehearsal));
        drop(glimpse);
        if size(&wanted) > CHECKED_FIRST
            && let Some((look, found)) = rehearsed.take()
        {
            let mut target = self.stop()?;
            let is_same = target.is_as_seen_by(&look);
            stops.extend(target.release());
            if is_same {
                return finish(&target, found, size(&wanted), stops);
            }
        }
        for _ in 0..COPIES {
            if size(&wanted) > largest_copy() {
                break;
            }
            let buffer = CopyBuffer::new(wanted.clone());
            let mut target = self.stop()?;
            target.copy_memory(buffer);
            stops.extend(target.release());
            // Dropped before the next walk, if it is of no use.
            if let Some((look, found)) = rehearsed.take()
                && target.is_as_seen_by(&look)
            {
                return finish(&target, found, target.bytes_read(), stops);
            }
            let found = self.look_at(&target);
            if target.had_all() {
                return finish(&target, found, target.bytes_read(), stops);
            }
            if target.interrupted() {
                return Err(TargetError::Interrupted);
            }
            wanted = union(wanted, target.asked_for());
        }
        let mut target = self.stop()?;
        let found = self.look_at(&target);
        stops.extend(target.release());
        finish(&target, found, target.bytes_read(), stops)
    }

    /// Inspects the process while it runs: see [`LiveProcess::unstopped`].
    ///
    /// # Errors
    /// When it has ended, or when the user asked to stop.
    pub fn inspect_running(&self) -> Result<Inspection, TargetError> {
        let target = self.unstopped()?;
        let found = self.look_at(&target);
        finish(&target, found, target.bytes_read(), Vec::new())
    }

    fn look_at(&self, target: &LiveTarget) -> Look {
        let report = walk::inspect(target, REGISTRY);
        let locals = match self.locals {
            Some(limits) => LocalTable::of(target, &report, &report.tasks, LIBRARIES, limits),
            None => LocalTable::default(),
        };
        let what_is = |address: &u64| whatis::of(target, &report, LIBRARIES, *address);
        let found = self.addresses.iter().map(what_is).collect();
        Look { report, locals, found }
    }
}

/// The threads of a process that sleep in a system call.
struct Asleep {
    pid: u64,
    threads: Vec<u64>,
}

impl Asleep {
    fn of(pid: u64) -> Self {
        let mut threads = proc::threads(pid).unwrap_or_default();
        threads.retain(|tid| Waiting::of(pid, *tid).is_some());
        Self { pid, threads }
    }

    /// Waits until all of them sleep again, but no longer than [`SETTLING`].
    fn wait_for(mut self) {
        let begun = Instant::now();
        loop {
            self.threads.retain(|tid| Waiting::of(self.pid, *tid).is_none());
            if self.threads.is_empty() || begun.elapsed() > SETTLING {
                return;
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Bytes in ranges that do not overlap.
fn size(ranges: &[Range<u64>]) -> u64 {
    ranges.iter().map(|range| range.end.saturating_sub(range.start)).fold(0, u64::saturating_add)
}

fn largest_copy() -> u64 {
    proc::available_memory().map_or(LARGEST_COPY, |bytes| LARGEST_COPY.min(bytes / 4))
}

fn finish(
    target: &LiveTarget,
    Look { mut report, locals, found }: Look,
    bytes_read: u64,
    stops: Vec<Duration>,
) -> Result<Inspection, TargetError> {
    if report.interrupted || target.interrupted() {
        return Err(TargetError::Interrupted);
    }
    report.problems.splice(0..0, target.problems().iter().cloned());
    Ok(Inspection { report, stops, bytes_read, locals, found })
}

/// What is in one of two lists of ranges.
fn union(one: Vec<Range<u64>>, other: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut all = [one, other].concat();
    all.sort_unstable_by_key(|range| (range.start, range.end));
    joined(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined() {
        let all = union(vec![10..20, 40..50], vec![5..12, 20..25, 42..45, 60..70]);
        assert_eq!(all, [5..25, 40..50, 60..70]);
    }
}
