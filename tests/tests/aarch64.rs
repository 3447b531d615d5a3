//! Programs for AArch64, looked at from another machine through a gdb server: the texts are those
//! of this machine's programs.

use std::path::Path;

use anyhow::{Context, Result};
use end_to_end_tests::case::Case;
use end_to_end_tests::emulated::Emulated;
use end_to_end_tests::front::{DUMP, Front, built};
use end_to_end_tests::subjects::QUEUE;
use xtask::aarch64::AArch64;
use xtask::fixture::Profile;
use xtask::shop::Shop;
use xtask::workspace::{command, root, target};

/// Debuggers that know other processors than their machine's.
const FOREIGN: &[Front] = &[Front::NewestGdb, Front::SystemLldb, Front::NewestLldb];

/// What a program says of itself to a debugger, compared with a golden text.
fn check(program: &Path, arguments: &[&str], golden: &str, fronts: &[Front]) -> Result<()> {
    let tools = AArch64::tools()?;
    let commands: &[&str] = match golden.starts_with("why-") {
        true => &["info async-tasks", "async why", "async locks"],
        false => &[DUMP],
    };
    for front in fronts {
        let (mut running, emulated) = Emulated::start(&tools, program, arguments)?;
        let outputs = emulated.ask(&mut running, *front, commands)?;
        Case { name: golden, commands, fronts: &[], modes: &[] }.compare(&outputs);
    }
    Ok(())
}

#[test]
fn each_shape_has_its_backtrace() -> Result<()> {
    let program = AArch64::tools()?.build("shapes", Profile::Debug)?;
    check(&program, &[], "shapes", &[Front::NewestGdb, Front::NewestLldb])
}

/// The layout file has what only the symbol table has: where thread-locals are.
#[test]
fn a_stripped_program_has_its_layout_file() -> Result<()> {
    let tools = AArch64::tools()?;
    let program = tools.build("shapes", Profile::Debug)?;
    let folder = target().join("deployed/aarch64");
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let copy = folder.join("shapes");
    tools.strip(&program, &copy)?;
    let mut extract = command(&built()?.command_line, root());
    extract.arg("extract").arg(&program).arg("-o").arg(copy.with_extension("unhang"));
    let output = extract.output().context("running the command line")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    check(&copy, &[], "shapes", &[Front::NewestGdb])
}

/// Every program and every debugger that is not tried with every change.
#[test]
#[ignore = "builds the fixtures for another processor; `cargo xtask test --full` runs it"]
fn every_text_is_the_one_of_this_machine() -> Result<()> {
    let tools = AArch64::tools()?;
    for (profile, ending) in [(Profile::Debug, ""), (Profile::Release, "-release")] {
        for name in ["shapes", "combinators", "resources"] {
            check(&tools.build(name, profile)?, &[], &format!("{name}{ending}"), FOREIGN)?;
        }
        let faults = tools.build("faults", profile)?;
        for fault in ["own-lock", "futurelock", "no-waker", "blocked-worker", "sleeping-worker"] {
            check(&faults, &[fault], &format!("why-{fault}"), FOREIGN)?;
        }
        let service = tools.build("inventory-service", profile)?;
        for front in FOREIGN {
            let (running, emulated) = Emulated::start(&tools, &service, &[])?;
            let mut shop = Shop::new(running)?;
            shop.hang(QUEUE)?;
            let outputs = emulated.ask(&mut shop.service, *front, &[DUMP])?;
            let name = format!("hung-service{ending}");
            Case { name: &name, commands: &[DUMP], fronts: &[], modes: &[] }.compare(&outputs);
        }
    }
    Ok(())
}
