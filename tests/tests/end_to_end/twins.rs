//! A service that was built without debug information, by its twin that was built with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{CoreFile, DUMP, Front, built};
use end_to_end_tests::neutral::neutral;
use end_to_end_tests::subjects;
use xtask::fixture::{self, Profile, Running};
use xtask::hung_service::HungService;
use xtask::session::Subject;
use xtask::{build_variants, workspace};

/// The first finding of a text.
fn finding(text: &str) -> Result<String> {
    let begin = text.find("1. ").context("no finding")?;
    let rest = &text[begin..];
    Ok(neutral(&rest[..rest.find("\n\n").unwrap_or(rest.len())]).trim_end().to_owned())
}

fn dump(running: &Running, twin: &Path) -> Result<String> {
    let mut dump = workspace::command(&built()?.command_line, workspace::root());
    dump.args(["dump", "-p", &running.pid().to_string(), "--twin"]).arg(twin);
    let output = dump.output().context("running unhang")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(0), "{:?}: {said}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
#[ignore = "a release build of its own; `cargo xtask test --full` runs it"]
fn a_twin_tells_why_the_service_hangs() -> Result<()> {
    let twin = fixture::build("inventory-service", Profile::Release)?;
    let known = subjects::hung_shop(Profile::Release)?;
    let subject = Subject::Process(known.service.pid());
    let expected = finding(&Front::CommandLine.ask(subject, &[DUMP])?.concat())?;
    ensure!(expected.starts_with("1. Deadlock: task"), "{expected}");

    let hung = subjects::hung_shop(Profile::Bare)?;
    let alone = Front::CommandLine.ask(Subject::Process(hung.service.pid()), &[DUMP])?.concat();
    ensure!(!alone.contains("Deadlock"), "it has no debug information: {alone}");
    let told = dump(&hung.service, &twin)?;
    ensure!(finding(&told)? == expected, "{told}");
    ensure!(told.contains("Complete: ") && told.contains("of the twin "), "{told}");
    let load = format!("async layouts load --twin '{}'", twin.display());
    for front in [Front::SystemGdb, Front::NewestGdb, Front::SystemLldb, Front::NewestLldb] {
        let said = front.ask(Subject::Process(hung.service.pid()), &[&*load, "async why"])?;
        ensure!(finding(&said[1])? == expected, "{front:?}: {}", said.concat());
    }
    Ok(())
}

/// What the fronts say of a program with its twin: the text of a build with debug information, and
/// what rests on the twin is marked.
fn is_golden(running: &Running, twin: &Path, name: &str) -> Result<()> {
    let case = Case { name, commands: &[DUMP], fronts: &[], modes: &[] };
    let (subject, twin) = (Subject::Process(running.pid()), twin.display());
    let given = format!("{DUMP} --twin {twin}");
    case.compare(&Front::CommandLine.ask(subject, &[&*given])?);
    let core = CoreFile::of(running)?;
    let of_core = Subject::Core { core: core.path(), executable: running.executable() };
    case.compare(&Front::CommandLine.ask(of_core, &[given])?);
    let load = format!("async layouts load --twin '{twin}'");
    for (front, subject) in [(Front::NewestGdb, subject), (Front::NewestLldb, of_core)] {
        case.compare(&front.ask(subject, &[&*load, DUMP])?[1..]);
    }
    Ok(())
}

/// A copy without symbols, of which the code alone tells.
fn stripped(program: &Path) -> Result<PathBuf> {
    let folder = workspace::target().join("deployed/twins");
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let copy = folder.join(program.file_name().context("its name")?);
    fixture::strip(program, &copy)?;
    Ok(copy)
}

#[test]
#[ignore = "release builds of its own; `cargo xtask test --full` runs it"]
fn every_shape_is_read_by_a_twin() -> Result<()> {
    let twin = fixture::build("shapes", Profile::Release)?;
    let bare = fixture::build("shapes", Profile::Bare)?;
    is_golden(&Running::start::<&str>(&bare, &[])?, &twin, "shapes-twin")?;
    is_golden(&Running::start::<&str>(&stripped(&bare)?, &[])?, &twin, "shapes-twin-stripped")
}

#[test]
#[ignore = "release builds of its own; `cargo xtask test --full` runs it"]
fn a_hung_service_is_read_by_a_twin() -> Result<()> {
    let twin = fixture::build("inventory-service", Profile::Release)?;
    let bare = fixture::build("inventory-service", Profile::Bare)?;
    for (program, golden) in
        [(stripped(&bare)?, "hung-service-twin-stripped"), (bare, "hung-service-twin")]
    {
        let mut shop = HungService::new(Running::start::<&str>(&program, &[])?)?;
        shop.hang(subjects::QUEUE)?;
        is_golden(&shop.service, &twin, golden)?;
    }
    Ok(())
}

/// v0 names have no hash at their ends, but say which crate each part is of.
#[test]
#[ignore = "two release builds of its own; `cargo xtask test --full` runs it"]
fn a_twin_is_known_by_v0_names() -> Result<()> {
    let service = build_variants::service(workspace::root().join("tests/fixtures"));
    let [twin, bare] = build_variants::V0_TWINS;
    let twin = twin.build(&service)?;
    let mut shop = HungService::new(Running::start::<&str>(&bare.build(&service)?, &[])?)?;
    shop.hang(subjects::QUEUE)?;
    let told = dump(&shop.service, &twin)?;
    ensure!(finding(&told)?.starts_with("1. Deadlock: task"), "{told}");
    ensure!(told.contains("Complete: ") && told.contains("of the twin "), "{told}");
    Ok(())
}

/// The service before a change: one task has a variable more, and what follows is a line further down.
fn older_commit() -> Result<PathBuf> {
    let folder = workspace::target().join("tmp/older-commit");
    let _ = std::fs::remove_dir_all(&folder);
    let mut copy = workspace::command("cp", workspace::root());
    ensure!(copy.args(["-R", "tests/fixtures"]).arg(&folder).status()?.success());
    let stock = folder.join("inventory-service/src/stock.rs");
    let now = std::fs::read_to_string(&stock).context("its source")?;
    let before = now
        .replacen("    let price = ", "    let audit = item.to_owned();\n    let price = ", 1)
        .replacen("    Ok(price)", "    drop(audit);\n    Ok(price)", 1);
    ensure!(before.matches("audit").count() == 2, "it has other lines now");
    std::fs::write(&stock, before).context("changing it")?;
    Ok(folder)
}

#[test]
#[ignore = "a release build of its own; `cargo xtask test --full` runs it"]
fn a_twin_of_an_older_commit_is_refused() -> Result<()> {
    let release = build_variants::BUILD_VARIANTS
        .iter()
        .find(|variant| variant.name == "release")
        .context("a usual build")?;
    let older = release.build(&build_variants::service(older_commit()?))?;
    let hung = subjects::hung_shop(Profile::Bare)?;
    let refused = dump(&hung.service, &older).err().context("taken")?.to_string();
    ensure!(refused.contains("is no twin of"), "{refused}");
    Ok(())
}

/// Another program is no twin, however large.
#[test]
#[ignore = "a release build of its own; `cargo xtask test --full` runs it"]
fn a_stranger_is_refused() -> Result<()> {
    let stranger = fixture::build("shapes", Profile::Release)?;
    let hung = subjects::hung_shop(Profile::Bare)?;
    let refused = dump(&hung.service, &stranger).err().context("taken")?.to_string();
    ensure!(refused.contains("is no twin of"), "{refused}");
    let load = format!("async layouts load --twin '{}'", stranger.display());
    for front in [Front::SystemGdb, Front::NewestLldb] {
        let said = front.ask(Subject::Process(hung.service.pid()), &[&load])?.concat();
        ensure!(said.contains("is no twin of"), "{front:?}: {said}");
    }
    Ok(())
}
