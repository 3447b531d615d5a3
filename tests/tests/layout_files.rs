//! Stripped programs with the layout files that were written when they were built.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{DUMP, Front, Mode};
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;
use xtask::workspace;

const FRONTS: &[Front] = &[Front::CommandLine, Front::SystemGdb, Front::SystemLldb];

/// A stripped copy of a fixture, under its own name in a folder of its own.
fn deployed(name: &str, profile: Profile, folder: &str) -> Result<PathBuf> {
    let folder = workspace::target().join("deployed").join(folder).join(profile.folder());
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("removing an earlier copy")?;
    }
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let copy = folder.join(name);
    std::fs::copy(fixture::stripped(&fixture::build(name, profile)?)?, &copy)?;
    Ok(copy)
}

/// Writes the layout file of a fixture.
fn extract(name: &str, profile: Profile, file: &Path) -> Result<()> {
    let built = xtask::build::build()?;
    let mut extract = workspace::command(built.command_line, workspace::root());
    extract.arg("extract").arg(fixture::build(name, profile)?).arg("-o").arg(file);
    let output = extract.output().context("running `unhang extract`")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The golden text is that of the program that was not stripped.
fn beside(profile: Profile, golden: &str) -> Result<()> {
    let program = deployed("shapes", profile, "beside")?;
    extract("shapes", profile, &program.with_file_name("shapes.unhang"))?;
    let running = Running::start::<&str>(&program, &[])?;
    let modes = &[Mode::Live, Mode::Core];
    Case { name: golden, commands: &[DUMP], fronts: FRONTS, modes }.check(&running)
}

#[test]
fn beside_the_program() -> Result<()> {
    beside(Profile::Debug, "shapes")
}

#[test]
fn beside_the_optimized_program() -> Result<()> {
    beside(Profile::Release, "shapes-release")
}

/// The file of another build is not used, and the reason is given.
#[test]
fn of_another_build() -> Result<()> {
    let program = deployed("shapes", Profile::Debug, "foreign")?;
    extract("many-tasks", Profile::Debug, &program.with_file_name("shapes.unhang"))?;
    let running = Running::start::<&str>(&program, &[])?;
    for front in FRONTS {
        let said = front.ask(Subject::Process(running.pid()), &[DUMP])?.concat();
        let expected = ["has no debug information", "was passed over: it is of another build"];
        ensure!(expected.iter().all(|text| said.contains(text)), "{front:?}: {said}");
    }
    Ok(())
}
