//! Which crate may use which: the arrows of the design, and no other.

use anyhow::{Context, Result, ensure};

use crate::progress::Step;
use crate::workspace::{self, cargo, root};

/// Each crate of the workspace with the crates of the workspace that it may use.
const MAY_USE: [(&str, &[&str]); 7] = [
    ("runtime-layouts", &[]),
    ("layout-extractor", &["runtime-layouts"]),
    ("process-target", &["runtime-layouts", "layout-extractor"]),
    ("unhang", &["runtime-layouts", "layout-extractor", "process-target"]),
    ("native-module", &["runtime-layouts", "layout-extractor"]),
    ("xtask", &[]),
    // From outside only: the tests see programs and their output.
    ("end-to-end-tests", &["xtask"]),
];

/// Fails when a crate uses another one that it may not.
pub fn check() -> Result<()> {
    let step = Step::begin("which crate uses which");
    for (name, may_use) in MAY_USE {
        // `normal,build,dev` without the outside world: path dependencies alone.
        let mut tree = cargo(root());
        tree.args(["tree", "--locked", "--package", name, "--depth", "1", "--prefix", "none"]);
        tree.args(["--edges", "normal,build,dev", "--format", "{p}"]);
        let text = workspace::run(&mut tree, &step)?;
        for line in text.lines().skip(1) {
            let used = line.split(' ').next().context("the name of a crate")?;
            let ours = MAY_USE.iter().any(|(name, _)| *name == used);
            ensure!(!ours || used == name || may_use.contains(&used), "{name} must not use {used}");
        }
    }
    step.done();
    Ok(())
}
