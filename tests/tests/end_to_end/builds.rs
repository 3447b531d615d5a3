//! Programs built in every variant: one text for all of them, from their debug information and, without
//! it, from a layout file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::builds::of_any_build;
use end_to_end_tests::case::{Case, golden};
use end_to_end_tests::front::{CoreFile, DUMP, Front, built};
use end_to_end_tests::neutral::neutral;
use end_to_end_tests::versions::{COMMAND, lines_sorted, of_any_version};
use xtask::build_variants::{self, BUILD_VARIANTS, BuildVariant, Compiler};
use xtask::fixture::Running;
use xtask::hung_service::HungService;
use xtask::session::Subject;
use xtask::story::{self, Scheduler};
use xtask::workspace;

/// How many customers queue behind the one whose checkout hangs.
const QUEUE: usize = 3;

/// The tokio of the story, and the one that an old compiler can build.
const NEWEST: &str = "1.54.1";
const OLDER: &str = "1.38.2";
const OLD: &str = "1.20.6";

/// A stripped copy of a program with the layout file that was written for it.
fn deployed(program: &Path, variant: &BuildVariant) -> Result<PathBuf> {
    let folder =
        workspace::target().join("deployed/ways").join(variant.name.replace([' ', ','], "-"));
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let copy = folder.join(program.file_name().context("its name")?);
    let built = built()?;
    let mut extract = workspace::command(&built.command_line, workspace::root());
    extract.arg("extract").arg(program).arg("-o").arg(copy.with_extension("unhang"));
    let mut strip = workspace::command("strip", workspace::root());
    strip.arg("-o").arg(&copy).arg(program);
    for mut command in [extract, strip] {
        let output = command.output().with_context(|| format!("running {command:?}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{command:?}: {said}");
    }
    Ok(copy)
}

/// What is compared: what was said, and what is to be said.
type Compared = (String, String);

/// What the fronts say of `shapes`, live and of a core file.
fn shapes(program: &Path, variant: &BuildVariant, fronts: &[Front]) -> Result<Vec<Compared>> {
    let name = match variant.compiler {
        Compiler::Rust163 => "builds-old",
        _ if variant.aborts() => "builds-abort",
        _ => "builds",
    };
    let running = Running::start::<&str>(program, &[])?;
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let report = Front::CommandLine.ask(Subject::Process(running.pid()), &[DUMP])?.concat();
        let case = Case { name, commands: &[DUMP], fronts: &[], modes: &[] };
        case.compare(&[of_any_build(&report)]);
    }
    let expected = golden(name)?;
    // gdb 13.1 itself ends with a segmentation fault on packages of DWARF 5.
    let core = CoreFile::by(Front::NewestGdb, &running)?;
    let core = Subject::Core { core: core.path(), executable: program };
    let live = Subject::Process(running.pid());
    let ask = |front: &Front, subject| Ok((said(front.ask(subject, &[DUMP])?), expected.clone()));
    let mut compared: Vec<Compared> =
        fronts.iter().map(|front| ask(front, live)).collect::<Result<_>>()?;
    compared.push(ask(&Front::CommandLine, core)?);
    Ok(compared)
}

fn said(outputs: Vec<String>) -> String {
    format!("> {DUMP}\n{}\n", of_any_build(&outputs.concat()).trim_end())
}

/// What the fronts say of the hung story, on both schedulers.
fn hung(program: &Path, variant: &BuildVariant, fronts: &[Front]) -> Result<Vec<Compared>> {
    let name = if variant.aborts() { "versions-abort" } else { "versions" };
    let expected = golden(name)?;
    let (_, expected) = expected.split_once('\n').context("the command's line")?;
    let expected = lines_sorted(expected).join("\n");
    let mut compared = Vec::new();
    for scheduler in [Scheduler::CurrentThread, Scheduler::MultiThread] {
        let mut shop = HungService::new(Running::start(program, &[scheduler.argument()])?)?;
        shop.hang(QUEUE)?;
        for front in fronts {
            let report = front.ask(Subject::Process(shop.service.pid()), &[COMMAND])?.concat();
            // Vendored crates do not say their version.
            let report = of_any_version(&report).replace("tokio · ", "tokio VERSION · ");
            if variant.aborts() && std::env::var_os("UPDATE_GOLDEN").is_some() {
                let case = Case { name, commands: &[COMMAND], fronts: &[], modes: &[] };
                case.compare(std::slice::from_ref(&report));
            }
            let text = lines_sorted(neutral(&report).trim_end()).join("\n");
            compared.push((text, expected.clone()));
        }
    }
    Ok(compared)
}

/// The cells of one variant: each program, from its debug information and from a layout file.
fn cells(
    variant: &BuildVariant,
    versions: &[&str],
    fronts: &[Front],
) -> Vec<(String, Result<Vec<Compared>>)> {
    let is_old = variant.compiler == Compiler::Rust163;
    let program = build_variants::shapes(variant).and_then(|package| variant.build(&package));
    let mut cells = both("shapes", variant, &program, &|program| shapes(program, variant, fronts));
    for version in versions {
        let program = story::package(version, is_old).and_then(|mut package| {
            package.options.extend(["--features", "multi-thread"].map(str::to_owned));
            variant.build(&package)
        });
        cells.extend(both(version, variant, &program, &|program| hung(program, variant, fronts)));
    }
    cells
}

fn both(
    title: &str,
    variant: &BuildVariant,
    program: &Result<PathBuf>,
    look: &dyn Fn(&Path) -> Result<Vec<Compared>>,
) -> Vec<(String, Result<Vec<Compared>>)> {
    let program = || match program {
        Ok(program) => Ok(program.as_path()),
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    let whole = program().and_then(look);
    let stripped = program().and_then(|program| look(&deployed(program, variant)?));
    vec![(title.to_owned(), whole), (format!("{title}, stripped, with its layout file"), stripped)]
}

fn judged(title: &str, cell: Result<Vec<Compared>>) -> Result<(), String> {
    let compared = cell.map_err(|error| format!("{title}: {error:#}"))?;
    match compared.into_iter().find(|(said, expected)| said != expected) {
        None => Ok(()),
        Some((said, expected)) => Err(format!("{title}:\n{}", difference(&expected, &said))),
    }
}

/// The lines that differ.
fn difference(expected: &str, said: &str) -> String {
    let without = |some: &str, others: &str, sign: char| -> String {
        let others: Vec<&str> = others.lines().collect();
        let missing = some.lines().filter(|line| !others.contains(line));
        missing.map(|line| format!("{sign} {line}\n")).collect()
    };
    let lines = without(expected, said, '-') + &without(said, expected, '+');
    if lines.is_empty() { "the same lines in another order".to_owned() } else { lines }
}

/// Some ways, with every change.
#[test]
fn the_same_text_for_every_way() -> Result<()> {
    for variant in BUILD_VARIANTS.iter().filter(|variant| variant.is_daily) {
        let version = if variant.compiler == Compiler::Rust163 { OLDER } else { NEWEST };
        for (title, cell) in cells(variant, &[version], &[Front::CommandLine]) {
            judged(&title, cell).map_err(|why| anyhow::anyhow!("{}, {why}", variant.name))?;
        }
    }
    Ok(())
}

/// All of them, in the debuggers too. Prints the table that `docs/builds.md` has.
#[test]
#[ignore = "builds everything in forty ways; `cargo xtask test --full` runs it"]
fn every_way() -> Result<()> {
    let mut failed = Vec::new();
    println!("| way | shapes | the same, stripped | tokio {OLD} | stripped | newest | stripped |");
    println!("|---|---|---|---|---|---|---|");
    for variant in BUILD_VARIANTS {
        let newest = if variant.compiler == Compiler::Rust163 { OLDER } else { NEWEST };
        let cells = cells(
            variant,
            &[OLD, newest],
            &[Front::CommandLine, Front::NewestGdb, Front::SystemLldb],
        );
        let mut line = format!("| {} |", variant.name);
        for (title, cell) in cells {
            let judged = judged(&title, cell);
            line.push_str(if judged.is_ok() { " whole |" } else { " FAILS |" });
            failed.extend(judged.err().map(|why| format!("{}, {why}", variant.name)));
        }
        println!("{line}");
    }
    ensure!(failed.is_empty(), "{} cells differ:\n{}", failed.len(), failed.join("\n\n"));
    Ok(())
}
