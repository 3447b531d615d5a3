//! What cannot be shown is said in one clear sentence.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DEBUGGERS, Front, GDBS, LLDBS, Mode, built};
use end_to_end_tests::subjects;
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;
use xtask::workspace;

const LIVE: &[Mode] = &[Mode::Live];

/// Every command that shows something answers with a sentence, and it is the one
/// in the golden text.
fn refused(name: &str, fronts: &[Front], subject: Subject<'_>) -> Result<()> {
    let commands = &["info async-tasks", "async bt", "async bt all", "async workers"];
    for front in fronts {
        for output in front.ask(subject, commands)? {
            is_a_sentence(*front, &output)?;
        }
    }
    Case { name, commands, fronts, modes: LIVE }.check_subject(subject)
}

fn is_a_sentence(front: Front, output: &str) -> Result<()> {
    let text = output.trim_end();
    ensure!(!text.is_empty(), "{front:?} says nothing");
    ensure!(!text.contains("Traceback") && !text.contains("Python Exception"), "{front:?}: {text}");
    ensure!(text.lines().count() == 1 && text.ends_with('.'), "{front:?}: {text}");
    Ok(())
}

#[test]
fn no_process() -> Result<()> {
    let executable = fixture::build("many-tasks", Profile::Debug)?;
    // Each debugger has commands of its own that start a process.
    for (name, fronts) in [("bad-no-process", GDBS), ("bad-no-process-lldb", LLDBS)] {
        refused(name, fronts, Subject::Nothing)?;
        refused(name, fronts, Subject::Executable(&executable))?;
    }
    Ok(())
}

#[test]
fn a_program_in_c() -> Result<()> {
    let running = Running::start::<&str>(&fixture::plain_c()?, &[])?;
    refused("bad-plain-c", DEBUGGERS, Subject::Process(running.pid()))
}

#[test]
fn rust_without_tokio() -> Result<()> {
    let running = subjects::fixture("no-tokio", Profile::Debug)?;
    refused("bad-no-tokio", DEBUGGERS, Subject::Process(running.pid()))
}

#[test]
fn a_stripped_program() -> Result<()> {
    let whole = fixture::build("many-tasks", Profile::Release)?;
    let copy = whole.with_file_name("many-tasks-stripped");
    fixture::strip(&whole, &copy)?;
    let running = Running::start(&copy, &["8"])?;
    refused("bad-stripped", DEBUGGERS, Subject::Process(running.pid()))
}

#[test]
fn debug_information_without_types() -> Result<()> {
    let running = subjects::many_tasks(Profile::Lines, 8)?;
    refused("bad-lines-only", DEBUGGERS, Subject::Process(running.pid()))
}

#[test]
fn an_id_that_does_not_exist() -> Result<()> {
    let running = subjects::many_tasks(Profile::Debug, 1)?;
    Case {
        name: "bad-id",
        commands: &["async bt 999", "async task 999", "async bt no-number", "async bt 3 999"],
        fronts: DEBUGGERS,
        modes: LIVE,
    }
    .check(&running)
}

#[test]
fn arguments_that_make_no_sense() -> Result<()> {
    let running = subjects::many_tasks(Profile::Debug, 1)?;
    Case {
        name: "bad-arguments",
        commands: &[
            "info async-tasks --no-such-option",
            "info async-tasks --limit many",
            "info async-tasks --state",
            "async frame one",
            "async task",
            "async bt --no-such-option",
            "async layouts load",
        ],
        fronts: DEBUGGERS,
        modes: LIVE,
    }
    .check(&running)?;
    // lldb itself knows which commands there are, and says so.
    Case { name: "bad-command", commands: &["async no-such-command"], fronts: GDBS, modes: LIVE }
        .check(&running)
}

#[test]
fn memory_that_is_gone() -> Result<()> {
    let running = subjects::fixture("torn-memory", Profile::Debug)?;
    Case {
        name: "bad-torn-memory",
        commands: &["info async-tasks", "async bt all"],
        fronts: DEBUGGERS,
        modes: LIVE,
    }
    .check(&running)?;
    exits_with_3(running.pid())
}

/// The command line says in its exit code too that something is missing, and JSON as a field.
fn exits_with_3(pid: u32) -> Result<()> {
    let built = built()?;
    let mut dump = workspace::command(&built.command_line, workspace::root());
    let output = dump.args(["dump", "--json", "-p", &pid.to_string()]).output();
    let output = output.context("running `unhang dump`")?;
    ensure!(output.status.code() == Some(3), "{:?}", output.status);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).context("JSON")?;
    ensure!(report["complete"] == false, "{}", report["complete"]);
    let missing = report["missing"].to_string();
    ensure!(missing.contains("Task 1: <unreadable 0x"), "{missing}");
    Ok(())
}

/// A refused file leaves everything as it was: the list is still complete.
#[test]
fn a_layout_file_that_is_none() -> Result<()> {
    let folder = workspace::target().join("layout-files");
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let write = |name: &str, contents: &[u8]| -> Result<()> {
        let mut file = std::fs::File::create(folder.join(name)).context("creating a file")?;
        file.write_all(contents).context("writing it")
    };
    write("empty", b"")?;
    write("text", b"this is no layout file\n")?;
    write("zeros", &[0; 65536])?;
    let whole = layout_file_of("no-tokio", &folder.join("foreign"))?;
    write("truncated", &whole[..whole.len() / 2])?;
    let mut damaged = whole;
    // The checksum at its end: what else were damaged would be told in as many ways.
    damaged.last_mut().into_iter().for_each(|byte| *byte = !*byte);
    write("damaged", &damaged)?;

    let names = ["missing", "empty", "text", "zeros", "truncated", "damaged", "foreign"];
    let mut commands: Vec<String> = names
        .iter()
        .map(|name| format!("async layouts load {}", folder.join(name).display()))
        .collect();
    commands.push("info async-tasks".to_owned());
    let running = subjects::many_tasks(Profile::Debug, 1)?;
    let subject = Subject::Process(running.pid());
    for front in DEBUGGERS {
        let outputs = front.ask(subject, &commands)?;
        for output in &outputs[..names.len()] {
            is_a_sentence(*front, output)?;
        }
    }
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    Case { name: "bad-layout-files", commands: &commands, fronts: DEBUGGERS, modes: LIVE }
        .check_subject(subject)
}

/// What `unhang extract` writes for a fixture.
fn layout_file_of(name: &str, file: &Path) -> Result<Vec<u8>> {
    let executable = fixture::build(name, Profile::Debug)?;
    let built = built()?;
    let mut extract = workspace::command(&built.command_line, workspace::root());
    extract.arg("extract").arg(executable).arg("-o").arg(file);
    let output = extract.output().context("running `unhang extract`")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(file).context("reading the layout file")
}
