//! Stripped programs with the layout files that were written when they were built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DUMP, Front, Mode, built};
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;
use xtask::{executable, workspace};

const FRONTS: &[Front] = &[Front::CommandLine, Front::SystemGdb, Front::SystemLldb];

/// A stripped copy of a fixture, under its own name in a folder of its own.
fn deployed(name: &str, profile: Profile, folder: &str) -> Result<PathBuf> {
    let folder = workspace::target().join("deployed").join(folder).join(profile.folder());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("removing an earlier copy")?;
    }
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let copy = folder.join(name);
    fixture::strip(&fixture::build(name, profile)?, &copy)?;
    Ok(copy)
}

/// Writes the layout file of a fixture.
fn extract(name: &str, profile: Profile, file: &Path) -> Result<()> {
    let built = built()?;
    let mut extract = workspace::command(&built.command_line, workspace::root());
    run(extract.arg("extract").arg(fixture::build(name, profile)?).arg("-o").arg(file))
}

fn beside(profile: Profile, golden: &str) -> Result<()> {
    let program = deployed("shapes", profile, "beside")?;
    extract("shapes", profile, &program.with_file_name("shapes.unhang"))?;
    check(&program, golden)
}

#[test]
fn beside_the_program() -> Result<()> {
    beside(Profile::Debug, "shapes")
}

#[test]
fn beside_the_optimized_program() -> Result<()> {
    beside(Profile::Release, "shapes-release")
}

/// Tasks of an executor whose functions have other names than tokio's.
#[test]
fn of_a_program_of_smol() -> Result<()> {
    let program = deployed("smol-tasks", Profile::Debug, "smol")?;
    extract("smol-tasks", Profile::Debug, &program.with_file_name("smol-tasks.unhang"))?;
    let mut running = Running::start(&program, &["circle"])?;
    running.come_to_rest()?;
    let modes = &[Mode::Live, Mode::Core];
    Case { name: "smol-circle", commands: &[DUMP], fronts: FRONTS, modes }.check(&running)
}

/// The file of another build is not used, and the reason is given.
#[test]
fn of_another_build() -> Result<()> {
    let program = deployed("shapes", Profile::Debug, "foreign")?;
    extract("many-tasks", Profile::Debug, &program.with_file_name("shapes.unhang"))?;
    let running = Running::start::<&str>(&program, &[])?;
    for front in FRONTS {
        let said = front.ask(Subject::Process(running.pid()), &[DUMP])?.concat();
        let expected = ["has no debug information", "was ignored: it is from another build"];
        ensure!(expected.iter().all(|text| said.contains(text)), "{front:?}: {said}");
    }
    Ok(())
}

/// A program with its layouts in a section of its own, which `strip` leaves there.
#[test]
fn in_the_program() -> Result<()> {
    let program = deployed("shapes", Profile::Release, "embedded")?;
    executable::copy(&fixture::build("shapes", Profile::Release)?, &program)?;
    let built = built()?;
    let mut embed = workspace::command(&built.command_line, workspace::root());
    run(embed.args(["extract", "--embed"]).arg(&program))?;
    run(tool("strip").arg(&program))?;
    check(&program, "shapes-release")
}

/// Debug information in a file of its own, which the program names.
#[test]
fn beside_separate_debug_information() -> Result<()> {
    let program = deployed("shapes", Profile::Release, "separate")?;
    let whole = fixture::build("shapes", Profile::Release)?;
    let debug = program.with_file_name("shapes.debug");
    run(tool("objcopy").arg("--only-keep-debug").arg(&whole).arg(&debug))?;
    let mut link = std::ffi::OsString::from("--add-gnu-debuglink=");
    link.push(&debug);
    run(tool("objcopy").arg(&link).arg(&program))?;
    check(&program, "shapes-release")
}

/// Debug information that some debugger has fetched before, in debuginfod's cache.
#[test]
fn in_the_cache_of_debuginfod() -> Result<()> {
    let program = deployed("shapes", Profile::Release, "fetched")?;
    let whole = fixture::build("shapes", Profile::Release)?;
    let cache = program.with_file_name("cache");
    let folder = cache.join(build_id(&whole)?);
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    run(tool("objcopy").arg("--only-keep-debug").arg(&whole).arg(folder.join("debuginfo")))?;
    let running = Running::start::<&str>(&program, &[])?;
    let built = built()?;
    let dump = |with_cache: bool| -> Result<String> {
        let mut dump = workspace::command(&built.command_line, workspace::root());
        dump.args(["dump", "--width", "100", "--pid", &running.pid().to_string()]);
        dump.env("DEBUGINFOD_CACHE_PATH", if with_cache { cache.as_path() } else { &program });
        // What the first look found would answer the second one too.
        dump.env("UNHANG_CACHE", "");
        let output = dump.output().context("running the command line")?;
        Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let case = Case { name: "shapes-release", commands: &[DUMP], fronts: &[], modes: &[] };
    case.compare(&[dump(true)?]);
    let without = dump(false)?;
    ensure!(without.contains("has no debug information"), "{without}");
    Ok(())
}

fn build_id(program: &Path) -> Result<String> {
    let output = tool("readelf").arg("-n").arg(program).output().context("running readelf")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let id = text.lines().find_map(|line| line.trim().strip_prefix("Build ID: "));
    id.map(str::to_owned).with_context(|| format!("no build id in {text}"))
}

/// A folder that the command line is given.
#[test]
fn in_a_folder_that_is_given() -> Result<()> {
    let program = deployed("shapes", Profile::Debug, "given")?;
    let folder = program.with_file_name("layouts");
    std::fs::create_dir(&folder).context("creating a folder")?;
    extract("shapes", Profile::Debug, &folder.join("shapes.unhang"))?;
    let running = Running::start::<&str>(&program, &[])?;
    let dump = format!("{DUMP} --layouts {}", folder.display());
    let subject = Subject::Process(running.pid());
    let with = Front::CommandLine.ask(subject, &[dump])?.concat();
    ensure!(with.contains("shapes::functions::notified"), "{with}");
    let without = Front::CommandLine.ask(subject, &[DUMP])?.concat();
    ensure!(without.contains("has no debug information"), "{without}");
    Ok(())
}

/// The golden text is that of the program that was not stripped.
fn check(program: &Path, golden: &str) -> Result<()> {
    let running = Running::start::<&str>(program, &[])?;
    let modes = &[Mode::Live, Mode::Core];
    Case { name: golden, commands: &[DUMP], fronts: FRONTS, modes }.check(&running)
}

fn tool(name: &str) -> Command {
    workspace::command(name, workspace::root())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
