//! Programs for processors whose standard library of Rust is no package: Debian's compiler with the
//! sources of that library, a C library and linker for the processor, and its emulator.

use std::path::PathBuf;

use anyhow::Result;

use crate::aarch64::AArch64;
use crate::cortex_m;
use crate::debian::Unpacked;
use crate::emulator::Emulator;
use crate::fixture::Profile;
use crate::progress::Step;
use crate::workspace::{self, cargo, exclusively, root, target};

/// A processor, and how others call it.
#[derive(Debug)]
pub struct Foreign {
    /// As unhang names it.
    pub name: &'static str,
    /// As Rust names the target.
    triple: &'static str,
    /// As gcc does.
    gnu: &'static str,
    /// The emulator.
    qemu: &'static str,
    /// The linker and the C library.
    packages: &'static [&'static str],
    /// The C library's program that loads others, where this machine's processor runs them.
    loader: Option<&'static str>,
}

/// RISC-V with pointers of eight bytes.
pub static RISCV64: Foreign = Foreign {
    name: "riscv64",
    triple: "riscv64gc-unknown-linux-gnu",
    gnu: "riscv64-linux-gnu",
    qemu: "qemu-riscv64",
    packages: &[
        "gcc-12-riscv64-linux-gnu",
        "gcc-riscv64-linux-gnu",
        "binutils-riscv64-linux-gnu",
        "libgcc-12-dev-riscv64-cross",
        "libgcc-s1-riscv64-cross",
        "libc6-riscv64-cross",
        "libc6-dev-riscv64-cross",
    ],
    loader: None,
};

/// Arm with pointers of four bytes.
pub static ARM: Foreign = Foreign {
    name: "arm",
    triple: "armv7-unknown-linux-gnueabihf",
    gnu: "arm-linux-gnueabihf",
    qemu: "qemu-arm",
    packages: &[
        "gcc-12-arm-linux-gnueabihf",
        "gcc-arm-linux-gnueabihf",
        "binutils-arm-linux-gnueabihf",
        "libgcc-12-dev-armhf-cross",
        "libgcc-s1-armhf-cross",
        "libc6-armhf-cross",
        "libc6-dev-armhf-cross",
    ],
    loader: None,
};

/// x86 with pointers of four bytes, whose programs run on x86-64 too.
pub static I686: Foreign = Foreign {
    name: "i686",
    triple: "i686-unknown-linux-gnu",
    gnu: "i686-linux-gnu",
    qemu: "qemu-i386",
    packages: &[
        "gcc-12-i686-linux-gnu",
        "gcc-i686-linux-gnu",
        "binutils-i686-linux-gnu",
        "libgcc-12-dev-i386-cross",
        "libgcc-s1-i386-cross",
        "libc6-i386-cross",
        "libc6-dev-i386-cross",
    ],
    loader: Some("ld-linux.so.2"),
};

/// What builds programs for one of them, and runs them.
pub struct Tools {
    foreign: &'static Foreign,
    compiler: Unpacked,
    linker: Unpacked,
}

impl Foreign {
    /// Unpacks what is needed on first use.
    pub fn tools(&'static self) -> Result<Tools> {
        let linker = Unpacked::packages(self.name, self.packages)?;
        Ok(Tools { foreign: self, compiler: cortex_m::compiler()?, linker })
    }
}

impl Tools {
    /// Builds one of the fixtures and returns its executable.
    pub fn build(&self, name: &str, profile: Profile) -> Result<PathBuf> {
        let Foreign { name: processor, triple, gnu, .. } = *self.foreign;
        let folder = target().join("built-std");
        exclusively("built-std", || {
            let step = Step::begin(format!("building {name} ({}, {processor})", profile.folder()));
            let mut build = cargo(&root().join("tests/fixtures"));
            build.args(["build", "--locked", "-Zbuild-std=std,panic_abort", "--target", triple]);
            build.args(["--package", name, "--profile", profile.name(), "--target-dir"]);
            cortex_m::compile_with(&self.compiler, build.arg(&folder))?;
            let libraries = [self.compiler.libraries(), self.linker.libraries()];
            build.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
            let setting = |what: &str| {
                format!("CARGO_TARGET_{}_{what}", triple.to_uppercase().replace('-', "_"))
            };
            build.env(setting("LINKER"), self.linker.program(&format!("{gnu}-gcc"))?);
            build.env(setting("RUSTFLAGS"), self.flags());
            workspace::run(&mut build, &step)?;
            step.done();
            Ok(())
        })?;
        Ok(folder.join(triple).join(profile.folder()).join(name))
    }

    /// What the linker is told.
    fn flags(&self) -> String {
        // The C library's linker scripts have paths below `/`.
        let mut flags = format!("-Clink-arg=--sysroot={}", self.linker.folder().display());
        if let Some(loader) = self.foreign.loader {
            // The libraries are where they were unpacked.
            let libraries = self.sysroot().join("lib");
            let loader = libraries.join(loader);
            flags += &format!(" -Clink-arg=-Wl,-rpath,{}", libraries.display());
            flags += &format!(" -Clink-arg=-Wl,--dynamic-linker={}", loader.display());
        }
        flags
    }

    /// The libraries that the programs run with.
    fn sysroot(&self) -> PathBuf {
        self.linker.folder().join("usr").join(self.foreign.gnu)
    }

    /// What runs them.
    pub fn emulator(&self) -> Result<Emulator> {
        // With a loader of their own, programs name their libraries by where those are here.
        let sysroot = match self.foreign.loader {
            Some(_) => PathBuf::from("/"),
            None => self.sysroot(),
        };
        AArch64::tools()?.emulator_of(self.foreign.qemu, sysroot)
    }
}
