//! A program for a microcontroller, and a board that runs it: Debian's compiler, the sources of its
//! core library, and qemu.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::debian::Unpacked;
use crate::fixture::Profile;
use crate::machine;
use crate::progress::Step;
use crate::workspace::{self, cargo, command, exclusively, root, target};

/// As Rust names it.
const TARGET: &str = "thumbv7m-none-eabi";

/// The compiler, which has no core library for that target, and the sources to make one of.
const PACKAGES: &[&str] =
    &["rustc-web", "libstd-rust-web-1.96", "libstd-rust-web-dev", "libllvm22", "rust-web-src"];

/// What builds programs for a Cortex-M, and runs them.
pub struct CortexM {
    compiler: Unpacked,
    machine: Unpacked,
}

impl CortexM {
    /// Unpacks it on first use.
    pub fn tools() -> Result<Self> {
        Ok(Self { compiler: compiler()?, machine: machine::emulator()? })
    }

    /// Builds `tests/bare-metal` and returns its executable.
    pub fn build(&self, profile: Profile) -> Result<PathBuf> {
        let folder = target().join("cortex-m");
        exclusively("cortex-m", || {
            let step = Step::begin(format!("building bare-metal ({})", profile.folder()));
            let mut build = cargo(&root().join("tests/bare-metal"));
            build.args(["build", "--locked", "-Zbuild-std=core", "--target", TARGET]);
            build.args(["--profile", profile.name(), "--target-dir"]).arg(&folder);
            compile_with(&self.compiler, &mut build)?;
            build.env("LD_LIBRARY_PATH", self.compiler.libraries());
            workspace::run(&mut build, &step)?;
            step.done();
            Ok(())
        })?;
        Ok(folder.join(TARGET).join(profile.folder()).join("bare-metal"))
    }

    /// What runs a program on a board that listens for a debugger at this local port.
    pub fn serve(&self, port: u16, program: &Path) -> Result<Command> {
        let mut board = command(self.machine.program("qemu-system-arm")?, root());
        let libraries =
            [self.machine.libraries(), self.machine.folder().join("lib/x86_64-linux-gnu")];
        board.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
        board.arg("-L").arg(self.machine.folder().join("usr/share/qemu"));
        board.args(["-M", "lm3s6965evb", "-nographic", "-monitor", "none", "-serial", "none"]);
        board.args(["-gdb", &format!("tcp:127.0.0.1:{port}"), "-kernel"]).arg(program);
        Ok(board)
    }
}

/// The compiler with the sources of its libraries, which cargo's `-Zbuild-std` builds for a target.
pub(crate) fn compiler() -> Result<Unpacked> {
    ensure!(cfg!(target_arch = "x86_64"), "Debian has the compiler for x86-64 alone");
    Unpacked::packages("cortex-m", PACKAGES)
}

/// Has a cargo use it.
pub(crate) fn compile_with(compiler: &Unpacked, build: &mut Command) -> Result<()> {
    // Both let through what only a nightly toolchain does otherwise.
    build.env("RUSTC", compiler.program("rustc")?).env("RUSTC_BOOTSTRAP", "1");
    build.env("PATH", with_linker()?).env_remove("RUSTFLAGS");
    Ok(())
}

/// The search path with the linker of the toolchain that runs us, which Debian's compiler looks for
/// by its name.
pub(crate) fn with_linker() -> Result<std::ffi::OsString> {
    let sysroot = command("rustc", root()).args(["--print", "sysroot"]).output();
    let sysroot = sysroot.context("running rustc")?.stdout;
    let sysroot = PathBuf::from(String::from_utf8_lossy(&sysroot).trim());
    let programs = sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin");
    ensure!(programs.join("rust-lld").is_file(), "no rust-lld in {}", programs.display());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs).chain(std::env::split_paths(&path));
    std::env::join_paths(all).context("the search path")
}
