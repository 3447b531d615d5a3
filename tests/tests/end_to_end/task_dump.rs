//! tokio's own task dump as an independent witness.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::{DUMP, Front};
use end_to_end_tests::oracle::{difference, paths_of_task};
use end_to_end_tests::task_dump;
use serde_json::Value;
use xtask::fixture::Profile;
use xtask::session::Subject;
use xtask::workspace;

const FRONTS: [Front; 3] = [Front::CommandLine, Front::NewestGdb, Front::SystemLldb];

/// The tasks that tokio's dump has no trace of: a wait for I/O readiness is none of the futures
/// that note their stacks (`ScheduledIo::readiness`), and `FuturesUnordered` and `JoinSet` poll
/// only who was woken.
const UNTRACED: [&str; 3] =
    ["task_dump::shapes::accept", "task_dump::shapes::set", "task_dump::shapes::unordered"];

fn check(profile: Profile) -> Result<()> {
    let (running, dump) = task_dump::take(profile)?;
    for front in FRONTS {
        let outputs = front.ask(Subject::Process(running.pid()), &[format!("{DUMP} --json")])?;
        let report: Value =
            serde_json::from_str(&outputs[0]).with_context(|| format!("{front:?}"))?;
        let tasks = report["tasks"].as_array().context("tasks")?;
        let tasks: Vec<&Value> = tasks.iter().filter(|task| task["kind"] == "task").collect();
        let known: BTreeSet<&str> = tasks.iter().filter_map(|task| task["id"].as_str()).collect();
        ensure!(known == dump.keys().map(String::as_str).collect(), "{front:?}: {known:?}");

        let mut untraced = Vec::new();
        let mut faults = Vec::new();
        for task in tasks {
            let traces = &dump[task["id"].as_str().context("an id")?];
            let name = task["name"].as_str().context("a name")?;
            if traces.is_empty() {
                // The outermost frame is tokio's `Root`, the next the spawned function.
                let frames = task["frames"].as_array().context("frames")?;
                let function =
                    frames.iter().rev().nth(1).and_then(|frame| frame["function"].as_str());
                untraced.push(function.context("a function")?);
                continue;
            }
            match paths_of_task(&task["frames"]) {
                Ok(paths) => {
                    faults.extend(difference(traces, &paths).map(|text| format!("{name}: {text}")))
                }
                Err(error) => faults.push(format!("{name}: {error}")),
            }
        }
        ensure!(faults.is_empty(), "{front:?}, {profile:?}: {}", faults.join("\n"));
        untraced.sort_unstable();
        ensure!(untraced == UNTRACED, "{front:?}: {untraced:?}");
    }
    Ok(())
}

#[test]
fn every_frame_and_line_is_the_same() -> Result<()> {
    check(Profile::Debug)
}

#[test]
fn every_frame_and_line_is_the_same_in_an_optimized_build() -> Result<()> {
    check(Profile::Release)
}

/// The program was built with `--cfg tokio_unstable`: it records where each task was spawned.
#[test]
fn every_task_was_spawned_where_the_source_says() -> Result<()> {
    let (running, _) = task_dump::take(Profile::Debug)?;
    for front in FRONTS {
        let subject = Subject::Process(running.pid());
        let text = &front.ask(subject, &[format!("{DUMP} --json")])?[0];
        let report: Value = serde_json::from_str(text)?;
        let mut checked = 0;
        for task in report["tasks"].as_array().context("tasks")? {
            if task["kind"] != "task" {
                ensure!(task["spawned_at"].is_null(), "{task:#}");
                continue;
            }
            let file = task["spawned_at"]["file"].as_str().context("a file")?;
            let line = task["spawned_at"]["line"].as_u64().context("a line")?;
            let path = workspace::root().join("tests/fixtures").join(file);
            let source = std::fs::read_to_string(path).context("the source")?;
            let spawn = source.lines().nth(usize::try_from(line)? - 1).context("the line")?;
            // `Root<{async fn task_dump::shapes::sleeper}>`, or of a `Box<dyn Future>`.
            let name = task["name"].as_str().context("a name")?;
            let function = match name.split_once("task_dump::shapes::") {
                Some((_, rest)) => rest.trim_end_matches(['}', '>']),
                None => "boxed",
            };
            ensure!(
                spawn.contains("spawn(") && spawn.contains(&format!("{function}(")),
                "{name} at line {line}: {spawn}"
            );
            checked += 1;
        }
        ensure!(checked == 25, "{checked} tasks");
        let subject = Subject::Process(running.pid());
        let text = &front.ask(subject, &[DUMP])?[0];
        ensure!(text.contains(", spawned at task-dump/src/shapes.rs:"), "{text}");
    }
    Ok(())
}
