//! Programs for RISC-V on another machine: Debian's compiler with the sources of its standard
//! library, the C library and linker of its ports, and its emulator.

use std::path::PathBuf;

use anyhow::Result;

use crate::aarch64::AArch64;
use crate::cortex_m;
use crate::debian::Unpacked;
use crate::emulator::Emulator;
use crate::fixture::Profile;
use crate::progress::Step;
use crate::workspace::{self, cargo, exclusively, root, target};

/// As Rust names it.
const TARGET: &str = "riscv64gc-unknown-linux-gnu";

/// The linker and the C library. A standard library of Rust there is not.
const PACKAGES: &[&str] = &[
    "gcc-12-riscv64-linux-gnu",
    "gcc-riscv64-linux-gnu",
    "binutils-riscv64-linux-gnu",
    "libgcc-12-dev-riscv64-cross",
    "libgcc-s1-riscv64-cross",
    "libc6-riscv64-cross",
    "libc6-dev-riscv64-cross",
];

/// What builds programs for RISC-V, and runs them.
pub struct RiscV64 {
    compiler: Unpacked,
    linker: Unpacked,
}

impl RiscV64 {
    /// Unpacks it on first use.
    pub fn tools() -> Result<Self> {
        let linker = Unpacked::packages("riscv64", PACKAGES)?;
        Ok(Self { compiler: cortex_m::compiler()?, linker })
    }

    /// Builds one of the fixtures and returns its executable.
    pub fn build(&self, name: &str, profile: Profile) -> Result<PathBuf> {
        let folder = target().join("riscv64");
        exclusively("riscv64", || {
            let step = Step::begin(format!("building {name} ({}, RISC-V)", profile.folder()));
            let mut build = cargo(&root().join("tests/fixtures"));
            build.args(["build", "--locked", "-Zbuild-std=std,panic_abort", "--target", TARGET]);
            build.args(["--package", name, "--profile", profile.name(), "--target-dir"]);
            cortex_m::compile_with(&self.compiler, build.arg(&folder))?;
            let libraries = [self.compiler.libraries(), self.linker.libraries()];
            build.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
            build.env(
                "CARGO_TARGET_RISCV64GC_UNKNOWN_LINUX_GNU_LINKER",
                self.linker.program("riscv64-linux-gnu-gcc")?,
            );
            // The C library's linker scripts have paths below `/`.
            let sysroot = format!("-Clink-arg=--sysroot={}", self.linker.folder().display());
            build.env("CARGO_TARGET_RISCV64GC_UNKNOWN_LINUX_GNU_RUSTFLAGS", sysroot);
            workspace::run(&mut build, &step)?;
            step.done();
            Ok(())
        })?;
        Ok(folder.join(TARGET).join(profile.folder()).join(name))
    }

    /// What runs them.
    pub fn emulator(&self) -> Result<Emulator> {
        let sysroot = self.linker.folder().join("usr/riscv64-linux-gnu");
        AArch64::tools()?.emulator_of("qemu-riscv64", sysroot)
    }
}
