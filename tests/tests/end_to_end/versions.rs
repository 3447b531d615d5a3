//! The story with every tokio: one text for all of them.

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::{Case, golden};
use end_to_end_tests::front::{Front, built};
use end_to_end_tests::neutral::neutral;
use end_to_end_tests::versions::{COMMAND, NO_IDS, lines_sorted, of_any_version};
use xtask::fixture::Profile;
use xtask::session::Subject;
use xtask::story::{DIAGONAL, Scheduler, Story, VERSIONS};
use xtask::workspace::{command, root};

/// The versions that are tried with `tokio_unstable` and with `parking_lot` each alone, too.
const EACH_ALONE: [&str; 5] = ["1.4.0", "1.8.5", "1.20.6", "1.38.2", "1.54.1"];

/// How many customers queue behind the one whose checkout hangs.
const QUEUE: usize = 3;

const GOLDEN: Case<'static> =
    Case { name: "versions", commands: &[COMMAND], fronts: &[], modes: &[] };

/// What a front says of the hung story.
fn report(story: &Story<'_>, scheduler: Scheduler, fronts: &[Front]) -> Result<Vec<String>> {
    let mut shop = story.open(scheduler)?;
    shop.hang(QUEUE)?;
    let subject = Subject::Process(shop.service.pid());
    fronts.iter().map(|front| Ok(front.ask(subject, &[COMMAND])?.concat())).collect()
}

fn has_ids(version: &str) -> bool {
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    minor.is_some_and(|minor| minor >= 18)
}

/// A version each, and each profile and scheduler with some of them.
#[test]
fn the_same_text_for_every_version() -> Result<()> {
    for (story, scheduler) in DIAGONAL {
        for report in report(&story, scheduler, &[Front::CommandLine, Front::SystemGdb])? {
            ensure!(report.contains(&format!("tokio {}", story.version)), "{story}: {report}");
            ensure!(report.contains(NO_IDS) != has_ids(story.version), "{story}: {report}");
            ensure!(report.contains(scheduler.word()), "{story}: {report}");
            GOLDEN.compare(&[of_any_version(&report)]);
        }
    }
    Ok(())
}

/// What `unhang doctor` is told that it expects is what the walker looks for.
#[test]
fn every_expectation_holds() -> Result<()> {
    for (story, _) in DIAGONAL {
        let mut doctor = command(&built()?.command_line, root());
        let output =
            doctor.args(["doctor", "--expectations"]).arg(story.build()?).output().context("it")?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{story}: {said}");
        ensure!(said.contains("tokio::runtime::task::core::Header"), "{story}: {said}");
    }
    Ok(())
}

/// All versions, profiles and schedulers, plain and with what changes tokio's own structures.
/// Prints the table that `docs/versions.md` has.
#[test]
#[ignore = "builds tokio a hundred times; `cargo xtask test --full` runs it"]
fn every_version_in_every_way() -> Result<()> {
    let golden = golden("versions")?;
    let (_, golden) = golden.split_once('\n').context("the command's line")?;
    let expected = lines_sorted(golden);
    let mut failed = Vec::new();
    println!("| tokio | build | current-thread | multi-thread |\n|---|---|---|---|");
    for version in VERSIONS {
        for profile in [Profile::Debug, Profile::Release] {
            for (unstable, parking_lot) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                if unstable != parking_lot && !EACH_ALONE.contains(&version) {
                    continue;
                }
                let story = Story { version, profile, multi_thread: true, unstable, parking_lot };
                let mut cells = Vec::new();
                for scheduler in [Scheduler::CurrentThread, Scheduler::MultiThread] {
                    let said = report(&story, scheduler, &[Front::CommandLine]).map(|r| r.concat());
                    let text = said.as_deref().map(of_any_version).unwrap_or_default();
                    let is_same = lines_sorted(neutral(&text).trim_end()) == expected;
                    if !is_same {
                        let said = said.unwrap_or_else(|error| format!("{error:#}"));
                        failed.push(format!("{story}, {}: {said}", scheduler.word()));
                    }
                    cells.push(if is_same { "whole" } else { "FAILS" });
                }
                let build = story.to_string().replace("rt-multi-thread ", "");
                let build = build.trim_start_matches(version).trim();
                println!("| {version} | {build} | {} | {} |", cells[0], cells[1]);
            }
        }
    }
    ensure!(failed.is_empty(), "{} ways differ:\n{}", failed.len(), failed.join("\n\n"));
    Ok(())
}
