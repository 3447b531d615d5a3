//! One program with many versions of async-executor and of what is built on it.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::fixture::Profile;
use crate::progress::Step;
use crate::story::{copy_if_newer, write_if_other};
use crate::workspace::{self, cargo, exclusively, root, target};

/// A program of `tests/versions` with versions of what it uses.
#[derive(Clone, Copy, Debug)]
pub struct Baking {
    /// The name of its source file, without its ending.
    pub source: &'static str,
    /// The crates that it uses, each with the version.
    pub dependencies: &'static [(&'static str, &'static str)],
}

/// The locks, channels and `block_on` that are used with every version.
macro_rules! executor {
    ($executor:literal, $task:literal) => {
        Baking {
            source: "executor",
            dependencies: &[
                ("async-executor", concat!("=", $executor)),
                ("async-task", concat!("=", $task)),
                ("async-channel", "2"),
                ("async-lock", "3"),
                ("futures-lite", "2"),
            ],
        }
    };
}

/// The pairs of async-executor and async-task that are tried, oldest first.
pub const EXECUTORS: [Baking; 9] = [
    executor!("1.5.0", "4.0.3"),
    executor!("1.5.4", "4.4.0"),
    executor!("1.6.0", "4.2.0"),
    executor!("1.8.0", "4.4.1"),
    executor!("1.9.1", "4.5.0"),
    executor!("1.11.0", "4.7.1"),
    executor!("1.12.0", "4.6.0"),
    executor!("1.13.3", "4.7.0"),
    executor!("1.14.1", "4.7.1"),
];

/// What is built on them.
pub const ON_TOP: [Baking; 4] = [
    Baking { source: "async_std", dependencies: &[("async-std", "=1.12.0")] },
    Baking { source: "async_std", dependencies: &[("async-std", "=1.13.2")] },
    Baking { source: "smol", dependencies: &[("smol", "=1.3.0")] },
    Baking { source: "smol", dependencies: &[("smol", "=2.0.2")] },
];

impl Baking {
    /// What tells it from the others: the first crate's name and version, and the second's.
    #[must_use]
    pub fn name(&self) -> String {
        let of_two = self.dependencies.iter().take(2);
        let parts = of_two.map(|(name, version)| format!("{name}-{}", version.replace('=', "")));
        parts.collect::<Vec<_>>().join("-")
    }

    /// Builds it and returns the executable.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn build(&self, profile: Profile) -> Result<PathBuf> {
        let all = target().join("runtime-versions");
        let folder = all.join(self.name());
        let executable = folder.join(profile.folder()).join("baking");
        exclusively("runtime-versions", || {
            let step = Step::begin(format!("building {} {}", self.name(), profile.folder()));
            let sources = root().join("tests/versions");
            let mut dependencies = String::new();
            for (name, version) in self.dependencies {
                writeln!(dependencies, "{name} = \"{version}\"").context("a line")?;
            }
            let manifest = std::fs::read_to_string(sources.join("Cargo.toml.in"))
                .context("its manifest")?
                .replace("{fixtures}", &root().join("tests/fixtures").display().to_string())
                .replace("{source}", self.source)
                .replace("{dependencies}", &dependencies);
            let file = format!("{}.rs", self.source);
            let source = std::fs::read(sources.join(&file)).context("its source")?;
            std::fs::create_dir_all(folder.join("src")).context("its folder")?;
            write_if_other(&folder.join("Cargo.toml"), manifest.as_bytes())?;
            write_if_other(&folder.join("src").join(&file), &source)?;
            let mut build = cargo(&folder);
            // One folder for all: what does not depend on the version is built once.
            let built = all.join("build");
            build.args(["build", "--profile", profile.name(), "--target-dir"]).arg(&built);
            workspace::run(&mut build, &step)?;
            copy_if_newer(&built.join(profile.folder()).join("baking"), &executable)?;
            step.done();
            Ok(())
        })?;
        Ok(executable)
    }
}
