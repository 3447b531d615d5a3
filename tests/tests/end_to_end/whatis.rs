//! What lies at an address, which every front says in the same words.

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{CoreFile, DUMP, Front};
use end_to_end_tests::subjects;
use serde_json::Value;
use xtask::fixture::Profile;
use xtask::session::Subject;

/// Asks for a lock, a guard, the state machine that has it, the leaf that waits, and for nothing.
fn check(name: &str, subject: Subject<'_>, debugger: Front) -> Result<()> {
    let json = Front::CommandLine.ask(subject, &[format!("{DUMP} --json")])?.concat();
    let report: Value = serde_json::from_str(&json)?;
    let tasks = report["tasks"].as_array().context("tasks")?;
    let waiting = tasks.iter().find(|task| task["id"] == "3").context("task 3")?;
    let text = |value: &Value| value.as_str().map(str::to_string).context("an address");
    let frames = waiting["frames"].as_array().context("frames")?;
    let mut addresses = vec![text(&waiting["waiting_on"][0]["address"])?];
    for frame in [frames.first(), frames.last()] {
        addresses.push(text(&frame.context("a frame")?["address"])?);
    }
    addresses.push("0x10".into());

    let commands: Vec<String> = addresses.iter().map(|at| format!("async whatis {at}")).collect();
    let options: Vec<String> = addresses.iter().map(|at| format!(" --whatis {at}")).collect();
    let said = debugger.ask(subject, &commands)?.into_iter().map(|text| without_stacks(&text));
    let said: Vec<String> = said.collect();
    let all = Front::CommandLine.ask(subject, &[format!("{DUMP}{}", options.concat())])?.concat();
    ensure!(without_stacks(&all) == said.concat(), "{all}\nand\n{}", said.concat());

    let command = format!("{DUMP} --json{}", options.concat());
    let json = Front::CommandLine.ask(subject, &[command])?.concat();
    let report: Value = serde_json::from_str(&json)?;
    let found = report["whatis"].as_array().context("whatis")?;
    ensure!(
        found.len() == addresses.len() && found[0]["places"][0]["kind"] == "mutex",
        "{found:?}"
    );
    ensure!(found[3]["places"] == Value::Array(Vec::new()), "{found:?}");
    ensure!(found[3]["readable"] == false, "{found:?}");

    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    Case { name, commands: &commands, fronts: &[], modes: &[] }.compare(&said);
    Ok(())
}

/// What a thread has forgotten may lie on its stack or not.
fn without_stacks(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("  something on the stack of ")).collect()
}

#[test]
fn of_a_lock_and_of_who_waits_for_it() -> Result<()> {
    let running = subjects::faults(Profile::Debug, "two-locks")?;
    check("whatis", Subject::Process(running.pid()), Front::SystemGdb)?;
    let core = CoreFile::of(&running)?;
    let subject = Subject::Core { core: core.path(), executable: running.executable() };
    check("whatis", subject, Front::NewestLldb)
}

#[test]
fn of_a_lock_and_of_who_waits_for_it_optimized() -> Result<()> {
    let running = subjects::faults(Profile::Release, "two-locks")?;
    check("whatis", Subject::Process(running.pid()), Front::SystemLldb)?;
    let core = CoreFile::of(&running)?;
    let subject = Subject::Core { core: core.path(), executable: running.executable() };
    check("whatis", subject, Front::NewestGdb)
}
