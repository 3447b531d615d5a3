//! The page of the report: written for the extension of VS Code, and checked.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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
    let packages = packages()?;
    let step = Step::begin("tsc (report page)");
    let mut tsc = command(packages.join(".bin/tsc"), &folder);
    workspace::run(tsc.args(["--project", "."]), &step)?;
    step.done();

    let step = Step::begin("node --test (report page)");
    let mut node = command(debugger::node()?, &folder);
    workspace::run(node.arg("--test").args(tests(&folder.join("tests"))?), &step)?;
    step.done();
    Ok(())
}

/// What checks the scripts, and what drives a browser.
pub fn packages() -> Result<PathBuf> {
    npm::packages("page-tools", &root().join(FOLDER))
}

/// The files of a folder that are tests.
fn tests(folder: &Path) -> Result<Vec<OsString>> {
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
