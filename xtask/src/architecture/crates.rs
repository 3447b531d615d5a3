//! Which crate of the workspace may use which.

use anyhow::{Context, Result, ensure};

use super::rules::CRATES;
use crate::progress::Step;
use crate::workspace::{self, cargo, root};

/// Fails when a crate uses another one that it may not, or is not in the table.
pub(super) fn check(step: &Step) -> Result<()> {
    let tree = |arguments: &[&str]| {
        let mut tree = cargo(root());
        tree.args(["tree", "--quiet", "--locked", "--prefix", "none", "--format", "{p}"])
            .args(arguments);
        workspace::run(&mut tree, step)
    };
    let members = tree(&["--workspace", "--depth", "0"])?;
    for line in members.lines().filter(|line| !line.is_empty()) {
        let member = name(line)?;
        let known = CRATES.iter().any(|(name, _)| *name == member);
        ensure!(known, "{member} is not in the table of xtask/src/architecture/rules.rs");
    }
    for (user, may_use) in CRATES {
        let text = tree(&["--package", user, "--depth", "1", "--edges", "normal,build,dev"])?;
        for line in text.lines().skip(1) {
            let used = name(line)?;
            let ours = CRATES.iter().any(|(name, _)| *name == used);
            ensure!(
                !ours || used == *user || may_use.contains(&used),
                "{user} must not use {used}"
            );
        }
    }
    Ok(())
}

/// The name of the crate in a line of `cargo tree`.
fn name(line: &str) -> Result<&str> {
    line.split(' ').next().context("the name of a crate")
}
