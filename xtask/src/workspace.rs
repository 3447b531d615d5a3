//! Where things lie, and how other programs are run.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::progress::Step;

/// The folder that holds the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// The folder for everything that is built or downloaded.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A program to be run in `folder`, with nothing on its standard input.
pub fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    // What one command remembers another one uses: they must say the same.
    command.env("UNHANG_CACHE", target().join("answers"));
    command
}

/// The cargo that runs us, to be run in `folder`.
///
/// What the outer cargo has put into the environment about the package that it
/// runs is taken out again: it would make the inner one rebuild things.
pub fn cargo(folder: &Path) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), folder);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Runs a command to its end, the last line of its output beside the step's
/// title. Returns the output, or an error that ends with all of it.
pub fn run(command: &mut Command, step: &Step) -> Result<String> {
    let name = display(command);
    let (output, end) = std::io::pipe().context("a pipe")?;
    command.stdout(end.try_clone().context("a pipe")?).stderr(end);
    let mut child = command.spawn().with_context(|| format!("cannot start `{name}`"))?;
    // The command keeps the writing end open, and so would reading never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut text = String::new();
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).context("reading the output")? > 0 {
        let part = String::from_utf8_lossy(&line);
        step.note(part.trim());
        text.push_str(&part);
        line.clear();
    }
    let status = child.wait().with_context(|| format!("waiting for `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed ({status})\n{}", text.trim_end());
    }
    Ok(text)
}

/// Holds a lock that other processes respect too, while `work` runs: what is
/// built or installed once is not built by two tests at the same time.
pub fn exclusively<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let folder = target();
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let path = folder.join(format!(".{name}.lock"));
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    file.lock().with_context(|| format!("locking {}", path.display()))?;
    work()
}

/// A command as it would be typed, without its folders' full length.
fn display(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
