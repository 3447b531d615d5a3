//! Programs for a Mac, which were built on this machine: their layouts are read from the object files
//! that they were linked from, and from dSYM bundles, and are the same. Nothing here runs them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::built;
use serde_json::Value;
use xtask::fixture::Profile;
use xtask::mach_o::{MachO, PROCESSORS};
use xtask::workspace::{self, cargo, root, target};

/// Where the tests put their files.
fn folder(name: &str) -> PathBuf {
    target().join("deployed/mach-o").join(name)
}

/// The summary of `unhang extract`, or what it says instead.
fn extract(program: &Path) -> Result<Result<Value, String>> {
    let built = built()?;
    let mut extract = workspace::command(&built.command_line, root());
    extract.args(["extract", "--json"]).arg(program).arg("-o");
    let output = extract.arg(target().join("mach-o/layouts.unhang")).output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Ok(Err(said));
    }
    Ok(Ok(serde_json::from_slice(&output.stdout).context("its summary")?))
}

/// What a summary counts, whatever the files are.
fn counts(summary: &Value) -> [&Value; 4] {
    ["types", "bodies", "task_polls", "vtables"].map(|name| &summary[name])
}

/// The layout file of a program answers as its debug information does: the extractor's own test.
fn answers_are_the_same(program: &Path) -> Result<()> {
    let mut test = cargo(root());
    test.args(["test", "--locked", "--package", "layout-extractor", "--test", "same_answers"]);
    test.args(["--", "another_binary"]).env("UNHANG_TEST_BINARY", program);
    let output = test.output().context("the extractor's test")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && said.contains("1 passed"), "{}: {said}", program.display());
    Ok(())
}

/// The names that unhang rests on are found.
fn expectations_are_met(program: &Path) -> Result<()> {
    let built = built()?;
    let mut doctor = workspace::command(&built.command_line, root());
    let output = doctor.args(["doctor", "--expectations"]).arg(program).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let root = "thread-local       the runtime that a thread is inside of: tokio::runtime::context";
    ensure!(output.status.success() && said.contains(root), "{said}");
    Ok(())
}

/// A program as it was linked, and a stripped copy with a dSYM bundle.
fn check(processor: &str, profile: Profile) -> Result<()> {
    let tools = MachO::tools()?;
    let program = tools.build("shapes", processor, profile)?;
    let place = folder(&format!("{processor}-{}", profile.folder()));
    let with_dsym = tools.stripped(&program, &place, &program)?;
    let (own, bundled) = (extract(&program)?, extract(&with_dsym)?);
    let (own, bundled) = (own.map_err(anyhow::Error::msg)?, bundled.map_err(anyhow::Error::msg)?);
    ensure!(counts(&own) == counts(&bundled), "{own} {bundled}");
    ensure!(own["task_polls"].as_u64() > Some(30), "{own}");
    for program in [&program, &with_dsym] {
        expectations_are_met(program)?;
        answers_are_the_same(program)?;
    }
    Ok(())
}

#[test]
#[ignore = "builds Rust's standard library for another processor"]
fn debug_builds() -> Result<()> {
    PROCESSORS.into_iter().try_for_each(|processor| check(processor, Profile::Debug))
}

#[test]
#[ignore = "builds Rust's standard library for another processor"]
fn release_builds() -> Result<()> {
    PROCESSORS.into_iter().try_for_each(|processor| check(processor, Profile::Release))
}

#[test]
#[ignore = "builds Rust's standard library for another processor"]
fn a_universal_file_and_the_bundle_of_another_build() -> Result<()> {
    let tools = MachO::tools()?;
    let programs = PROCESSORS.map(|processor| tools.build("shapes", processor, Profile::Debug));
    let programs = programs.into_iter().collect::<Result<Vec<_>>>()?;
    let universal = folder("universal");
    std::fs::create_dir_all(&universal).context("creating a folder")?;
    let universal = universal.join("shapes");
    tools.universal(&programs, &universal)?;
    let own = &programs[1];
    let one = extract(own)?.map_err(anyhow::Error::msg)?;
    let both = extract(&universal)?.map_err(anyhow::Error::msg)?;
    ensure!(counts(&one) == counts(&both), "{one} {both}");

    let mixed = tools.stripped(own, &folder("mixed"), &programs[0])?;
    let said = extract(&mixed)?.err().unwrap_or_default();
    ensure!(said.contains("shapes.dSYM/Contents/Resources/DWARF/shapes was ignored"), "{said}");
    ensure!(said.contains("it is of another build (UUID "), "{said}");
    Ok(())
}

/// What the commands say in an lldb as it is on a Mac according to its sources (`tests/mac`).
fn look(program: &Path, system: &str, storage: &str, commands: &[&str]) -> Result<String> {
    built()?;
    let mut look = workspace::command(xtask::python::interpreter()?, root());
    let packages = [root().join("lldb-python"), root().join("native-module/python")];
    look.env("PYTHONPATH", std::env::join_paths(packages)?);
    look.env("PYTHONDONTWRITEBYTECODE", "1").arg(root().join("tests/mac/look.py")).arg(program);
    let output = look.arg(system).arg(storage).args(commands).output().context("python")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(said)
}

/// A thread's context is read where the key leads to, before and since macOS 15; and what is in it
/// that is no context is one sentence.
#[test]
#[ignore = "builds Rust's standard library for another processor"]
fn the_thread_locals_of_a_process_as_a_mac_has_them() -> Result<()> {
    let tools = MachO::tools()?;
    let no_pointer = "its thread pointer is unknown, so unhang cannot find its runtime";
    for processor in PROCESSORS {
        let program = tools.build("shapes", processor, Profile::Debug)?;
        for system in ["old", "new"] {
            let said = look(&program, system, "a5", &["info async-tasks", "async layouts"])?;
            let unreadable = "its tokio context cannot be read: <unreadable 0xa5a5a5a5a5a5a5a5>";
            ensure!(said.contains("thread 1 ") && said.contains(unreadable), "{said}");
            ensure!(said.contains("thread 3 ") && said.contains(no_pointer), "{said}");
            ensure!(!said.contains("thread 2 "), "it has no storage yet: {said}");
            ensure!(said.contains("DWARF 4 of the object files"), "{said}");
            let said = look(&program, system, "00", &["info async-tasks"])?;
            ensure!(!said.contains("thread 1 ") && said.contains(no_pointer), "{said}");
        }
    }
    Ok(())
}
