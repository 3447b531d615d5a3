//! The fuzz targets: built, and run over the corpus that the tree keeps for each.
//!
//! `fuzz/corpus/TARGET` is read and never written to; what a run finds goes to `target/fuzz/corpus`,
//! where the next run begins with it. `cargo xtask fuzz --keep` takes what is worth keeping from
//! there into the tree.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::progress::Step;
use crate::workspace::{self, cargo, root, target};

/// How the fuzzer learns which branches an input takes, as cargo-fuzz asks for it; without a
/// sanitizer, since the code is safe Rust, and many times slower with one. Overflow is checked, as in
/// debug builds: the profile says so.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                        -Cllvm-args=-sanitizer-coverage-pc-table \
                        -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// One input may take so many seconds: the slowest take some hundredths.
const LONGEST: u32 = 10;
/// And so many megabytes.
const LARGEST: u32 = 2048;

/// `cargo xtask fuzz`: runs each of these targets, or all, for so many seconds. `keep` then takes
/// into the tree what reaches code that the kept corpus does not.
pub fn run(only: &[String], seconds: u32, keep: bool) -> Result<()> {
    let all = targets()?;
    for name in only {
        ensure!(all.contains(name), "there is no fuzz target {name}: {}", all.join(", "));
    }
    let Some(built) = build()? else {
        bail!("the fuzz targets run with a nightly toolchain: `rustup toolchain install nightly`");
    };
    for name in all.iter().filter(|name| only.is_empty() || only.contains(name)) {
        let target = Target { name, program: built.join(name) };
        println!("{name:<16} {}", target.run(seconds)?);
        if keep {
            target.keep()?;
        }
    }
    Ok(())
}

/// Compiles all of them, without making programs of them, and so without the fuzzer.
pub(crate) fn compile() -> Result<()> {
    let step = Step::begin("cargo check (fuzz targets)");
    let mut check = cargo(&root().join("fuzz"));
    check.args(["check", "--locked", "--no-default-features", "--target-dir"]).arg(target());
    workspace::run(&mut check, &step)?;
    step.done();
    Ok(())
}

/// Builds all of them and runs each for so many seconds; without a nightly toolchain they are
/// only built.
pub(crate) fn check(seconds: u32) -> Result<()> {
    let Some(built) = build()? else { return Ok(()) };
    let names = targets()?;
    let outcomes = names.iter().map(|name| Target { name, program: built.join(name) }.run(seconds));
    let failures: Vec<String> =
        outcomes.filter_map(|outcome| Some(outcome.err()?.to_string())).collect();
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Their names.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let reading = || format!("reading {}", folder.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(reading)? {
        let path = entry.with_context(reading)?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Builds them, and returns the folder with the programs. `None` where there is no nightly toolchain,
/// without which they know nothing of coverage.
fn build() -> Result<Option<PathBuf>> {
    let folder = root().join("fuzz");
    let into = target().join("fuzz");
    let step = Step::begin("building the fuzz targets");
    let toolchains = workspace::command("rustup", root()).args(["toolchain", "list"]).output();
    let nightly = toolchains.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).lines().any(|line| line.starts_with("nightly"))
    });
    let mut build;
    let mut built = None;
    if nightly {
        let mut version = rustup(&["rustc", "-vV"], &folder);
        let version = workspace::run(&mut version, &step)?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc does not say what it runs on")?;
        // With a target named, build scripts and macros are built without the flags.
        build = rustup(&["cargo", "build", "--release", "--target", host], &folder);
        build.env("RUSTFLAGS", COVERAGE).env_remove("CARGO_ENCODED_RUSTFLAGS");
        built = Some(into.join(host).join("release"));
    } else {
        build = cargo(&folder);
        build.env("RUSTC_BOOTSTRAP", "1").arg("build");
    }
    build.args(["--locked", "--target-dir"]).arg(into);
    workspace::run(&mut build, &step)?;
    step.done();
    Ok(built)
}

/// A program of the nightly toolchain.
fn rustup(words: &[&str], folder: &Path) -> Command {
    let mut rustup = workspace::command("rustup", folder);
    rustup.args(["run", "nightly"]).args(words).env_remove("RUSTC").env_remove("CARGO");
    rustup
}

/// A fuzz target that is built.
struct Target<'t> {
    name: &'t str,
    program: PathBuf,
}

impl Target<'_> {
    /// The corpus in the tree.
    fn kept(&self) -> PathBuf {
        root().join("fuzz/corpus").join(self.name)
    }

    /// What runs have found.
    fn found(&self) -> Result<PathBuf> {
        created(target().join("fuzz/corpus").join(self.name))
    }

    /// Runs it, and returns what it says of the run at its end.
    fn run(&self, seconds: u32) -> Result<String> {
        let step = Step::begin(format!("fuzzing {} for {seconds} s", self.name));
        let artifacts = created(target().join("fuzz/artifacts").join(self.name))?;
        let mut fuzzer = workspace::command(&self.program, root());
        fuzzer
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-timeout={LONGEST}"))
            .arg(format!("-rss_limit_mb={LARGEST}"))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .arg("-print_final_stats=1")
            .arg(self.found()?)
            .arg(self.kept());
        let said = workspace::run(&mut fuzzer, &step).map_err(|error| self.failure(&error))?;
        let executed = number_behind(&said, "stat::number_of_executed_units:");
        let executed = executed.context("the fuzzer does not say how much it did")?;
        // Else nothing was fuzzed, however green it looks.
        ensure!(executed > 0, "{} executed no input", self.name);
        step.done();
        Ok(format!("{executed} executions, {} a second", executed / u64::from(seconds.max(1))))
    }

    /// What went wrong, and the input with which it did.
    fn failure(&self, error: &anyhow::Error) -> anyhow::Error {
        let said = format!("{error:#}");
        let input = said.lines().find_map(|line| line.split_once("Test unit written to "));
        let why =
            said.lines().find(|line| line.contains("panicked at") || line.contains("ERROR: "));
        match input {
            Some((_, path)) => anyhow::anyhow!(
                "{} fails with {path} ({}); run {} with it to see more",
                self.name,
                why.unwrap_or("it does not say why"),
                self.program.display()
            ),
            None => anyhow::anyhow!("{}: {said}", self.name),
        }
    }

    /// Copies from what runs have found what adds to the kept corpus.
    fn keep(&self) -> Result<()> {
        let step = Step::begin(format!("keeping what {} found", self.name));
        let mut merge = workspace::command(&self.program, root());
        merge.arg("-merge=1").arg(created(self.kept())?).arg(self.found()?);
        workspace::run(&mut merge, &step)?;
        step.done();
        Ok(())
    }
}

fn created(folder: PathBuf) -> Result<PathBuf> {
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

/// The number behind a word at the beginning of a line.
fn number_behind(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)?.trim().parse().ok())
}
