//! What is remembered of a program changes nothing, whatever becomes of it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::built;
use xtask::fixture::{self, Profile, Running};
use xtask::workspace::{command, root};

/// What `unhang dump` says with a folder to keep answers in.
fn dump(pid: u32, folder: &Path) -> Result<String> {
    let mut dump = command(&built()?.command_line, root());
    dump.args(["dump", "--pid", &pid.to_string()]).env("UNHANG_CACHE", folder);
    let output = dump.output().context("running the command line")?;
    ensure!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The one file with answers in a folder.
fn only_file(folder: &Path) -> Result<PathBuf> {
    let files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let [file] = files.as_slice() else { anyhow::bail!("not one file: {files:?}") };
    Ok(file.clone())
}

#[test]
fn damaged_answers_are_found_again() -> Result<()> {
    let program = fixture::build("shapes", Profile::Debug)?;
    let running = Running::start::<&str>(&program, &[])?;
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("answers");
    let first = dump(running.pid(), &folder)?;
    let file = only_file(&folder)?;
    let whole = fs::read(&file)?;
    ensure!(dump(running.pid(), &folder)? == first, "what is remembered says something else");
    ensure!(fs::read(&file)? == whole, "nothing was new, but the answers were written again");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x10;
    for damaged in [&flipped[..], &whole[..whole.len() / 2], b"unhangAN", b""] {
        fs::write(&file, damaged)?;
        ensure!(dump(running.pid(), &folder)? == first, "damaged answers were used");
        ensure!(only_file(&folder)? == file && fs::read(&file)? != damaged, "not written anew");
    }
    // A folder that cannot be made: nothing is kept, and nothing is said.
    ensure!(dump(running.pid(), &file.join("below a file"))? == first, "it needs the folder");
    ensure!(dump(running.pid(), Path::new(""))? == first, "it needs a folder");
    Ok(())
}
