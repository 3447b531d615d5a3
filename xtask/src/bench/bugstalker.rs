//! Beside BugStalker, a debugger for Rust that knows tokio: debug builds, the multi-thread scheduler,
//! tokio 1.40 to 1.44.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, ensure};

use super::Bench;
use super::measure::{Measured, high_water, repeatedly};
use super::table::{Base, Group, Place};
use super::terminal::Terminal;
use crate::fixture::Running;
use crate::progress::Step;
use crate::story::write_package;
use crate::workspace::{self, cargo, exclusively, root, target};

const VERSION: &str = "0.4.9";

/// The newest tokio that it says to support.
const TOKIO: &str = "1.44.2";

const TASKS: [usize; 2] = [1_000, 100_000];

/// It may take so long.
const LIMIT: Duration = Duration::from_secs(300);

const PROMPT: &str = "(bs) ";

/// What stands in front of each task that it shows.
const TASK: &str = "Task id: ";

/// Installs it from the registry, once, and returns the program.
fn install() -> Result<PathBuf> {
    let folder = target().join("bugstalker");
    let program = folder.join("bin/bs");
    exclusively("bugstalker", || {
        if program.exists() {
            return Ok(());
        }
        let step = Step::begin(format!("installing BugStalker {VERSION} (minutes)"));
        let install = |options: &[&str]| {
            let mut install = cargo(root());
            install.args(["install", "bugstalker", "--version", VERSION, "--root"]).arg(&folder);
            install.arg("--target-dir").arg(folder.join("build"));
            workspace::run(install.args(options), &step)
        };
        // With the versions that its authors built it with, else with today's.
        install(&["--locked"]).or_else(|_| install(&[]))?;
        step.done();
        Ok(())
    })?;
    Ok(program)
}

/// Builds `many-tasks` with that tokio.
fn many_tasks() -> Result<PathBuf> {
    let folder = target().join("bench").join(format!("many-tasks-tokio-{TOKIO}"));
    exclusively("bench-bugstalker", || {
        let step = Step::begin(format!("building many-tasks with tokio {TOKIO}"));
        let here = root().join("xtask/src/bench");
        let source = root().join("tests/fixtures/many-tasks/src/main.rs");
        let (template, lock) = (here.join("many-tasks.toml.in"), here.join("many-tasks.lock"));
        write_package(&folder, &template, TOKIO, &lock, &[source])?;
        let mut build = cargo(&folder);
        build.args(["build", "--locked", "--target-dir"]).arg(folder.join("build"));
        workspace::run(&mut build, &step)?;
        step.done();
        Ok(())
    })?;
    Ok(folder.join("build/debug/many-tasks"))
}

/// What one run of it took and showed.
struct Listed {
    /// From its start to its prompt, and from the last key to the last line of the list.
    time: Duration,
    /// The most memory, in bytes.
    peak: u64,
    /// How many tasks it showed.
    tasks: usize,
}

/// A whole run: it attaches, lists every task that it finds, and leaves.
fn list(program: &Path, pid: u32) -> Result<Listed> {
    let begun = Instant::now();
    let mut terminal = Terminal::start(program, &["-p", &pid.to_string(), "--theme", "none"])?;
    terminal.until(LIMIT, |seen| seen.contains(PROMPT))?;
    let mut time = begun.elapsed();
    terminal.type_line("async backtrace all")?;
    let begun = Instant::now();
    let seen = terminal.until(LIMIT, |seen| {
        seen.rsplit_once("Known tasks:").is_some_and(|(_, tasks)| tasks.contains(PROMPT))
    })?;
    time += begun.elapsed();
    let peak = high_water(terminal.pid()).unwrap_or(0);
    terminal.type_line("quit")?;
    terminal.end(LIMIT)?;
    Ok(Listed { time, peak, tasks: seen.matches(TASK).count() })
}

impl Bench {
    /// Every task with its frames, by BugStalker and by unhang, of the same process.
    pub(super) fn beside_bugstalker(&mut self) -> Result<()> {
        if self.quick {
            self.say("BugStalker takes minutes to install, and is left out of a quick run.");
            return Ok(());
        }
        let program = many_tasks()?;
        let installed = install();
        for count in TASKS {
            let running = Running::start(&program, &[count.to_string()])?;
            let step = Step::begin(format!("measuring {count} tasks beside BugStalker"));
            let title = format!("{count} tasks, tokio {TOKIO}, debug build");
            let mut group = Group::new(title, Place::Nowhere);
            let pid = running.pid();
            let mut jobs = self.all_frames(pid);
            jobs.extend(self.dumps(pid));
            group.measure(self.runs, jobs)?;
            let what = format!("BugStalker {VERSION}, `async backtrace all`");
            let listed = match &installed {
                Ok(program) => self.lists(program, pid),
                Err(error) => Err(anyhow!("it cannot be installed: {error:#}")),
            };
            match listed {
                Ok((measured, shown)) => {
                    let note = format!("{shown} of {count} tasks shown");
                    group.add(what, measured, Base::Beside(0), note);
                }
                Err(error) => group.add_failure(what, &error),
            }
            self.groups.push(group);
            step.done();
        }
        Ok(())
    }

    /// Several runs, and how many tasks the last one showed.
    fn lists(&self, program: &Path, pid: u32) -> Result<(Measured, usize)> {
        let (times, (peak, shown)) = repeatedly(self.runs, || {
            let listed = list(program, pid)?;
            ensure!(Path::new(&format!("/proc/{pid}")).exists(), "it has ended the program");
            Ok((listed.time, (listed.peak, listed.tasks)))
        })?;
        Ok((Measured::of(times, peak), shown))
    }
}
