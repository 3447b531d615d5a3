//! How long a program takes, and how much memory.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How often the memory of a program is looked at.
const EVERY: Duration = Duration::from_millis(2);

/// What several runs of one program took.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Each run, in order of time.
    times: Vec<Duration>,
    /// The largest resident set of any run, in bytes, as far as it was seen.
    pub(super) peak: u64,
}

impl Measured {
    /// The run in the middle.
    pub(super) fn median(&self) -> Duration {
        self.times[self.times.len() / 2]
    }

    /// The quickest and the slowest run.
    pub(super) fn spread(&self) -> (Duration, Duration) {
        (self.times[0], self.times[self.times.len() - 1])
    }

    /// What was timed by other means.
    pub(super) fn of(mut times: Vec<Duration>, peak: u64) -> Self {
        times.sort_unstable();
        Self { times, peak }
    }
}

/// Runs a command so often, one run after the other; its output is thrown away. It may end with any
/// of these exit codes.
pub(super) fn measure(
    runs: usize,
    codes: &[i32],
    command: &dyn Fn() -> Result<Command>,
) -> Result<Measured> {
    let mut times = Vec::with_capacity(runs);
    let mut peak = 0;
    for _ in 0..runs.max(1) {
        let mut command = command()?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        let code = loop {
            if let Some(code) = child.try_wait().context("its end")? {
                break code;
            }
            peak = peak.max(high_water(&status).unwrap_or(0));
            std::thread::sleep(EVERY);
        };
        times.push(begun.elapsed());
        ensure!(code.code().is_some_and(|code| codes.contains(&code)), "{command:?}: {code}");
    }
    Ok(Measured::of(times, peak))
}

fn high_water(status: &PathBuf) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}
