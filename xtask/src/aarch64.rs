//! Programs for AArch64 on another machine: Debian's compiler, linker and emulator.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::debian::Unpacked;
use crate::emulator::Emulator;
use crate::fixture::Profile;
use crate::progress::Step;
use crate::workspace::{self, cargo, command, exclusively, root, target};

/// As Rust names them.
const TARGET: &str = "aarch64-unknown-linux-gnu";

/// The compiler with its standard libraries for this machine and for the other one, the linker, the
/// C library, and the emulator with what a machine may not have of its libraries.
const PACKAGES: &[&str] = &[
    "rustc-web",
    "libstd-rust-web-1.96",
    "libstd-rust-web-dev",
    "libstd-rust-web-dev:arm64",
    "libllvm22",
    "gcc-12-aarch64-linux-gnu",
    "gcc-aarch64-linux-gnu",
    "binutils-aarch64-linux-gnu",
    "libgcc-12-dev-arm64-cross",
    "libgcc-s1-arm64-cross",
    "libc6-arm64-cross",
    "libc6-dev-arm64-cross",
    "qemu-user",
    "libcapstone4",
    "libglib2.0-0",
    "libnuma1",
    "liburing2",
];

/// What compiles C, for the command itself.
const C_COMPILER: &[&str] =
    &["cpp-12-aarch64-linux-gnu", "libisl23", "libmpc3", "linux-libc-dev-arm64-cross"];

/// The distribution's Python for it, with the C library.
const PYTHON: &[&str] = &[
    "libc6:arm64",
    "libexpat1:arm64",
    "libgcc-s1:arm64",
    "libpython3.11-minimal:arm64",
    "libpython3.11-stdlib:arm64",
    "python3.11-minimal:arm64",
    "zlib1g:arm64",
];

/// What the end-to-end tests look at with every change.
pub const NEEDED: &[(&str, Profile)] = &[("shapes", Profile::Debug)];

/// What builds programs for AArch64, and runs them.
#[derive(Clone, Debug)]
pub struct AArch64(Unpacked);

impl AArch64 {
    /// Unpacks it on first use.
    pub fn tools() -> Result<Self> {
        ensure!(cfg!(target_arch = "x86_64"), "Debian has the compiler for x86-64 alone");
        Ok(Self(Unpacked::packages_with("arm64", "aarch64", PACKAGES)?))
    }

    /// Builds one of the fixtures and returns its executable.
    pub fn build(&self, name: &str, profile: Profile) -> Result<PathBuf> {
        exclusively("aarch64", || {
            let step = Step::begin(format!("building {name} ({}, AArch64)", profile.folder()));
            let mut build = self.cargo(&root().join("tests/fixtures"), "aarch64")?;
            build.args(["--package", name, "--profile", profile.name()]);
            workspace::run(&mut build, &step)?;
            step.done();
            Ok(())
        })?;
        Ok(target().join("aarch64").join(TARGET).join(profile.folder()).join(name))
    }

    /// Builds the shared object `addon` of `tests/plugins`, and returns it.
    pub fn addon(&self, profile: Profile) -> Result<PathBuf> {
        exclusively("aarch64", || {
            let step = Step::begin(format!("building addon ({}, AArch64)", profile.folder()));
            let mut build = self.cargo(&root().join("tests/plugins"), "aarch64/plugins")?;
            build.args(["--package", "addon", "--profile", profile.name()]);
            workspace::run(&mut build, &step)?;
            step.done();
            Ok(())
        })?;
        let folder = target().join("aarch64/plugins").join(TARGET).join(profile.folder());
        Ok(folder.join("librates_addon.so"))
    }

    /// Builds the command itself, as one file with the C library in it and without symbols, and
    /// returns it.
    pub fn standalone(&self) -> Result<PathBuf> {
        const PLACE: &str = "aarch64/standalone";
        let compiler = Unpacked::packages("aarch64-c", C_COMPILER)?;
        exclusively("aarch64", || {
            let step = Step::begin("building unhang (AArch64)");
            let mut build = self.cargo(root(), PLACE)?;
            let parts = compiler.folder().join("usr/lib/gcc-cross/aarch64-linux-gnu/12");
            let headers = compiler.folder().join("usr/aarch64-linux-gnu/include");
            let (parts, headers) = (parts.display(), headers.display());
            let sysroot = self.0.folder().display();
            let flags = format!("--sysroot={sysroot} -B{parts}/ -isystem {headers}");
            build.env("CFLAGS_aarch64_unknown_linux_gnu", flags);
            build.env("CC_aarch64_unknown_linux_gnu", self.0.program("aarch64-linux-gnu-gcc")?);
            build.env("AR_aarch64_unknown_linux_gnu", self.0.program("aarch64-linux-gnu-ar")?);
            let libraries = [self.0.libraries(), compiler.libraries()];
            build.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
            let flags = [&self.linker_flag(), "-Ctarget-feature=+crt-static"].join("\x1f");
            build.env("CARGO_ENCODED_RUSTFLAGS", flags);
            // An emulated processor is slow.
            build.args(["--package", "unhang", "--profile", "release"]);
            build.args(["--config", "profile.release.strip='symbols'"]);
            workspace::run(&mut build, &step)?;
            step.done();
            Ok(())
        })?;
        Ok(target().join(PLACE).join(TARGET).join("release/unhang"))
    }

    /// Has a command that runs cargo use this compiler, with a linker of its own.
    pub fn compile_with(&self, build: &mut Command) -> Result<()> {
        build.env("RUSTC", self.0.program("rustc")?);
        build.env("LD_LIBRARY_PATH", self.0.libraries());
        Ok(())
    }

    /// A cargo that builds in a folder below the target folder.
    fn cargo(&self, folder: &Path, place: &str) -> Result<Command> {
        let mut build = cargo(folder);
        build.args(["build", "--locked", "--target", TARGET]);
        build.arg("--target-dir").arg(target().join(place));
        self.compile_with(&mut build)?;
        build.env(
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
            self.0.program("aarch64-linux-gnu-gcc")?,
        );
        build.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", self.linker_flag());
        Ok(build)
    }

    /// The C library's linker scripts have paths below `/`.
    fn linker_flag(&self) -> String {
        format!("-Clink-arg=--sysroot={}", self.0.folder().display())
    }

    /// A copy of an executable without its debug information and symbols.
    pub fn strip(&self, executable: &Path, copy: &Path) -> Result<()> {
        let mut strip = command(self.0.program("aarch64-linux-gnu-strip")?, root());
        strip.env("LD_LIBRARY_PATH", self.0.libraries()).arg("-o").arg(copy).arg(executable);
        let step = Step::begin(format!("stripping {}", executable.display()));
        workspace::run(&mut strip, &step)?;
        step.done();
        Ok(())
    }

    /// The libraries that the programs run with, as a debugger wants to hear of them.
    #[must_use]
    pub fn sysroot(&self) -> PathBuf {
        self.0.folder().join("usr/aarch64-linux-gnu")
    }

    /// What runs the programs.
    pub fn emulator(&self) -> Result<Emulator> {
        self.emulator_of("qemu-aarch64", self.sysroot())
    }

    /// What runs programs beside Python, with the libraries that Python has, and Python.
    pub fn python(&self) -> Result<(Emulator, PathBuf)> {
        let python = Unpacked::packages_with("arm64", "aarch64-python", PYTHON)?;
        let emulator = self.emulator_of("qemu-aarch64", python.folder().to_owned())?;
        Ok((emulator, python.program("python3.11")?))
    }

    /// What runs those of another processor: qemu comes with all of them.
    pub(crate) fn emulator_of(&self, name: &str, sysroot: PathBuf) -> Result<Emulator> {
        Emulator::new(&self.0, name, sysroot)
    }
}
