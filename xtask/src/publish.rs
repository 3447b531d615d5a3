//! Whether the crates could be published: `cargo install unhang` takes the command with the crates
//! that it uses from the registry, each as the archive that `cargo package` makes of it.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use crate::architecture;
use crate::progress::Step;
use crate::workspace::{self, cargo, root, target};

/// Makes the archives, all together, since none of them is in a registry. In full, each is compiled
/// from its archive too, with nothing else of the repository at hand.
pub fn check(full: bool) -> Result<()> {
    let step = Step::begin("cargo package");
    let crates = published(&step)?;
    ensure!(crates.contains("unhang") && crates.len() > 1, "which crates? {crates:?}");
    let mut package = cargo(root());
    // Whatever is changed and not committed yet is to be packed too.
    package.args(["package", "--locked", "--offline", "--allow-dirty", "--target-dir"]);
    package.arg(target().join("publish"));
    package.args(crates.iter().flat_map(|name| ["--package", name]));
    if full {
        package.env("CARGO_PROFILE_DEV_DEBUG", "false");
    } else {
        package.arg("--no-verify");
    }
    workspace::run(&mut package, &step)?;
    step.done();
    Ok(())
}

/// The command and the crates of ours that it is built of.
fn published(step: &Step) -> Result<BTreeSet<String>> {
    let mut tree = cargo(root());
    tree.args(["tree", "--quiet", "--locked", "--offline", "--package", "unhang"]);
    tree.args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"]);
    let text = workspace::run(&mut tree, step)?;
    let names = text.lines().filter_map(|line| line.split(' ').next());
    Ok(names.filter(|name| architecture::is_ours(name)).map(str::to_owned).collect())
}
