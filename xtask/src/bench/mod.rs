//! `cargo xtask bench`: what unhang costs, each figure beside one of something else from the same
//! run.

mod bugstalker;
mod cache;
mod debug_information;
mod filler;
mod large;
mod measure;
mod notes;
mod pass;
mod plot;
mod programs;
mod table;
mod tasks;
mod terminal;
mod tools;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use self::cache::Cache;
use self::measure::Job;
use self::table::{Base, Group, table};
use self::tools::{Tools, word};
use crate::workspace::{cargo, exclusively, root, target};

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Cost against tasks, and beside a walk in gdb's Python
    Tasks,
    /// Cost against debug information, made up with a C compiler
    DebugInformation,
    /// Extraction from programs of a usual size, all of Rust
    Programs,
    /// A large service, all of Rust
    Rust,
    /// Beside BugStalker
    Bugstalker,
}

/// What is measured so far.
struct Bench {
    groups: Vec<Group>,
    /// What is to be said below the table.
    sentences: Vec<String>,
    quick: bool,
    runs: usize,
    tools: Tools,
}

/// `cargo xtask bench`; quickly with the smaller programs, and one run of each; only those parts,
/// where there are any.
pub fn run(quick: bool, only: &[Part]) -> Result<()> {
    if cfg!(debug_assertions) {
        return optimized(quick, only);
    }
    // Two at a time would measure each other, and empty each other's cache.
    exclusively("measuring", || parts(quick, only))
}

/// `cargo xtask gimli-pass`, which the measurement starts.
pub fn gimli_pass(program: &Path) -> Result<()> {
    pass::run(program)
}

fn parts(quick: bool, only: &[Part]) -> Result<()> {
    std::fs::create_dir_all(target().join("bench")).context("creating a folder")?;
    Cache::Warm.empty()?;
    let runs = if quick { 1 } else { 5 };
    let tools = Tools::find()?;
    let mut bench = Bench { groups: Vec::new(), sentences: Vec::new(), quick, runs, tools };
    for part in Part::value_variants() {
        if !only.is_empty() && !only.contains(part) {
            continue;
        }
        match part {
            Part::Tasks => bench.tasks()?,
            Part::DebugInformation => bench.debug_information()?,
            Part::Programs => bench.programs()?,
            Part::Rust => bench.large()?,
            Part::Bugstalker => bench.beside_bugstalker()?,
        }
    }
    bench.write(only)
}

/// Starts this again as it is fair to measure with: gimli's pass runs in here.
fn optimized(quick: bool, only: &[Part]) -> Result<()> {
    let mut bench = cargo(root());
    bench.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]);
    bench.args(quick.then_some("--quick"));
    for part in only {
        bench.args(["--only", &part_name(*part)]);
    }
    let status = bench.status().context("starting itself")?;
    ensure!(status.success(), "the optimized build of this ended with {status}");
    Ok(())
}

/// As the command line has it.
fn part_name(part: Part) -> String {
    part.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

impl Bench {
    /// Says something below the table.
    fn say(&mut self, sentence: impl Into<String>) {
        self.sentences.push(sentence.into());
    }

    /// A look at a process: by each debugger, without unhang and with it, and by `unhang dump`.
    fn look(&self, pid: u32, group: &mut Group) -> Result<()> {
        let mut jobs = Vec::new();
        for debugger in self.tools.debuggers() {
            let name = word(debugger);
            let alone = jobs.len();
            let attach = Job::new(format!("{name}, attach and quit"), move || {
                self.tools.attach(debugger, pid, &[])
            });
            jobs.push((attach, Base::Alone));
            for cache in Cache::BOTH {
                let list = Job::new(format!("{name}, `info async-tasks`"), move || {
                    self.tools.with_unhang(debugger, pid, "info async-tasks")
                });
                jobs.push((list.with(cache).noting(notes::tasks), Base::Without(alone)));
            }
        }
        jobs.extend(self.dumps(pid));
        group.measure(self.runs, jobs)
    }

    /// `unhang dump`, a first and a further one.
    fn dumps(&self, pid: u32) -> [(Job<'_>, Base); 2] {
        Cache::BOTH.map(|cache| {
            let dump = Job::new("`unhang dump`", move || self.tools.dump(pid, &[]));
            (dump.with(cache).noting(notes::tasks), Base::Alone)
        })
    }

    /// Writes the table and the plots, and shows the table.
    fn write(&self, only: &[Part]) -> Result<()> {
        let mut name: Vec<String> = only.iter().map(|&part| part_name(part)).collect();
        if self.quick {
            name.push("quick".to_owned());
        }
        if name.is_empty() {
            name.push("full".to_owned());
        }
        let folder = target().join("bench/results").join(name.join("-"));
        std::fs::create_dir_all(&folder).context("creating a folder")?;
        let mut text = format!("{}\n\n{}\n", self.setting(), table(&self.groups));
        for sentence in &self.sentences {
            text.push_str(&format!("\n{sentence}\n"));
        }
        println!("\n{text}");
        let file = folder.join("results.md");
        std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
        println!("{}", file.display());
        for file in plot::draw(&self.groups, &folder)? {
            println!("{}", file.display());
        }
        Ok(())
    }

    /// What it ran on.
    fn setting(&self) -> String {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let [gdb, lldb] = self.tools.debuggers().map(|debugger| &debugger.version);
        format!(
            "{processors} processors, gdb {gdb}, lldb {lldb}; runs of each: {}, of what takes long fewer, of what is short more.",
            self.runs
        )
    }
}
