//! `cargo xtask test`: everything that is checked before a change goes in.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use console::style;

use crate::aarch64::AArch64;
use crate::fixture::{self, Profile};
use crate::progress::Step;
use crate::workspace::{self, cargo, root, target};
use crate::{aarch64, architecture, build, debugger, fuzz, page, publish, python, story, vscode};

/// What ruff and mypy look at.
const PYTHON_FOLDERS: [&str; 3] = ["native-module/python", "gdb-python", "lldb-python"];

/// The Python tools, and the types of gdb's module.
const PYTHON_TOOLS: [&str; 3] = ["ruff==0.17.6", "mypy==2.4.1", "types-gdb==16.3.0.20260712"];

/// How long each fuzz target runs, in seconds, where all is tried.
const FUZZING: u32 = 60;

/// The variable of the environment with which every debugger of an end-to-end test looks at the
/// process and at its core file. Without it each looks at one of the two.
pub const EVERY_LOOK: &str = "UNHANG_TEST_EVERY_LOOK";

type Check = (&'static str, fn() -> Result<()>);

/// In this order, the quick ones first; what a full run does otherwise comes behind them.
/// A failure does not keep the rest from running.
const CHECKS: &[Check] = &[
    ("formatting", formatting),
    ("architecture", architecture::check),
    ("Python lints", python_lints),
    ("Python types", python_types),
    ("report page", page::check),
    ("VS Code extension", vscode::check),
    ("lints", lints),
    ("documentation", documentation),
    ("unit tests", unit_tests),
];

/// `cargo xtask test`; in full with those end-to-end tests that take minutes to build.
pub fn run(full: bool) -> Result<()> {
    let fuzz_targets = || if full { fuzz::check(FUZZING) } else { fuzz::compile() };
    let crates = || publish::check(full);
    let end_to_end = || end_to_end_tests(full);
    let checks = CHECKS.iter().map(|(name, check)| (*name, check as &dyn Fn() -> Result<()>));
    let of_programs = &lints_of_programs as &dyn Fn() -> Result<()>;
    let in_full = full.then_some(("lints of programs", of_programs));
    let mut results: Vec<(&str, Duration, Result<()>)> = Vec::new();
    let behind = [
        ("fuzz targets", &fuzz_targets as &dyn Fn() -> _),
        ("crates to publish", &crates as _),
        ("end-to-end tests", &end_to_end as _),
    ];
    for (name, check) in checks.chain(in_full).chain(behind) {
        let begun = Instant::now();
        let result = check();
        if let Err(error) = &result {
            eprintln!("{error:#}");
        }
        results.push((name, begun.elapsed(), result));
    }

    println!();
    for (name, time, result) in &results {
        let said = match result {
            Ok(()) => style("ok    ").green(),
            Err(_) => style("FAILED").red().bold(),
        };
        println!("{said}  {name:<18} {:>7.1} s", time.as_secs_f64());
    }
    let failed = results.iter().filter(|(_, _, result)| result.is_err()).count();
    ensure!(failed == 0, "{failed} of {} checks failed", results.len());
    Ok(())
}

/// Runs cargo in a folder of the repository, as a step with a title.
fn cargo_step(title: &str, folder: &str, arguments: &[&str]) -> Result<()> {
    let step = Step::begin(title);
    workspace::run(cargo(&root().join(folder)).args(arguments), &step)?;
    step.done();
    Ok(())
}

fn formatting() -> Result<()> {
    cargo_step("cargo fmt", ".", &["fmt", "--all", "--check"])?;
    cargo_step("cargo fmt (fixtures)", "tests/fixtures", &["fmt", "--all", "--check"])?;
    cargo_step("cargo fmt (large)", "tests/large", &["fmt", "--all", "--check"])?;
    cargo_step("cargo fmt (clients)", "tests/clients", &["fmt", "--all", "--check"])?;
    cargo_step("cargo fmt (plugins)", "tests/plugins", &["fmt", "--all", "--check"])
}

/// What is a lint, is an error.
const CLIPPY: [&str; 7] =
    ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];

fn lints() -> Result<()> {
    cargo_step("cargo clippy", ".", &CLIPPY)
}

/// The lints of the programs that are looked at: their hundreds of dependencies are checked for it,
/// which takes longer than to build what a change touches.
fn lints_of_programs() -> Result<()> {
    cargo_step("cargo clippy (fixtures)", "tests/fixtures", &CLIPPY)?;
    cargo_step("cargo clippy (plugins)", "tests/plugins", &CLIPPY)?;
    cargo_step("cargo clippy (clients)", "tests/clients", &CLIPPY)
}

fn documentation() -> Result<()> {
    let step = Step::begin("cargo doc");
    let mut doc = cargo(root());
    doc.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    workspace::run(&mut doc, &step)?;
    step.done();
    Ok(())
}

fn unit_tests() -> Result<()> {
    let test =
        ["test", "--workspace", "--exclude", "end-to-end-tests", "--locked", "--no-fail-fast"];
    cargo_step("cargo test", ".", &test)
}

/// The folders with Python in them that are there.
fn python_folders() -> Vec<&'static str> {
    PYTHON_FOLDERS.into_iter().filter(|folder| root().join(folder).is_dir()).collect()
}

fn python_tool(name: &str) -> Result<PathBuf> {
    Ok(python::environment("python-tools", &PYTHON_TOOLS)?.join("bin").join(name))
}

fn python_lints() -> Result<()> {
    let ruff = python_tool("ruff")?;
    for arguments in [&["check", "--quiet"][..], &["format", "--check", "--quiet"]] {
        let step = Step::begin(format!("ruff {}", arguments[0]));
        let mut ruff = workspace::command(&ruff, root());
        workspace::run(ruff.args(arguments).args(python_folders()), &step)?;
        step.done();
    }
    Ok(())
}

fn python_types() -> Result<()> {
    let step = Step::begin("mypy");
    let mut mypy = workspace::command(python_tool("mypy")?, root());
    mypy.arg("--cache-dir").arg(target().join("mypy")).args(python_folders());
    workspace::run(&mut mypy, &step)?;
    step.done();
    Ok(())
}

/// Builds what the tests look at before they run, so that none of them waits.
fn end_to_end_tests(full: bool) -> Result<()> {
    build::build()?;
    debugger::system_gdb()?;
    debugger::newest_gdb()?;
    debugger::system_lldb()?;
    debugger::newest_lldb()?;
    debugger::gdbserver()?;
    debugger::node()?;
    debugger::lldb_dap()?;
    for &(name, profile) in fixture::NEEDED {
        fixture::build(name, profile)?;
    }
    for &(name, profile) in fixture::NEEDED_UNSTABLE {
        fixture::build_unstable(name, profile)?;
    }
    for &(name, profile) in fixture::NEEDED_PLUGINS {
        fixture::plugin(name, profile)?;
    }
    if full {
        debugger::postgres()?;
        debugger::redis()?;
        for name in fixture::CLIENTS {
            fixture::client(name, Profile::Debug)?;
            fixture::client(name, Profile::Release)?;
        }
    }
    for (story, _) in story::DIAGONAL {
        story.build()?;
    }
    for &(name, profile) in aarch64::NEEDED {
        AArch64::tools()?.build(name, profile)?;
    }
    let step = Step::begin("end-to-end tests");
    let mut test = cargo(root());
    test.args(["test", "--package", "end-to-end-tests", "--locked", "--no-fail-fast"]);
    if full {
        test.args(["--", "--include-ignored"]).env(EVERY_LOOK, "1");
    }
    // Failures say what went wrong; where in the harness is of no interest.
    test.env("RUST_BACKTRACE", "0");
    // Programs take a moment to hang, and debuggers wait for them.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    test.env("RUST_TEST_THREADS", (processors + processors.div_ceil(2)).to_string());
    workspace::run(&mut test, &step)?;
    step.done();
    Ok(())
}
