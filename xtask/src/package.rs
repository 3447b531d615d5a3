//! `cargo xtask package`: Python wheels, with which `pip install` brings everything, the VS Code
//! extension, and the command as one file.
//!
//! maturin builds the native module and packs it with the shared Python. What else belongs to the
//! wheel is put into its data folder (`native-module/pyproject.toml` names it) under the names that
//! pip knows: `scripts` go beside the environment's Python, `platlib` among its packages, and
//! `data` into the environment itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::progress::Step;
use crate::workspace::{self, command, exclusively, root, target};
use crate::{build, manylinux, python, standalone, vscode};

/// What makes wheels; `native-module/pyproject.toml` asks for the same one.
pub(crate) const MATURIN: &str = "maturin==1.16.0";

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
        // maturin builds the bindings with other settings than `cargo xtask build`: in one folder
        // each would undo the work of the other.
        maturin.arg("--target-dir").arg(target().join("package"));
        workspace::run(&mut maturin, &step)?;
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

/// Fills the wheel's data folder: the command as it is, and what `own`, the command that runs on
/// this machine, says of itself.
pub(crate) fn stage(command_line: &Path, own: &Path, step: &Step) -> Result<()> {
    // Where the metadata says it is, whatever CARGO_TARGET_DIR is.
    let data = root().join("target/wheel");
    remove(&data)?;
    let scripts = create(&data.join("scripts"))?;
    fs::copy(command_line, scripts.join("unhang")).context("copying the command")?;

    let package = data.join("platlib/unhang_shared");
    copy_python(&root().join("gdb-python"), &create(&package.join("gdb"))?)?;
    let lldb = root().join("lldb-python/unhang_lldb");
    copy_python(&lldb, &create(&package.join("lldb/unhang_lldb"))?)?;

    let share = data.join("data/share");
    let mut man = command(own, root());
    man.arg("man").arg(create(&share.join("man/man1"))?);
    workspace::run(&mut man, step)?;
    for (shell, place) in [
        ("bash", "bash-completion/completions/unhang"),
        ("fish", "fish/vendor_completions.d/unhang.fish"),
        ("zsh", "zsh/site-functions/_unhang"),
    ] {
        let file = share.join(place);
        create(file.parent().context("a folder")?)?;
        let mut completions = command(own, root());
        let text = workspace::run(completions.args(["completions", shell]), step)?;
        fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    let documentation = create(&share.join("doc/unhang"))?;
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "CHANGELOG.md", "docs/report.schema.json"] {
        let file = root().join(name);
        let place = documentation.join(file.file_name().context("a name")?);
        fs::copy(&file, place).with_context(|| format!("copying {}", file.display()))?;
    }
    Ok(())
}

/// Copies the Python files of a folder and of the folders in it.
fn copy_python(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let path = entry.context("an entry")?.path();
        let place = to.join(path.file_name().context("a name")?);
        if path.is_dir() && !path.ends_with("__pycache__") {
            copy_python(&path, &create(&place)?)?;
        } else if path.extension().is_some_and(|extension| extension == "py") {
            fs::copy(&path, place).with_context(|| format!("copying {}", path.display()))?;
        }
    }
    Ok(())
}

fn create(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder.to_owned())
}

pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

pub(crate) fn only_file_of(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let files: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    match files.as_slice() {
        [file] => Ok(file.clone()),
        files => bail!("{} files in {} instead of one", files.len(), folder.display()),
    }
}
