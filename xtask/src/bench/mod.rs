//! `cargo xtask bench`: what unhang costs, each figure beside one of something else from the same
//! run.

mod filler;
mod measure;
mod pass;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use self::measure::{Measured, measure};
use self::pass::Loaded;
use crate::fixture::{self, Profile, Running};
use crate::session::OFFLINE;
use crate::workspace::{cargo, command, root, target};
use crate::{build, debugger};

/// How many tasks, and how often 10 MB of debug information.
const TASKS: [usize; 4] = [10, 1_000, 100_000, 1_000_000];
const COPIES: [usize; 4] = [0, 5, 50, 120];
const QUICK: usize = 2;

/// The straightforward walk gets so much time, in seconds; what it would take for the rest is
/// reckoned from what it did.
const NAIVE_LIMIT: u32 = 120;

/// A line of the table.
struct Row {
    what: String,
    measured: Measured,
    /// The row that it is measured against: its place in the table.
    against: Option<usize>,
    note: String,
}

/// What is measured so far.
struct Bench {
    rows: Vec<Row>,
    runs: usize,
    unhang: PathBuf,
    gdb: PathBuf,
    script: PathBuf,
}

/// `cargo xtask bench`; quickly with the smaller programs, and one run of each.
pub fn run(quick: bool) -> Result<()> {
    if cfg!(debug_assertions) {
        return optimized(quick);
    }
    let built = build::build()?;
    std::fs::create_dir_all(target().join("bench")).context("creating a folder")?;
    let mut bench = Bench {
        rows: Vec::new(),
        runs: if quick { 1 } else { 5 },
        unhang: built.command_line,
        gdb: debugger::system_gdb()?.executable,
        script: root().join("gdb-python/unhang.py"),
    };
    let few = |all: &[usize]| all[..if quick { QUICK } else { all.len() }].to_vec();
    for tasks in few(&TASKS) {
        bench.tasks(tasks)?;
    }
    for copies in few(&COPIES) {
        bench.debug_information(copies)?;
    }
    let table = bench.table();
    println!("\n{table}\n");
    let file = target().join("bench/results.md");
    std::fs::write(&file, format!("{table}\n"))
        .with_context(|| format!("writing {}", file.display()))?;
    println!("{}", file.display());
    Ok(())
}

/// Starts this again as it is fair to measure with: gimli's pass runs in here.
fn optimized(quick: bool) -> Result<()> {
    let mut bench = cargo(root());
    bench.args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench"]);
    bench.args(quick.then_some("--quick"));
    let status = bench.status().context("starting itself")?;
    ensure!(status.success(), "the optimized build of this ended with {status}");
    Ok(())
}

impl Bench {
    fn add(
        &mut self,
        what: impl Into<String>,
        measured: Measured,
        against: Option<usize>,
        note: impl Into<String>,
    ) -> usize {
        self.rows.push(Row { what: what.into(), measured, against, note: note.into() });
        self.rows.len() - 1
    }

    /// So many tasks, in a program as it is shipped.
    fn tasks(&mut self, count: usize) -> Result<()> {
        let program = fixture::build("many-tasks", Profile::Release)?;
        let running = Running::start(&program, &[count.to_string()])?;
        let attach = self.gdb_alone(running.pid())?;
        let attach = self.add(format!("{count} tasks: gdb, attach and quit"), attach, None, "");
        let list = self.gdb_with_unhang(running.pid())?;
        self.add(format!("{count} tasks: gdb, `info async-tasks`"), list, Some(attach), "");
        let dump = self.dump(running.pid())?;
        let a_task = dump.peak / count as u64;
        let note = format!("{a_task} bytes a task at most");
        let dump = self.add(format!("{count} tasks: `unhang dump`"), dump, None, note);
        if count <= 100_000 {
            let program = fixture::build("many-tasks", Profile::Debug)?;
            let running = Running::start(&program, &[count.to_string()])?;
            let (naive, shown) = self.naive(running.pid(), count)?;
            let note = format!("{shown} shown; the debug build");
            self.add(format!("{count} tasks: gdb-Python walk"), naive, Some(dump), note);
        }
        Ok(())
    }

    /// So many times 10 MB of debug information.
    fn debug_information(&mut self, copies: usize) -> Result<()> {
        let program = filler::many_tasks(copies)?;
        let running = Running::start(&program, &["1000"])?;
        let loaded = Loaded::open(&program)?;
        let size = loaded.size()? >> 20;
        let attach = self.gdb_alone(running.pid())?;
        let attach = self.add(format!("{size} MB: gdb, attach and quit"), attach, None, "");
        let list = self.gdb_with_unhang(running.pid())?;
        self.add(format!("{size} MB: gdb, `info async-tasks`"), list, Some(attach), "");
        let dump = self.dump(running.pid())?;
        self.add(format!("{size} MB: `unhang dump`"), dump, Some(attach), "1000 tasks");
        let note = format!("{} entries", loaded.walk()?);
        let bare = Measured::of(loaded.times(self.runs)?, 0);
        drop(loaded);
        let bare = self.add(format!("{size} MB: gimli, every entry"), bare, None, note);
        let extract = measure(self.runs, &[0], &|| {
            let mut extract = command(&self.unhang, root());
            extract.arg("extract").arg(&program).arg("-o");
            extract.arg(target().join("bench/layouts.unhang"));
            Ok(extract)
        })?;
        self.add(format!("{size} MB: `unhang extract`"), extract, Some(bare), "");
        Ok(())
    }

    fn gdb(&self, pid: u32, commands: &[&str]) -> Command {
        let mut gdb = command(&self.gdb, root());
        gdb.args(OFFLINE).args(["-batch", "-p", &pid.to_string()]);
        for command in commands {
            gdb.args(["-ex", command]);
        }
        gdb
    }

    fn gdb_alone(&self, pid: u32) -> Result<Measured> {
        measure(self.runs, &[0], &|| Ok(self.gdb(pid, &[])))
    }

    fn gdb_with_unhang(&self, pid: u32) -> Result<Measured> {
        let load = format!("source {}", self.script.display());
        measure(self.runs, &[0], &|| Ok(self.gdb(pid, &[&load, "info async-tasks"])))
    }

    fn dump(&self, pid: u32) -> Result<Measured> {
        measure(self.runs, &[0], &|| {
            let mut dump = command(&self.unhang, root());
            dump.args(["dump", "--pid", &pid.to_string()]);
            Ok(dump)
        })
    }

    /// One run of the straightforward walk: its own time, without the attaching, and how many tasks
    /// it showed. What the time was not enough for is reckoned from that.
    fn naive(&self, pid: u32, count: usize) -> Result<(Measured, usize)> {
        let limit = format!("python LIMIT = {NAIVE_LIMIT}");
        let load = format!("source {}", root().join("xtask/src/bench/naive.py").display());
        let output = self.gdb(pid, &[&limit, &load]).output().context("the naive walk")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let end = text.lines().rev().find_map(|line| line.strip_prefix("naive: "));
        let (shown, time) = end.and_then(|end| end.split_once(' ')).with_context(|| {
            format!("the naive walk failed: {}", String::from_utf8_lossy(&output.stderr))
        })?;
        let (shown, time): (usize, f64) = (shown.parse()?, time.parse()?);
        let whole = time * count as f64 / shown.max(1) as f64;
        Ok((Measured::of(vec![Duration::from_secs_f64(whole)], 0), shown))
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["what", "median", "from", "to", "peak", "ratio", "note"]);
        for row in &self.rows {
            let (from, to) = row.measured.spread();
            let ratio = row.against.map_or_else(String::new, |against| {
                let other = self.rows[against].measured.median().as_secs_f64();
                format!("{:.2}", row.measured.median().as_secs_f64() / other)
            });
            let peak = match row.measured.peak {
                0 => String::new(),
                peak => format!("{} MB", peak >> 20),
            };
            let [median, from, to] = [row.measured.median(), from, to].map(seconds);
            table.add_row([row.what.clone(), median, from, to, peak, ratio, row.note.clone()]);
        }
        for column in 1..6 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}
