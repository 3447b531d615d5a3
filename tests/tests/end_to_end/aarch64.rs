//! Programs for AArch64, looked at from another machine through a gdb server: the texts are those
//! of this machine's programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::{Case, golden};
use end_to_end_tests::emulated::{self, ANY_LIBRARY, Emulated, compare};
use end_to_end_tests::front::{DUMP, Front, built};
use end_to_end_tests::neutral::Rules;
use end_to_end_tests::subjects::QUEUE;
use xtask::aarch64::AArch64;
use xtask::fixture::{self, Profile};
use xtask::machine;
use xtask::session::Subject;
use xtask::shop::Shop;
use xtask::workspace::{command, root, target};

/// Debuggers that know other processors than their machine's.
const FOREIGN: &[Front] = &[Front::NewestGdb, Front::SystemLldb, Front::NewestLldb];

fn check(program: &Path, arguments: &[&str], golden: &str, fronts: &[Front]) -> Result<()> {
    emulated::check(&AArch64::tools()?.emulator()?, program, arguments, golden, fronts)
}

#[test]
fn each_shape_has_its_backtrace() -> Result<()> {
    let program = AArch64::tools()?.build("shapes", Profile::Debug)?;
    check(&program, &[], "shapes", &[Front::NewestGdb, Front::NewestLldb])
}

/// The layout file has what only the symbol table has: where thread-locals are.
#[test]
fn a_stripped_program_has_its_layout_file() -> Result<()> {
    let program = AArch64::tools()?.build("shapes", Profile::Debug)?;
    let copy = stripped(&program, &program, "own")?;
    check(&copy, &[], "shapes", &[Front::NewestGdb])
}

#[test]
fn the_layout_file_of_this_machines_program_is_refused() -> Result<()> {
    let tools = AArch64::tools()?;
    let program = tools.build("shapes", Profile::Debug)?;
    let copy = stripped(&program, &fixture::build("shapes", Profile::Debug)?, "foreign")?;
    let (mut running, emulated) = Emulated::start(&tools.emulator()?, &copy, &[])?;
    let said = emulated.ask(&mut running, Front::NewestGdb, &[DUMP])?.concat();
    let expected = "shapes.unhang was ignored: it is of a program for x86_64";
    ensure!(said.contains(expected), "{said}");
    Ok(())
}

/// A stripped copy, beside the layout file of some program.
fn stripped(program: &Path, of: &Path, folder: &str) -> Result<PathBuf> {
    let folder = target().join("deployed/aarch64").join(folder);
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let copy = folder.join(program.file_name().context("its name")?);
    AArch64::tools()?.strip(program, &copy)?;
    let mut extract = command(&built()?.command_line, root());
    extract.arg("extract").arg(of).arg("-o").arg(copy.with_extension("unhang"));
    let output = extract.output().context("running the command line")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(copy)
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
            let (running, emulated) = Emulated::start(&tools.emulator()?, &service, &[])?;
            let mut shop = Shop::new(running)?;
            shop.hang(QUEUE)?;
            let outputs = emulated.ask(&mut shop.service, *front, &[DUMP])?;
            compare(&format!("hung-service{ending}"), &[DUMP], &outputs)?;
        }
    }
    Ok(())
}

/// A second tokio in a library that was opened at run time: its thread-locals are asked for by
/// descriptors.
#[test]
#[ignore = "builds the fixtures for another processor; `cargo xtask test --full` runs it"]
fn a_plugin_with_another_tokio() -> Result<()> {
    let tools = AArch64::tools()?;
    for (profile, ending) in [(Profile::Debug, ""), (Profile::Release, "-release")] {
        let plugin = tools.addon(profile)?;
        let plugin = plugin.to_str().context("its path is no text")?;
        let host = tools.build("host", profile)?;
        check(&host, &[plugin], &format!("host{ending}"), FOREIGN)?;
    }
    Ok(())
}

/// With a real kernel: the command looks at the programs there, and their core files are read here.
#[test]
#[ignore = "runs a virtual machine; `cargo xtask test --full` runs it"]
fn a_virtual_machine_and_its_core_files_say_the_same() -> Result<()> {
    let tools = AArch64::tools()?;
    for (profile, ending) in [(Profile::Debug, ""), (Profile::Release, "-release")] {
        let names = ["shapes", "combinators", "resources"];
        let build = |name: &&str| tools.build(name, profile);
        let programs: Vec<PathBuf> = names.iter().map(build).collect::<Result<_>>()?;
        let out = machine::run(&tools, &programs)?;
        for (name, program) in names.iter().zip(&programs) {
            let golden = format!("{name}{ending}");
            let live = std::fs::read_to_string(out.join(format!("{name}.live")))?;
            compare_without_sources(&golden, &live)?;
            let core = out.join(format!("{name}.core"));
            let subject = Subject::Core { core: &core, executable: program };
            let sysroot = tools.sysroot();
            let read = format!("{DUMP} --sysroot {}", sysroot.display());
            compare(&golden, &[DUMP], &Front::CommandLine.ask(subject, &[read])?)?;
            for front in FOREIGN {
                compare(&golden, &[DUMP], &front.ask_with(subject, &sysroot, &[DUMP])?)?;
            }
        }
    }
    Ok(())
}

/// There are no sources in the machine.
fn compare_without_sources(name: &str, output: &str) -> Result<()> {
    static SOURCES: Rules = Rules::new(&[(r"(?m)^[ │]+\d+ │ .*\n", "")]);
    let case = Case { name, commands: &[DUMP], fronts: &[], modes: &[] };
    let text = ANY_LIBRARY.apply(&case.text(&[output.to_owned()]));
    let expected = SOURCES.apply(&ANY_LIBRARY.apply(&golden(name)?));
    snapbox::Assert::new().eq(text, expected);
    Ok(())
}
