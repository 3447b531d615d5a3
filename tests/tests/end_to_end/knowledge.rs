//! Primitives that unhang does not know: what a file, a section of the program or a layout file says
//! of them, and what is said of a text that is wrong.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DUMP, Front, Mode, built};
use end_to_end_tests::neutral::neutral;
use end_to_end_tests::subjects;
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;
use xtask::workspace;

/// What says what a `Sluice` of the fixture `pools` is.
fn lock() -> PathBuf {
    workspace::root().join("tests/fixtures/pools/lock.toml")
}

/// The first finding of a text.
fn finding(text: &str) -> Result<String> {
    let begin = text.find("1. ").with_context(|| format!("no finding: {text}"))?;
    let rest = &text[begin..];
    Ok(neutral(&rest[..rest.find("\n\n").unwrap_or(rest.len())]).trim_end().to_owned())
}

/// What the command line says, with a variable in its environment.
fn unhang(arguments: &[&str], variable: Option<&Path>) -> Result<(Option<i32>, String)> {
    let mut command = workspace::command(&built()?.command_line, workspace::root());
    command.args(arguments);
    if let Some(listed) = variable {
        command.env("UNHANG_KNOWLEDGE", listed);
    }
    let output = command.output().context("running unhang")?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
}

fn dump(running: &Running, options: &[&str], variable: Option<&Path>) -> Result<String> {
    let pid = running.pid().to_string();
    unhang(&[&["dump", "-p", &pid], options].concat(), variable).map(|(_, text)| text)
}

/// One golden for both profiles, live and core, and what the command line says is the same.
fn sluice(looks: &[(Profile, Front, Mode)]) -> Result<()> {
    let load = format!("async knowledge load {}", lock().display());
    for (profile, front, mode) in looks {
        let running = subjects::pools(*profile, "own-sluice")?;
        Case {
            name: "why-own-sluice",
            commands: &["async why", &load, "async knowledge", "async why", "async locks"],
            fronts: &[*front],
            modes: &[*mode],
        }
        .check(&running)?;
        let subject = Subject::Process(running.pid());
        let told = front.ask(subject, &[&*load, "async why"])?.concat();
        let given = format!("{DUMP} --knowledge {}", lock().display());
        let dumped = Front::CommandLine.ask(subject, &[given])?.concat();
        ensure!(finding(&told)? == finding(&dumped)?, "{told}\n{dumped}");
    }
    Ok(())
}

#[test]
fn a_file_says_what_a_lock_is() -> Result<()> {
    sluice(&[
        (Profile::Debug, Front::SystemGdb, Mode::Live),
        (Profile::Release, Front::NewestLldb, Mode::Core),
    ])
}

#[test]
#[ignore = "every debugger; `cargo xtask test --full` runs it"]
fn a_file_says_what_a_lock_is_in_every_debugger() -> Result<()> {
    for front in [Front::SystemGdb, Front::NewestGdb, Front::SystemLldb, Front::NewestLldb] {
        for profile in [Profile::Debug, Profile::Release] {
            sluice(&[(profile, front, Mode::Live), (profile, front, Mode::Core)])?;
        }
    }
    Ok(())
}

/// By the environment, and in a layout file of a stripped program, with the section's own text.
#[test]
fn what_is_declared_is_where_it_is_looked_for() -> Result<()> {
    let running = subjects::pools(Profile::Debug, "own-sluice")?;
    let expected = finding(&dump(&running, &["--knowledge", &lock().to_string_lossy()], None)?)?;
    ensure!(expected.contains("Sluice<Chart>") && expected.contains("Harbor<Ship>"), "{expected}");
    let by_environment = dump(&running, &[], Some(&lock()))?;
    ensure!(finding(&by_environment)? == expected, "{by_environment}");
    let json = dump(&running, &["--json"], Some(&lock()))?;
    for origin in [&*lock().to_string_lossy(), "section .unhang_knowledge of pools"] {
        ensure!(json.contains(&format!("\"declared_in\":\"{origin}\"")), "{origin}: {json}");
    }

    let folder = workspace::target().join("deployed/knowledge");
    std::fs::create_dir_all(&folder)?;
    let (whole, stripped) = (fixture::build("pools", Profile::Debug)?, folder.join("pools"));
    let layouts = folder.join("pools.unhang");
    let (lock, layouts) = (lock().display().to_string(), layouts.display().to_string());
    let whole = whole.display().to_string();
    let said = unhang(&["extract", &whole, "--knowledge", &lock, "-o", &layouts], None)?;
    ensure!(said.0 == Some(0), "{}", said.1);
    fixture::strip(Path::new(&whole), &stripped)?;
    let mut running = Running::start(&stripped, &["own-sluice"])?;
    running.come_to_rest()?;
    let by_file = dump(&running, &[], None)?;
    ensure!(finding(&by_file)? == expected, "{by_file}");
    Ok(())
}

/// Of a wrong text one sentence says what is wrong, and the rest is shown.
#[test]
fn a_text_that_is_wrong_changes_nothing_else() -> Result<()> {
    let folder = workspace::target().join("knowledge");
    std::fs::create_dir_all(&folder)?;
    let head = "unhang = 1\nlibrary = \"wrong\"\n";
    let resource = |rest: &str| format!("{head}[[resource]]\ntype = \"wrong::Lock\"\n{rest}");
    let texts: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("form", b"unhang = 2\n".to_vec()),
        ("key", resource("kind = \"mutex\"\ngaurd = []\n").into()),
        ("kind", resource("kind = \"mutexes\"\n").into()),
        ("number", resource("kind = \"channel\"\nsenders = \"count +\"\n").into()),
        (
            "path",
            format!("{head}[[resource]]\ntype = \"std::sync::Mutex\"\nkind = \"mutex\"\n").into(),
        ),
        ("quotes", b"unhang = 1\nlibrary = \"open\n".to_vec()),
        ("bytes", vec![0xff; 1000]),
        ("large", vec![b'#'; 1 << 20]),
    ];
    let mut commands = Vec::new();
    for (name, text) in &texts {
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, text)?;
        commands.push(format!("async knowledge load {}", file.display()));
    }
    commands.push(format!("async knowledge load {}", folder.join("missing").display()));
    commands.push("async knowledge".to_string());
    let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
    for front in [Front::SystemGdb, Front::NewestLldb] {
        Case { name: "bad-knowledge", commands: &commands, fronts: &[front], modes: &[] }
            .check_subject(Subject::Nothing)?;
    }
    let running = subjects::pools(Profile::Debug, "own-berths")?;
    let shown = dump(&running, &[], Some(&folder))?;
    ensure!(finding(&shown)?.contains("Harbor<Ship>"), "{shown}");
    ensure!(shown.contains("key.toml is not used: line 6: [[resource]] has no key"), "{shown}");
    let wrong = folder.join("key.toml").display().to_string();
    let pid = running.pid().to_string();
    let (code, refused) = unhang(&["dump", "-p", &pid, "--knowledge", &wrong], None)?;
    ensure!(code == Some(1) && refused.contains("did you mean `guard`?"), "{refused}");
    Ok(())
}

/// `unhang doctor` says which type or member is not there, and what there is.
#[test]
fn a_text_is_checked_against_the_program() -> Result<()> {
    let program = fixture::build("pools", Profile::Debug)?.display().to_string();
    let (code, said) = unhang(&["doctor", "--knowledge", &program], None)?;
    ensure!(code == Some(0) && said.contains("Harbor<Ship>: all paths lead"), "{said}");
    let harbor = workspace::root().join("tests/fixtures/pools/harbor.toml");
    let text = std::fs::read_to_string(harbor)?;
    let wrong = text
        .replace("quays.taken", "quays.takn")
        .replace("\"berths\"", "\"freed\"")
        .replace("to = \"harbor\"", "to = \"quay\"")
        .replace("\"number\"", "\"numbers\"");
    let file = workspace::target().join("tmp/harbor.toml");
    std::fs::create_dir_all(file.parent().context("a folder")?)?;
    std::fs::write(&file, wrong)?;
    let file = file.display().to_string();
    let (code, said) = unhang(&["doctor", "--knowledge", &file, &program], None)?;
    let expected = [
        "`out`: Quays<Ship> has no member `takn`: did you mean `taken`?",
        "`most`: a Notify is no number",
        "`to`: Berth<Ship> has no member `quay`: it has ",
        "`emptied`: Berth<Ship> has no `Option` `numbers`",
        "4 problems to fix.",
    ];
    let is_said = expected.iter().all(|text| said.contains(text));
    ensure!(code == Some(3) && is_said, "{said}");
    Ok(())
}
