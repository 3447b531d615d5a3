//! One program with many versions of async-executor and async-task, and of async-std and smol.

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::{Front, built};
use xtask::fixture::{Profile, Running};
use xtask::runtimes::{Baking, EXECUTORS, ON_TOP};
use xtask::session::Subject;
use xtask::workspace::{command, root};

const PROFILES: [Profile; 2] = [Profile::Debug, Profile::Release];

/// The lines of the tasks, with one blank between columns and files without folders, which are left
/// out where there is no room, and but for what the task was made of, where that says no more.
const TASKS: [&str; 4] = [
    "1 idle baking::knead executor.rs:14 Mutex<u32> held by task 2 (executor.rs:14)",
    "2 idle baking::knead executor.rs:14 Mutex<u32> held by task 1 (executor.rs:14)",
    "3 idle baking::bake executor.rs:25 task 1 (idle)",
    "4 idle baking::carry executor.rs:19 a message on channel<u32>",
];

fn report(baking: &Baking, profile: Profile) -> Result<String> {
    let mut running = Running::start::<&str>(&baking.build(profile)?, &[])?;
    running.come_to_rest()?;
    let said = Front::CommandLine.ask(Subject::Process(running.pid()), &["async dump"])?;
    let blanks = |line: &str| {
        line.replace("src/executor", "executor").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    Ok(said.concat().lines().map(blanks).collect::<Vec<_>>().join("\n"))
}

fn check_doctor(baking: &Baking, profile: Profile) -> Result<()> {
    let mut doctor = command(&built()?.command_line, root());
    doctor.args(["doctor", "--expectations"]).arg(baking.build(profile)?);
    let output = doctor.output().context("it")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{}: {said}", baking.name());
    ensure!(said.contains("async_task::header::Header"), "{}: {said}", baking.name());
    Ok(())
}

fn check(baking: &Baking, profile: Profile, lines: &[&str]) -> Result<()> {
    let report = report(baking, profile)?;
    let is_said = |line: &&str| report.contains(*line);
    // smol 2 has a task of its own, for child processes.
    let wanted = ["\n1. Deadlock: tasks ", "\nComplete: "];
    let missing = lines.iter().chain(&wanted).find(|line| !is_said(line));
    ensure!(missing.is_none(), "{}: no {missing:?} in\n{report}", baking.name());
    check_doctor(baking, profile)
}

#[test]
#[ignore = "builds async-executor eighteen times; `cargo xtask test --full` runs it"]
fn every_version_of_async_executor_and_async_task() -> Result<()> {
    for baking in &EXECUTORS {
        for profile in PROFILES {
            check(baking, profile, &TASKS)?;
        }
    }
    Ok(())
}

#[test]
#[ignore = "builds async-std and smol eight times; `cargo xtask test --full` runs it"]
fn versions_of_async_std_and_smol() -> Result<()> {
    for baking in &ON_TOP {
        for profile in PROFILES {
            check(baking, profile, &[])?;
        }
    }
    Ok(())
}
