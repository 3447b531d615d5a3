//! A service that was built without debug information, by its twin that was built with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::{DUMP, Front};
use end_to_end_tests::neutral::neutral;
use end_to_end_tests::subjects;
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;
use xtask::shop::Shop;
use xtask::{build, ways, workspace};

/// The first finding of a text.
fn finding(text: &str) -> Result<String> {
    let begin = text.find("1. ").context("no finding")?;
    let rest = &text[begin..];
    Ok(neutral(&rest[..rest.find("\n\n").unwrap_or(rest.len())]).trim_end().to_owned())
}

fn dump(running: &Running, twin: &Path) -> Result<String> {
    let mut dump = workspace::command(build::build()?.command_line, workspace::root());
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

/// Of a stripped program the code alone tells: the tasks and what their own futures wait for.
#[test]
#[ignore = "a release build of its own; `cargo xtask test --full` runs it"]
fn a_twin_tells_the_tasks_of_a_stripped_service() -> Result<()> {
    let twin = fixture::build("inventory-service", Profile::Release)?;
    let bare = fixture::build("inventory-service", Profile::Bare)?;
    let stripped = workspace::target().join("tmp/stripped-service");
    let mut strip = workspace::command("strip", workspace::root());
    ensure!(strip.arg("-o").arg(&stripped).arg(&bare).status()?.success());
    let mut shop = Shop::new(Running::start::<&str>(&stripped, &[])?)?;
    shop.hang(subjects::QUEUE)?;
    let mut dump = workspace::command(build::build()?.command_line, workspace::root());
    dump.args(["dump", "-p", &shop.service.pid().to_string(), "--twin"]).arg(&twin);
    let told = String::from_utf8_lossy(&dump.output()?.stdout).into_owned();
    ensure!(told.contains("axum::serve::handle_connection"), "{told}");
    ensure!(told.contains("matched by code alone"), "{told}");
    Ok(())
}

/// v0 names have no hash at their ends, but say which crate each part is of.
#[test]
#[ignore = "two release builds of its own; `cargo xtask test --full` runs it"]
fn a_twin_is_known_by_v0_names() -> Result<()> {
    let service = ways::service(workspace::root().join("tests/fixtures"));
    let [twin, bare] = ways::V0_TWINS;
    let twin = twin.build(&service)?;
    let mut shop = Shop::new(Running::start::<&str>(&bare.build(&service)?, &[])?)?;
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
    let release = ways::WAYS.iter().find(|way| way.name == "release").context("a usual build")?;
    let older = release.build(&ways::service(older_commit()?))?;
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
