//! The command as one file, in a root folder with nothing else in it.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use end_to_end_tests::front::{CoreFile, DUMP, Front, WIDTH};
use end_to_end_tests::subjects;
use xtask::aarch64::AArch64;
use xtask::fixture::Profile;
use xtask::session::Subject;
use xtask::{executable, standalone, workspace};

/// A folder that is taken for the root, with the command in it. `/proc` is mounted there as long as
/// it exists.
struct EmptyRoot(PathBuf);

impl EmptyRoot {
    fn new() -> Result<Self> {
        let folder = workspace::target().join(format!("tmp/empty-root-{}", std::process::id()));
        fs::create_dir_all(folder.join("proc")).context("creating a folder")?;
        executable::copy(&standalone::build(ARCH)?, &folder.join("unhang"))?;
        let root = Self(folder);
        run("mount", &["-t", "proc", "proc", path(&root.0.join("proc"))])?;
        Ok(root)
    }

    /// What the command says and with which code it ends.
    fn dump(&self, arguments: &[&str]) -> Result<(String, Option<i32>)> {
        let mut chroot = workspace::command("chroot", workspace::root());
        chroot.arg(&self.0).args(["/unhang", "dump"]).args(arguments);
        let output = chroot.output().context("running chroot")?;
        Ok((String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code()))
    }

    fn copy(&self, file: &Path, name: &str) -> Result<()> {
        fs::copy(file, self.0.join(name)).with_context(|| format!("copying {}", file.display()))?;
        Ok(())
    }
}

impl Drop for EmptyRoot {
    fn drop(&mut self) {
        // What is mounted must not be removed; the next run has a folder of its own.
        if run("umount", &[path(&self.0.join("proc"))]).is_ok() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path of ours is text")
}

fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let mut command = workspace::command(program, workspace::root());
    let output = command.args(arguments).output().with_context(|| format!("running {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?}: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
#[ignore = "a release build of its own, and a mount; `cargo xtask test --full` runs it"]
fn needs_nothing_around_it() -> Result<()> {
    let running = subjects::faults(Profile::Release, "two-locks")?;
    let subject = Subject::Process(running.pid());
    let expected = Front::CommandLine.ask(subject, &[DUMP])?.concat();
    ensure!(expected.contains("Deadlock"), "{expected}");
    let root = EmptyRoot::new()?;
    // The program itself is read through `/proc/PID/exe`.
    let (live, code) = root.dump(&["-p", &running.pid().to_string()])?;
    ensure!(code == Some(0) && live.contains("Deadlock") && live.contains("Complete: "), "{live}");
    let core = CoreFile::of(&running)?;
    root.copy(core.path(), "core")?;
    root.copy(running.executable(), "faults")?;
    let (dead, code) = root.dump(&["--core", "/core", "--exe", "/faults"])?;
    ensure!(code == Some(3) && dead.contains("Deadlock"), "{dead}");
    // The libraries of the program are not there.
    ensure!(dead.contains(" does not exist here: "), "{dead}");
    Ok(())
}

/// The command for AArch64, on an emulated one, says of a core file of this machine what this
/// machine's says.
#[test]
#[ignore = "a release build for another processor; `cargo xtask test --full` runs it"]
fn another_processor_reads_a_core_file_of_this_one() -> Result<()> {
    let command_line = standalone::build("aarch64")?;
    let emulated = |arguments: &[&str]| -> Result<String> {
        let mut qemu = AArch64::tools()?.emulator()?.command();
        qemu.env("UNHANG_CACHE", workspace::target().join("answers"));
        let output = qemu.arg(&command_line).args(arguments).output().context("running qemu")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {complaint}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let version = emulated(&["--version"])?;
    ensure!(version == format!("unhang {}\n", env!("CARGO_PKG_VERSION")), "{version}");
    let running = subjects::faults(Profile::Release, "two-locks")?;
    let core = CoreFile::of(&running)?;
    let subject = Subject::Core { core: core.path(), executable: running.executable() };
    let expected = Front::CommandLine.ask(subject, &[DUMP])?.concat();
    ensure!(expected.contains("Deadlock"), "{expected}");
    let (core, program) = (path(core.path()), path(running.executable()));
    let width = WIDTH.to_string();
    let said = emulated(&["dump", "--width", &width, "--core", core, "--exe", program])?;
    ensure!(said == expected, "{said}\ninstead of\n{expected}");
    Ok(())
}
