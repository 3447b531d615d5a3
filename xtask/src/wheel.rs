//! What is in a wheel, whoever builds it.
//!
//! maturin builds the native module and packs it with the shared Python. What else belongs to the
//! wheel is put into its data folder (`native-module/pyproject.toml` names it) under the names that
//! pip knows: `scripts` go beside the environment's Python, `platlib` among its packages, and
//! `data` into the environment itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::progress::Step;
use crate::python;
use crate::workspace::{self, command, root, target};

/// What makes wheels; `native-module/pyproject.toml` asks for the same one.
pub(crate) const MATURIN: &str = "maturin==1.16.0";

/// Tells pyo3 of which Python the module is, which it would else ask some Python on the search path,
/// and maturin another one: what one of them has built would be built anew for the other.
pub(crate) fn bind(build: &mut Command) -> Result<&mut Command> {
    let settings = target().join("pyo3.txt");
    let version = format!("3.{}", python::OLDEST_MINOR);
    // As maturin 1.16 writes it; pyo3 0.30 reads it (`InterpreterConfig::from_reader`).
    let wanted = format!(
        "implementation=CPython\nversion={version}\ntarget_abi=CPython-abi3-{version}\n\
         shared=true\nbuild_flags=\nsuppress_build_script_link_lines=false\n"
    );
    if !fs::read_to_string(&settings).is_ok_and(|found| found == wanted) {
        create(&target())?;
        fs::write(&settings, wanted).with_context(|| format!("writing {}", settings.display()))?;
    }
    Ok(build.env("PYO3_CONFIG_FILE", settings).env("PYO3_BUILD_EXTENSION_MODULE", "1"))
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

/// Creates a folder and those around it.
pub(crate) fn create(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder.to_owned())
}

/// Removes a folder, if it is there.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The file in a folder that has no other.
pub(crate) fn only_file_of(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let files: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    match files.as_slice() {
        [file] => Ok(file.clone()),
        files => bail!("{} files in {} instead of one", files.len(), folder.display()),
    }
}
