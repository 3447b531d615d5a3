//! Cost against tasks: `many-tasks` with so many of them.

use std::time::Duration;

use anyhow::{Context, Result};

use super::cache::Cache;
use super::measure::{Job, Measured, repeatedly};
use super::table::{Base, Group, Place};
use super::{Bench, notes};
use crate::fixture::{self, Profile, Running};
use crate::progress::Step;
use crate::workspace::root;

/// How many tasks; the first of them quickly.
const TASKS: [usize; 4] = [10, 1_000, 100_000, 1_000_000];
const QUICK: usize = 2;

/// The straightforward walk takes hours for more.
const MAX_FOR_THE_WALK: usize = 100_000;

/// The straightforward walk gets so much time, in seconds; what it would take for the rest is
/// reckoned from what it did.
const WALK_LIMIT: u32 = 300;

impl Bench {
    /// All of it.
    pub(super) fn tasks(&mut self) -> Result<()> {
        for &count in &TASKS[..if self.quick { QUICK } else { TASKS.len() }] {
            let group = self.optimized_tasks(count)?;
            self.groups.push(group);
            if count <= MAX_FOR_THE_WALK {
                let group = self.beside_the_walk(count)?;
                self.groups.push(group);
            }
        }
        if self.quick {
            self.say("100 000 and 1 000 000 tasks take minutes, and are left out of a quick run.");
        }
        Ok(())
    }

    /// A program as it is shipped.
    fn optimized_tasks(&self, count: usize) -> Result<Group> {
        let program = fixture::build("many-tasks", Profile::Release)?;
        let running = Running::start(&program, &[count.to_string()])?;
        let step = Step::begin(format!("measuring {count} tasks"));
        let mut group = Group::new(format!("{count} tasks"), Place::Tasks(count as f64));
        self.look(running.pid(), &mut group)?;
        step.done();
        Ok(group)
    }

    /// Every task with its frames, by unhang and by a walk as one writes it in gdb's Python, which
    /// needs an unoptimized program.
    fn beside_the_walk(&self, count: usize) -> Result<Group> {
        let program = fixture::build("many-tasks", Profile::Debug)?;
        let running = Running::start(&program, &[count.to_string()])?;
        let step = Step::begin(format!("measuring {count} tasks beside the walk in gdb's Python"));
        let title = format!("{count} tasks, debug build");
        let mut group = Group::new(title, Place::Tasks(count as f64));
        let pid = running.pid();
        let mut jobs = self.all_frames(pid);
        for cache in Cache::BOTH {
            let all = move || self.tools.with_unhang(&self.tools.gdb, pid, "async bt all");
            let job = Job::new("gdb, `async bt all`", all);
            jobs.push((job.with(cache).noting(notes::backtraces), Base::Alone));
        }
        group.measure(self.runs, jobs)?;
        let (times, shown) = repeatedly(self.runs, || self.walk(pid, count))?;
        let note = if shown < count {
            format!("{shown} tasks in {WALK_LIMIT} s; the time is reckoned from that")
        } else {
            format!("{shown} tasks, without what they wait for")
        };
        let what = "gdb-Python walk, attaching not counted";
        group.add(what, Measured::of(times, 0), Base::Beside(0), note);
        step.done();
        Ok(group)
    }

    /// `unhang dump` with a backtrace for each task, also where thousands stand in the same place.
    pub(super) fn all_frames(&self, pid: u32) -> Vec<(Job<'_>, Base)> {
        let job = |cache| {
            let job = Job::new("`unhang dump --all`", move || self.tools.dump(pid, &["--all"]));
            (job.with(cache).noting(notes::backtraces), Base::Alone)
        };
        Cache::BOTH.map(job).into()
    }

    /// One run of the straightforward walk: its own time, without the attaching, and how many tasks
    /// it showed. What the time was not enough for is reckoned from that.
    fn walk(&self, pid: u32, count: usize) -> Result<(Duration, usize)> {
        let limit = format!("python LIMIT = {WALK_LIMIT}");
        let load = format!("source {}", root().join("xtask/src/bench/naive.py").display());
        let mut gdb = self.tools.attach(&self.tools.gdb, pid, &[&limit, &load]);
        let output = gdb.output().context("starting gdb")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let end = text.lines().rev().find_map(|line| line.strip_prefix("naive: "));
        let (shown, time) = end.and_then(|end| end.split_once(' ')).with_context(|| {
            format!("the naive walk failed: {}", String::from_utf8_lossy(&output.stderr))
        })?;
        let (shown, time): (usize, f64) = (shown.parse()?, time.parse()?);
        let whole = time * count as f64 / shown.max(1) as f64;
        Ok((Duration::from_secs_f64(whole), shown))
    }
}
