//! Executables that this process makes and then runs.
//!
//! `execve` refuses a file that somebody has open for writing (`ETXTBSY`, "Text file busy"). Tests
//! run on several threads, and each of them starts processes: a child that another thread forks
//! while this one writes a file has the descriptor too, until it executes its own program, however
//! soon the writer closes it. `O_CLOEXEC` does not help, for it acts at that `execve`; nor does another
//! name or a rename, since the kernel counts writers by inode. So a process of one thread does the
//! writing: when it has ended, its descriptor is gone, and no fork of ours ever had it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Copies an executable with its permissions and its time. What is there already keeps its
/// contents for those that run it: it loses its name alone.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    let mut cp = Command::new("cp");
    let status = cp.arg("-p").arg(from).arg(to).status().context("running cp")?;
    ensure!(status.success(), "cp cannot copy {} to {}", from.display(), to.display());
    Ok(())
}

/// Writes a script that can be executed; its first line names its interpreter.
pub fn script(path: &Path, text: &str) -> Result<()> {
    remove(path)?;
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"cat > "$0" && chmod 755 "$0""#]).arg(path).stdin(Stdio::piped());
    let mut child = shell.spawn().context("running sh")?;
    let mut input = child.stdin.take().context("its input")?;
    input.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
    drop(input);
    let status = child.wait().context("waiting for sh")?;
    ensure!(status.success(), "sh cannot write {}", path.display());
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use super::*;

    /// Runs `work` while other threads start processes.
    fn beside_forks(work: impl FnOnce() -> Result<()>) -> Result<()> {
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !is_done.load(Relaxed) {
                        Command::new("true").status().expect("it runs");
                    }
                });
            }
            let result = work();
            is_done.store(true, Relaxed);
            result
        })
    }

    #[test]
    fn what_is_made_can_be_run_at_once() -> Result<()> {
        let folder = crate::workspace::target().join("executables");
        std::fs::create_dir_all(&folder).context("creating a folder")?;
        let (made, copied) = (folder.join("made"), folder.join("copied"));
        beside_forks(|| {
            for round in 0..200 {
                script(&made, &format!("#!/bin/sh\nexit {}\n", round % 7))?;
                copy(&made, &copied)?;
                for path in [&made, &copied] {
                    let status = Command::new(path).status().context("running it")?;
                    ensure!(status.code() == Some(round % 7));
                }
            }
            Ok(())
        })
    }
}
