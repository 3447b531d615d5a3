//! The report as a page: written by every front, with the report in it.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use end_to_end_tests::front::{DUMP, Front};
use end_to_end_tests::subjects;
use serde_json::Value;
use xtask::fixture::Profile;
use xtask::page::{run_in_browser, run_script};
use xtask::session::Subject;

/// The report that is in a page, unpacked by the page's own script.
fn report_in(page: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(page)?;
    ensure!(text.starts_with("<!doctype html>") && text.trim_end().ends_with("</html>"));
    ensure!(!text.contains("https://") && !text.contains(" src="), "it asks the network");
    serde_json::from_str(&run_script("report-of.js", page)?).context("the report")
}

/// Writes the page of a subject through a front. Returns the report in it, and the JSON report that the
/// front writes beside it.
fn written(front: Front, subject: Subject<'_>, page: &Path) -> Result<(Value, Value)> {
    let commands = [format!("{DUMP} --html {}", page.display()), format!("{DUMP} --json")];
    let outputs = front.ask(subject, &commands)?;
    let [said, json] = outputs.as_slice() else { bail!("{outputs:?}") };
    match front {
        Front::CommandLine => ensure!(said.is_empty(), "{said}"),
        _ => ensure!(said.contains("Wrote ") && said.contains("report.html"), "{said}"),
    }
    Ok((report_in(page)?, serde_json::from_str(json).context("the JSON report")?))
}

/// What does not differ from one look to the next.
fn essence(report: &Value) -> Vec<Value> {
    let tasks = report["tasks"].as_array().into_iter().flatten();
    let mut all: Vec<Value> = tasks.map(|task| task["row"]["function"].clone()).collect();
    all.extend([report["findings"][0]["text"].clone(), report["findings"][0]["tasks"].clone()]);
    all.push(report["findings"][0]["help"].clone());
    all
}

#[test]
fn of_a_hung_service() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("report.html");
    let subject = || Subject::Process(shop.service.pid());
    let mut first = None;
    for front in [Front::CommandLine, Front::SystemGdb, Front::SystemLldb] {
        let (report, json) =
            written(front, subject(), &page).with_context(|| format!("{front:?}"))?;
        let found = essence(&report);
        let text = report["findings"][0]["text"].as_str().unwrap_or_default();
        ensure!(text.contains("waits for a lock that it holds itself"), "{text}");
        let evidence = report["findings"][0]["evidence_text"].to_string();
        ensure!(evidence.contains("held") && evidence.contains("stock.rs"), "{evidence}");
        ensure!(*first.get_or_insert(found.clone()) == found, "{front:?}: {found:?}");
        // What the page's script makes of its packed form is the JSON report.
        ensure!(json == report, "{front:?}: the page does not hold the JSON report");
    }
    Ok(())
}

#[test]
#[ignore = "a real browser: cargo xtask test --full"]
fn in_a_browser_the_hung_service_is_explained() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("report.html");
    written(Front::CommandLine, Subject::Process(shop.service.pid()), &page)?;
    println!("{}", run_in_browser("hung-service.js", &page)?);
    // It writes the page anew, with other texts.
    println!("{}", run_in_browser("hostile.js", &page)?);
    Ok(())
}

#[test]
#[ignore = "a real browser: cargo xtask test --full"]
fn in_a_panel_of_vs_code_what_is_clicked_is_opened() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("report.html");
    written(Front::CommandLine, Subject::Process(shop.service.pid()), &page)?;
    println!("{}", run_in_browser("panel.js", &page)?);
    Ok(())
}

#[test]
#[ignore = "a real browser: cargo xtask test --full"]
fn in_a_browser_ten_thousand_tasks_open_in_a_second() -> Result<()> {
    let many = subjects::many_tasks(Profile::Release, 10_000)?;
    let folder = tempfile::tempdir()?;
    let page = folder.path().join("report.html");
    let (report, _) = written(Front::CommandLine, Subject::Process(many.pid()), &page)?;
    ensure!(report["tasks"].as_array().map(Vec::len) == Some(10_001));
    let size = std::fs::metadata(&page)?.len();
    ensure!(size < 3_000_000, "the page has {size} bytes");
    println!("{}", run_in_browser("many-tasks.js", &page)?);
    Ok(())
}
