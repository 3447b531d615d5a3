//! How long programs take, and how much memory.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::cache::Cache;
use crate::workspace::target;

/// How often the memory of a program is looked at.
const EVERY: Duration = Duration::from_millis(2);

/// What has run for so long, all its runs together, is not run again.
const ENOUGH: Duration = Duration::from_secs(30);

/// Commands that take turns go on until they have run for so long, all together: what takes a few
/// milliseconds is hit by all that the machine does beside.
const AT_LEAST: Duration = Duration::from_secs(2);

/// But not more often than this.
const MAX: usize = 50;

/// A run that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(900);

/// What several runs of one program took.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Each run, in the order of the runs. There is one at least.
    times: Vec<Duration>,
    /// The largest resident set of any run, in bytes, as far as it was seen; 0 when it was not
    /// looked at.
    pub(super) peak: u64,
}

impl Measured {
    /// What was timed, run after run, and the most memory.
    pub(super) fn of(times: Vec<Duration>, peak: u64) -> Self {
        Self { times, peak }
    }

    /// The run in the middle; of an even number of runs, the mean of both.
    pub(super) fn median(&self) -> Duration {
        Duration::from_secs_f64(middle(self.times.iter().map(Duration::as_secs_f64)))
    }

    /// The quickest and the slowest run.
    pub(super) fn spread(&self) -> (Duration, Duration) {
        let quickest = self.times.iter().min().copied().unwrap_or_default();
        (quickest, self.times.iter().max().copied().unwrap_or_default())
    }

    /// How many runs there were.
    pub(super) fn runs(&self) -> usize {
        self.times.len()
    }

    /// How many seconds longer it took than another one, that ran in turn with it: the difference in
    /// the middle, of runs that stand beside each other. The machine was as busy for both.
    pub(super) fn beyond(&self, other: &Self) -> f64 {
        let pairs = self.times.iter().zip(&other.times);
        middle(pairs.map(|(one, two)| one.as_secs_f64() - two.as_secs_f64()))
    }
}

/// The median.
fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[half - 1] + values[half]) / 2.0
    } else {
        values[half]
    }
}

/// A command to be measured.
pub(super) struct Job<'a> {
    /// What is told to people: `` gdb, `info async-tasks` ``.
    pub(super) what: String,
    /// What unhang remembers when it begins.
    pub(super) cache: Cache,
    /// Makes the command, for each run anew.
    command: Box<dyn Fn() -> Command + 'a>,
    /// What the last run's output says of it.
    note: fn(&str) -> String,
}

impl<'a> Job<'a> {
    /// Of another program than unhang.
    pub(super) fn new(what: impl Into<String>, command: impl Fn() -> Command + 'a) -> Self {
        let command = Box::new(command);
        Self { what: what.into(), cache: Cache::Unused, command, note: |_| String::new() }
    }

    /// Of unhang, with nothing or everything remembered.
    pub(super) fn with(self, cache: Cache) -> Self {
        Self { cache, ..self }
    }

    /// With something to be told of the output.
    pub(super) fn noting(self, note: fn(&str) -> String) -> Self {
        Self { note, ..self }
    }

    /// One run: its time, and the most memory that was seen.
    fn run(&self) -> Result<(Duration, u64)> {
        self.cache.prepare()?;
        let mut command = (self.command)();
        self.cache.apply(&mut command);
        let output = File::create(output_file()).context("a file for its output")?;
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        let begun = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let mut child = Guard(child);
        let ended = AtomicBool::new(false);
        let (waited, time, peak) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| watch(pid, begun, &ended));
            // The end is waited for and not looked for: short runs would be measured in steps. The
            // process keeps its id until nobody looks at it any more.
            let end = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            let waited = waitid(Id::Pid(pid), end);
            let time = begun.elapsed();
            ended.store(true, Ordering::Relaxed);
            (waited, time, watch.join().unwrap_or_default())
        });
        waited.context("waiting for its end")?;
        let end = child.0.wait().context("its end")?;
        if time > LIMIT {
            bail!("{command:?} was not done after {} s", LIMIT.as_secs());
        }
        ensure!(end.success(), "{command:?}: {end}");
        Ok((time, peak))
    }
}

/// Looks at the memory of a process until it has ended, and ends it when it takes too long; returns
/// the largest resident set that was seen.
fn watch(pid: Pid, begun: Instant, ended: &AtomicBool) -> u64 {
    let mut peak = 0;
    while !ended.load(Ordering::Relaxed) {
        peak = peak.max(high_water(pid.as_raw().cast_unsigned()).unwrap_or(0));
        if begun.elapsed() > LIMIT {
            // It may have ended by now.
            let _ = kill(pid, Signal::SIGKILL);
        }
        std::thread::sleep(EVERY);
    }
    peak
}

/// Runs each of the commands so often, one after the other in turn, so that whatever else the
/// machine does befalls all of them alike; what takes long less often, and what is short more often,
/// unless it is to run once. Returns what each took, and what is to be noted of its output.
pub(super) fn in_turn(runs: usize, jobs: &[Job<'_>]) -> Result<Vec<(Measured, String)>> {
    let mut times = vec![Vec::new(); jobs.len()];
    let mut results = vec![(0, String::new()); jobs.len()];
    // What is warm remembers from here on, and other programs come from the disk.
    for job in jobs.iter().filter(|job| job.cache != Cache::Cold) {
        job.run()?;
    }
    let is_enough = |round: usize, times: &[Vec<Duration>]| {
        let total = times.iter().flatten().sum::<Duration>();
        round >= runs.max(1) && (runs <= 1 || round >= MAX || total >= AT_LEAST)
    };
    for round in 0.. {
        if is_enough(round, &times) {
            break;
        }
        for ((job, times), (peak, note)) in jobs.iter().zip(&mut times).zip(&mut results) {
            if times.iter().sum::<Duration>() >= ENOUGH {
                continue;
            }
            let (time, most) = job.run()?;
            times.push(time);
            *peak = most.max(*peak);
            let output = std::fs::read(output_file()).context("its output")?;
            *note = (job.note)(&String::from_utf8_lossy(&output));
        }
    }
    let measured = times.into_iter().zip(results);
    Ok(measured.map(|(times, (peak, note))| (Measured::of(times, peak), note)).collect())
}

/// Runs something that times itself, so often, or less often where it takes long; returns the times,
/// and what the last run has to say beside.
pub(super) fn repeatedly<T>(
    runs: usize,
    run: impl Fn() -> Result<(Duration, T)>,
) -> Result<(Vec<Duration>, T)> {
    let (first, mut last) = run()?;
    let mut times = vec![first];
    while times.len() < runs && times.iter().sum::<Duration>() < ENOUGH {
        let (time, said) = run()?;
        times.push(time);
        last = said;
    }
    Ok((times, last))
}

/// Where the output of a run goes.
fn output_file() -> PathBuf {
    target().join("bench/output.txt")
}

/// The largest resident set of a process that is alive, in bytes.
pub(super) fn high_water(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Ends the program when dropped, if it has not ended before.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Usually it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
