//! Programs for AArch64, looked at from another machine through a gdb server: the texts are those
//! of this machine's programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::{Case, golden};
use end_to_end_tests::emulated::{self, ANY_LIBRARY, Emulated, compare};
use end_to_end_tests::front::{DUMP, Front, built};
use end_to_end_tests::neutral::{Rules, neutral};
use end_to_end_tests::subjects::QUEUE;
use xtask::aarch64::AArch64;
use xtask::fixture::{self, Profile};
use xtask::hung_service::HungService;
use xtask::machine::{self, Guest, Kernel};
use xtask::session::Subject;
use xtask::workspace::{command, root, target};

/// Debuggers that know other processors than their machine's.
const FOREIGN: &[Front] = &[Front::NewestGdb, Front::SystemLldb, Front::NewestLldb];

/// A few of those that `faults` has, which need different things: locks, wakers, threads.
const FAULTS: &[&str] =
    &["own-lock", "futurelock", "no-waker", "blocked-worker", "sleeping-worker"];

/// What is asked of them in a machine.
const WHY: &[&str] = &["info async-tasks", "async why"];

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
        for fault in FAULTS {
            check(&faults, &[fault], &format!("why-{fault}"), FOREIGN)?;
        }
        let service = tools.build("inventory-service", profile)?;
        for front in FOREIGN {
            let (running, emulated) = Emulated::start(&tools.emulator()?, &service, &[])?;
            let mut shop = HungService::new(running)?;
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
        let guests = guests(&tools, profile, FAULTS)?;
        let out = machine::run(&tools, &Kernel::usual()?, &guests)?;
        for guest in &guests {
            let live = std::fs::read_to_string(out.join(format!("{}.live", guest.name)))?;
            let core = out.join(format!("{}.core", guest.name));
            let subject = Subject::Core { core: &core, executable: &guest.program };
            let sysroot = tools.sysroot();
            let read = [format!("{DUMP} --sysroot {}", sysroot.display())];
            let dead = Front::CommandLine.ask(subject, &read)?.concat();
            if !guest.argument.is_empty() {
                // In which order two tasks queue is chance there; no finding tells it.
                let expected = findings(&golden(&guest.name)?)?;
                let mut said = vec![live, dead];
                for front in FOREIGN {
                    said.push(front.ask_with(subject, &sysroot, WHY)?.concat());
                }
                for said in said {
                    snapbox::Assert::new().eq(findings(&said)?, &expected);
                }
                continue;
            }
            let name = format!("{}{ending}", guest.name);
            compare_without_sources(&name, &live)?;
            compare(&name, &[DUMP], &[dead])?;
            for front in FOREIGN {
                compare(&name, &[DUMP], &front.ask_with(subject, &sysroot, &[DUMP])?)?;
            }
        }
    }
    Ok(())
}

/// Where pages have 16 kB, what lies where in the process is another matter.
#[test]
#[ignore = "runs a virtual machine; `cargo xtask test --full` runs it"]
fn a_kernel_with_large_pages_says_the_same() -> Result<()> {
    let tools = AArch64::tools()?;
    let guests = guests(&tools, Profile::Debug, &[])?;
    let out = machine::run(&tools, &Kernel::of_large_pages()?, &guests)?;
    let size = std::fs::read_to_string(out.join("page-size"))?;
    ensure!(size.split_whitespace().eq(["KernelPageSize:", "16", "kB"]), "{size}");
    for Guest { name, program, .. } in &guests {
        compare_without_sources(name, &std::fs::read_to_string(out.join(format!("{name}.live")))?)?;
        let core = out.join(format!("{name}.core"));
        let subject = Subject::Core { core: &core, executable: program };
        let sysroot = tools.sysroot();
        let read = [format!("{DUMP} --sysroot {}", sysroot.display())];
        compare(name, &[DUMP], &Front::CommandLine.ask(subject, &read)?)?;
        for front in FOREIGN {
            compare(name, &[DUMP], &front.ask_with(subject, &sysroot, &[DUMP])?)?;
        }
    }
    Ok(())
}

/// What is looked at in a machine: programs, then faults, which are named as their goldens.
fn guests(tools: &AArch64, profile: Profile, faults: &[&str]) -> Result<Vec<Guest>> {
    let of = |name: &str, program: &str, argument: &str| {
        let queue = (program == "inventory-service").then_some(QUEUE);
        let program = tools.build(program, profile)?;
        let (name, argument) = (name.to_owned(), argument.to_owned());
        Ok::<_, anyhow::Error>(Guest { name, program, argument, queue })
    };
    let mut guests = Vec::new();
    for name in ["shapes", "combinators", "resources"] {
        guests.push(of(name, name, "")?);
    }
    guests.push(of("hung-service", "inventory-service", "")?);
    for fault in faults {
        guests.push(of(&format!("why-{fault}"), "faults", fault)?);
    }
    Ok(guests)
}

/// The findings in a text, numbered for themselves.
fn findings(text: &str) -> Result<String> {
    let begin = text.find("\n1. ").with_context(|| format!("no finding in {text}"))? + 1;
    // Behind them come other commands, or the first backtrace.
    let rest = &text[begin..];
    let ends = ["\n> ", "\nTask ", "\nblock_on future "].map(|next| rest.find(next));
    let end = ends.into_iter().flatten().min().unwrap_or(rest.len());
    Ok(format!("{}\n", ANY_LIBRARY.apply(&neutral(&rest[..end])).trim_end()))
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
