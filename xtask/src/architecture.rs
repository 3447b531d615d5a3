//! Which crate may use which: the arrows of the design, and no other.

use anyhow::{Context, Result, ensure};

use crate::progress::Step;
use crate::workspace::{self, cargo, root};

/// Each crate of the workspace with the crates of the workspace that it may use.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("runtime-layouts", &[]),
    ("report-text", &["runtime-layouts"]),
    ("layout-extractor", &["runtime-layouts"]),
    ("process-target", &["runtime-layouts", "layout-extractor"]),
    ("unhang", &["runtime-layouts", "report-text", "layout-extractor", "process-target"]),
    ("native-module", &["runtime-layouts", "report-text", "layout-extractor", "process-target"]),
    ("xtask", &[]),
    // From outside only: the tests see programs and their output.
    ("end-to-end-tests", &["xtask"]),
];

/// Fails when a crate uses another one that it may not, or is not in the list.
pub fn check() -> Result<()> {
    let step = Step::begin("which crate uses which");
    let tree = |arguments: &[&str]| {
        let mut tree = cargo(root());
        tree.args(["tree", "--quiet", "--locked", "--prefix", "none", "--format", "{p}"])
            .args(arguments);
        workspace::run(&mut tree, &step)
    };
    let members = tree(&["--workspace", "--depth", "0"])?;
    for line in members.lines().filter(|line| !line.is_empty()) {
        let member = name(line)?;
        let known = MAY_USE.iter().any(|(name, _)| *name == member);
        ensure!(known, "{member} is not in the list of xtask/src/architecture.rs");
    }
    for (user, may_use) in MAY_USE {
        let text = tree(&["--package", user, "--depth", "1", "--edges", "normal,build,dev"])?;
        for line in text.lines().skip(1) {
            let used = name(line)?;
            let ours = MAY_USE.iter().any(|(name, _)| *name == used);
            ensure!(!ours || used == user || may_use.contains(&used), "{user} must not use {used}");
        }
    }
    step.done();
    Ok(())
}

/// The name of the crate in a line of `cargo tree`.
fn name(line: &str) -> Result<&str> {
    line.split(' ').next().context("the name of a crate")
}
