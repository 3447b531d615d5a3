//! `cargo xtask build`: the command line, and the module beside its Python.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::wheel;
use crate::workspace::{self, cargo, exclusively, root, target};

/// What a build leaves behind.
pub struct Built {
    /// The command line.
    pub command_line: PathBuf,
    /// The script that gdb sources.
    pub gdb_script: PathBuf,
    /// The package that lldb imports.
    pub lldb_package: PathBuf,
}

/// Builds everything and says where it is.
pub fn build() -> Result<Built> {
    exclusively("unhang", || {
        let step = Step::begin("building unhang (release)");
        let mut build = cargo(root());
        // The module is named so that what both use has the same features.
        build.args(["build", "--release", "--package", "unhang", "--package", "native-module"]);
        workspace::run(build.arg("--bins"), &step)?;
        workspace::run(&mut module()?, &step)?;
        let release = target().join("release");
        place_module(&release.join("libunhang_native.so"))?;
        step.done();
        Ok(Built {
            command_line: release.join("unhang"),
            gdb_script: root().join("gdb-python/unhang.py"),
            lldb_package: root().join("lldb-python/unhang_lldb"),
        })
    })
}

/// What builds the module: with the arguments and the settings of maturin's, which then finds it
/// built when it packs a wheel for this machine.
fn module() -> Result<Command> {
    let mut build = cargo(root());
    build.args(["rustc", "--release", "--package", "native-module", "--lib"]);
    build.args(["--crate-type", "cdylib"]);
    wheel::bind(&mut build)?.args(["--", "-C", "strip=symbols"]);
    Ok(build)
}

/// `cargo xtask build`.
pub fn run() -> Result<()> {
    let built = build()?;
    println!("gdb           source {}", built.gdb_script.display());
    println!("lldb          command script import {}", built.lldb_package.display());
    println!("command line  {}", built.command_line.display());
    Ok(())
}

/// Copies the module to where its Python package looks for it.
///
/// A debugger may have the old one mapped, so the new one is written beside it
/// and takes its name: what is mapped keeps its contents.
fn place_module(library: &Path) -> Result<()> {
    let package = root().join("native-module/python/unhang_shared");
    let place = package.join("_native.abi3.so");
    let fresh = package.join(format!("_native.abi3.so.{}", std::process::id()));
    let placed = std::fs::copy(library, &fresh).and_then(|_| std::fs::rename(&fresh, &place));
    if placed.is_err() {
        // Whatever is left of the copy is of no use; the error says what happened.
        let _ = std::fs::remove_file(&fresh);
    }
    placed.with_context(|| format!("copying {} to {}", library.display(), place.display()))
}
