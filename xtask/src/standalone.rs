//! The command as one file that needs nothing around it: to be copied into a container.
//!
//! It has the C library in it: glibc, the one that the tests run with. For musl's a second standard
//! library of Rust would be needed, which no package registry has. What a static glibc cannot do
//! alone, to look up users and hosts by name, the command does not do.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::aarch64::AArch64;
use crate::progress::Step;
use crate::workspace::{self, cargo, exclusively, root, target};

/// The processors that it can be built for here.
#[must_use]
pub fn processors() -> &'static [&'static str] {
    match ARCH {
        // Debian has the compiler's standard library for the other one.
        "x86_64" => &["x86_64", "aarch64"],
        _ => &[ARCH],
    }
}

/// Builds it for one of them and returns its path.
pub fn build(processor: &str) -> Result<PathBuf> {
    if processor != ARCH {
        ensure!(processors().contains(&processor), "no command for {processor} is built here");
        let place = target().join("standalone").join(format!("unhang-{processor}"));
        fs::create_dir_all(target().join("standalone")).context("creating a folder")?;
        copy(&AArch64::tools()?.standalone()?, &place)?;
        return Ok(place);
    }
    exclusively("standalone", || {
        let step = Step::begin("building the standalone command");
        let folder = target().join("standalone");
        let triple = format!("{ARCH}-unknown-linux-gnu");
        let mut build = cargo(root());
        build.args(["build", "--locked", "--release", "--package", "unhang"]);
        // With a target named, build scripts and macros are not static.
        build.args(["--target", &triple]).arg("--target-dir").arg(&folder);
        build.args(["--config", "profile.release.strip='symbols'"]);
        build.env_remove("RUSTFLAGS");
        build.env("CARGO_ENCODED_RUSTFLAGS", "-Ctarget-feature=+crt-static");
        workspace::run(&mut build, &step)?;
        let place = folder.join("unhang");
        let built = folder.join(triple).join("release/unhang");
        copy(&built, &place)?;
        step.done();
        Ok(place)
    })
}

fn copy(built: &Path, place: &Path) -> Result<()> {
    fs::copy(built, place).with_context(|| format!("copying {}", built.display()))?;
    Ok(())
}
