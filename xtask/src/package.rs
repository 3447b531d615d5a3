//! `cargo xtask package`: Python wheels, with which `pip install` brings everything, the VS Code
//! extension, and the command as one file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::wheel::{MATURIN, create, only_file_of, remove, stage};
use crate::workspace::{self, command, exclusively, root, target};
use crate::{build, manylinux, python, standalone, vscode, wheel};

/// Builds the wheel for this machine alone, with its own linker, and returns its path.
pub fn package() -> Result<PathBuf> {
    let built = build::build()?;
    let environment = python::environment("maturin", &[MATURIN])?;
    exclusively("package", || {
        let step = Step::begin("building the wheel");
        let stripped = target().join("package/unhang");
        create(&target().join("package"))?;
        let mut strip = command("strip", root());
        strip.arg("-o").arg(&stripped).arg(&built.command_line);
        workspace::run(&mut strip, &step)?;
        stage(&stripped, &built.command_line, &step)?;
        let wheels = target().join("wheels");
        remove(&wheels)?;
        let mut maturin = command(environment.join("bin/maturin"), root());
        // The tag of this machine; for others there is `manylinux.rs`.
        maturin.args(["build", "--release", "--locked", "--compatibility", "linux"]);
        maturin.args(["--manifest-path", "native-module/Cargo.toml", "--out"]).arg(&wheels);
        maturin.arg("--target-dir").arg(target());
        // The module is there: `build` made it as maturin asks for it.
        workspace::run(wheel::bind(&mut maturin)?, &step)?;
        step.done();
        only_file_of(&wheels)
    })
}

/// `cargo xtask package`.
pub fn run() -> Result<()> {
    let built = build::build()?;
    for processor in manylinux::processors() {
        let wheel = manylinux::wheel(processor, &built)?;
        println!("{} pip install {}", megabytes(&wheel)?, wheel.display());
    }
    let extension = vscode::package()?;
    println!("{} code --install-extension {}", megabytes(&extension)?, extension.display());
    for processor in standalone::processors() {
        let alone = standalone::build(processor)?;
        println!("{} for containers ({processor}): {}", megabytes(&alone)?, alone.display());
    }
    Ok(())
}

fn megabytes(file: &Path) -> Result<String> {
    let size = fs::metadata(file).with_context(|| format!("the size of {}", file.display()))?.len();
    Ok(format!("{:4.1} MB ", size as f64 / 1e6))
}
