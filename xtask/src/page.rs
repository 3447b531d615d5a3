//! The page of the report: written for the extension of VS Code, and checked.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::progress::Step;
use crate::workspace::{self, command, root};
use crate::{debugger, npm};

/// Where its scripts and their tests are.
const FOLDER: &str = "report-page";

/// `cargo xtask page`: writes the page that waits for a report.
pub fn write(file: &Path) -> Result<()> {
    fs::write(file, report_page::empty()).with_context(|| format!("writing {}", file.display()))
}

/// Checks the types of the page's scripts, and runs their tests over recorded reports.
pub fn check() -> Result<()> {
    let folder = root().join(FOLDER);
    npm::install(&folder)?;
    let node = npm::node()?;
    let step = Step::begin("tsc (report page)");
    let mut tsc = command(&node, &folder);
    workspace::run(tsc.args(["node_modules/typescript/bin/tsc", "--project", "."]), &step)?;
    step.done();

    let step = Step::begin("node --test (report page)");
    let mut tests = command(node, &folder);
    workspace::run(tests.arg("--test").args(test_files(&folder.join("tests"))?), &step)?;
    step.done();
    Ok(())
}

/// Runs a script among the tests, and gives what it prints.
pub fn run_script(name: &str, page: &Path) -> Result<String> {
    let folder = root().join(FOLDER);
    let mut node = command(npm::node()?, &folder);
    let output = node.arg(format!("tests/{name}")).arg(page).output().context("running node")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {said}{errors}");
    Ok(said)
}

/// Does in a browser what a script says.
pub fn run_in_browser(name: &str, page: &Path) -> Result<String> {
    debugger::chromium()?;
    npm::install(&root().join(FOLDER))?;
    run_script(&format!("browser/{name}"), page)
}

/// The files of a folder that are tests.
fn test_files(folder: &Path) -> Result<Vec<OsString>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut tests = Vec::new();
    for entry in entries {
        let path = entry.context("an entry")?.path();
        if path.to_string_lossy().ends_with(".test.js") {
            tests.push(path.into_os_string());
        }
    }
    tests.sort();
    Ok(tests)
}
