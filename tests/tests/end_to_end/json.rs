//! The JSON report: valid by its schema, and the same from every front.

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::{DUMP, Front};
use end_to_end_tests::{subjects, task_dump};
use serde_json::Value;
use xtask::fixture::{Profile, Running};
use xtask::session::Subject;
use xtask::workspace;

const FRONTS: [Front; 3] = [Front::SystemGdb, Front::SystemLldb, Front::CommandLine];

/// Makes every field an error that the schema does not describe: its readers are to bear those that
/// are added, but here none may be forgotten.
fn forbid_others(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object) {
                members.insert("additionalProperties".to_string(), Value::Bool(false));
            }
            members.values_mut().for_each(forbid_others);
        }
        Value::Array(elements) => elements.iter_mut().for_each(forbid_others),
        _ => {}
    }
}

fn reports(running: &Running) -> Result<Vec<Value>> {
    reports_of(running, "--json")
}

/// The report of every front, with these options, which is as the schema has it.
fn reports_of(running: &Running, options: &str) -> Result<Vec<Value>> {
    let schema = std::fs::read_to_string(workspace::root().join("docs/report.schema.json"))?;
    let mut schema = serde_json::from_str(&schema)?;
    forbid_others(&mut schema);
    let schema = jsonschema::validator_for(&schema)?;
    let mut reports = Vec::new();
    for front in FRONTS {
        let outputs = front.ask(Subject::Process(running.pid()), &[format!("{DUMP} {options}")])?;
        let report: Value =
            serde_json::from_str(&outputs[0]).with_context(|| format!("{front:?}"))?;
        let faults: Vec<String> =
            schema.iter_errors(&report).map(|fault| fault.to_string()).collect();
        ensure!(faults.is_empty(), "{front:?}: {faults:?}");
        reports.push(report);
    }
    Ok(reports)
}

/// Every frame of a task, in the order of their numbers.
fn functions(frames: &Value, found: &mut Vec<String>) {
    for frame in frames.as_array().into_iter().flatten() {
        for branch in frame["children"].as_array().into_iter().flatten() {
            functions(branch, found);
        }
        found.push(format!("{} {}:{}", frame["function"], frame["file"], frame["line"]));
    }
}

#[test]
fn of_a_hung_service() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let reports = reports(&shop.service)?;
    for report in &reports {
        let tasks = report["tasks"].as_array().context("tasks")?;
        ensure!(tasks.len() == subjects::QUEUE + 2, "{tasks:?}");
        let mut found = Vec::new();
        tasks.iter().for_each(|task| functions(&task["frames"], &mut found));
        let mut first = Vec::new();
        let tasks = reports[0]["tasks"].as_array().context("tasks")?;
        tasks.iter().for_each(|task| functions(&task["frames"], &mut first));
        ensure!(found == first, "{found:?} and {first:?}");
        let restock = found.iter().filter(|frame| frame.contains("stock::restock")).count();
        ensure!(restock == 1, "{found:?}");
    }
    Ok(())
}

#[test]
fn of_running_and_blocking_tasks() -> Result<()> {
    reports(&subjects::fixture("running-tasks", Profile::Debug)?)?;
    let reports = reports(&subjects::fixture("combinators", Profile::Debug)?)?;
    for report in reports {
        let kinds: Vec<&str> = report["tasks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|task| task["kind"].as_str())
            .collect();
        for kind in ["task", "block_on", "local", "blocking"] {
            ensure!(kinds.contains(&kind), "{kind} is none of {kinds:?}");
        }
    }
    Ok(())
}

#[test]
fn of_tasks_that_were_spawned_somewhere() -> Result<()> {
    let (running, _) = task_dump::take(Profile::Debug)?;
    for report in reports(&running)? {
        let tasks = report["tasks"].as_array().context("tasks")?;
        ensure!(tasks.iter().filter(|task| task["spawned_at"].is_object()).count() == 25);
    }
    Ok(())
}

/// None is lost, and what is written is by the schema, too.
#[test]
fn of_many_tasks_in_few_words() -> Result<()> {
    let running = subjects::many_tasks(Profile::Release, 3_000)?;
    for report in reports_of(&running, "--json --brief")? {
        let tasks = report["tasks"].as_array().context("tasks")?;
        ensure!(tasks.len() < 1_000, "{}", tasks.len());
        let alike = report["alike"].as_array().context("the others")?.iter();
        let others: usize = alike.filter_map(|it| it["tasks"].as_array()).map(Vec::len).sum();
        ensure!(tasks.len() + others == 3_001, "{} and {others}", tasks.len());
    }
    Ok(())
}

#[test]
fn of_a_worker_that_is_blocked() -> Result<()> {
    let running = subjects::faults(Profile::Debug, "sleeping-worker")?;
    for report in reports(&running)? {
        let worker = &report["runtimes"][0]["workers"][0];
        ensure!(worker["state"] == "blocked", "{worker}");
        let tasks = report["tasks"].as_array().context("tasks")?;
        let blocked = tasks.iter().find(|task| task["id"] == "2").context("the task")?;
        let trust = &blocked["trust"];
        ensure!(trust["source"] == "native_stack" && trust["stale"] == true, "{trust}");
        let suspended = tasks.iter().find(|task| task["id"] == "main").context("main")?;
        ensure!(suspended["trust"]["source"] == "state_machines", "{}", suspended["trust"]);
    }
    Ok(())
}

#[test]
fn of_a_timer_that_nothing_looks_at() -> Result<()> {
    let running = subjects::faults(Profile::Debug, "long-loop")?;
    for report in reports(&running)? {
        let tasks = report["tasks"].as_array().context("tasks")?;
        let waits = tasks.iter().filter_map(|task| task["waiting_on"].as_array()).flatten();
        let timers: Vec<&Value> =
            waits.map(|wait| &wait["timer"]).filter(|it| !it.is_null()).collect();
        ensure!(timers.len() == 1 && timers[0]["state"] == "overdue", "{timers:?}");
        ensure!(timers[0]["clock"] == "stop", "{timers:?}");
        ensure!(timers[0]["overdue_ms"].as_u64().is_some_and(|it| it > 100), "{timers:?}");
    }
    Ok(())
}
