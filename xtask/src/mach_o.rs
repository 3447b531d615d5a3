//! Programs for a Mac on another machine: Debian's compiler, the sources of its standard library, the
//! linker of the toolchain that runs us, and LLVM's tools for what a Mac makes of debug information.
//!
//! Nothing runs them here. What they take from the system is left open, as no package has its
//! libraries: for files that are only read it does not matter.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cortex_m;
use crate::debian::Unpacked;
use crate::fixture::Profile;
use crate::progress::Step;
use crate::workspace::{self, cargo, command, exclusively, root, target};

/// What has `dsymutil`, `llvm-strip` and `llvm-lipo`; its libraries are the compiler's.
const LLVM: &[&str] = &["llvm-22"];

/// The processors of Macs, as Rust and as Apple name them.
pub const PROCESSORS: [&str; 2] = ["aarch64", "x86_64"];

/// The libraries that Rust's standard library is linked with. Each is here a text without a symbol.
const SYSTEM: [&str; 4] = ["System", "c", "m", "iconv"];

/// What builds programs for a Mac.
pub struct MachO {
    compiler: Unpacked,
    llvm: Unpacked,
    /// A folder with [`SYSTEM`].
    libraries: PathBuf,
}

impl MachO {
    /// Unpacks it on first use.
    pub fn tools() -> Result<Self> {
        ensure!(cfg!(target_arch = "x86_64"), "Debian has the compiler for x86-64 alone");
        let compiler = cortex_m::compiler()?;
        let llvm = Unpacked::packages("llvm", LLVM)?;
        let libraries = target().join("mach-o/system");
        fs::create_dir_all(&libraries).context("creating a folder")?;
        for name in SYSTEM {
            let text = format!(
                "--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-macos, x86_64-macos ]\n\
                 install-name: '/usr/lib/lib{name}.dylib'\n...\n"
            );
            let path = libraries.join(format!("lib{name}.tbd"));
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(Self { compiler, llvm, libraries })
    }

    /// Builds one of the fixtures for one of [`PROCESSORS`], and returns its executable. Its debug
    /// information stays in the object files that it was linked from.
    pub fn build(&self, name: &str, processor: &str, profile: Profile) -> Result<PathBuf> {
        let folder = target().join("mach-o");
        let triple = format!("{processor}-apple-darwin");
        exclusively("mach-o", || {
            let step = Step::begin(format!("building {name} ({}, {triple})", profile.folder()));
            let mut build = cargo(&root().join("tests/fixtures"));
            build.args(["build", "--locked", "-Zbuild-std=std,panic_unwind"]);
            build.args(["--package", name, "--profile", profile.name()]);
            build.args(["--target", &triple, "--target-dir"]).arg(&folder);
            build.env("RUSTC", self.compiler.program("rustc")?).env("RUSTC_BOOTSTRAP", "1");
            build.env("LD_LIBRARY_PATH", self.compiler.libraries());
            build.env("PATH", cortex_m::with_linker()?).env_remove("RUSTFLAGS");
            let libraries = format!("-Clink-arg=-L{}", self.libraries.display());
            let flags = [
                "-Clinker=rust-lld",
                "-Clinker-flavor=ld64.lld",
                "-Clink-arg=-undefined",
                "-Clink-arg=dynamic_lookup",
                &libraries,
                // As cargo has it on a Mac.
                "-Csplit-debuginfo=unpacked",
            ];
            build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
            workspace::run(&mut build, &step)?;
            step.done();
            Ok(())
        })?;
        Ok(folder.join(triple).join(profile.folder()).join(name))
    }

    /// Copies a program to a folder, which is made anew, without what it says to debuggers; and makes
    /// the dSYM bundle of `bundle` beside it, under the program's name.
    pub fn stripped(&self, program: &Path, folder: &Path, bundle: &Path) -> Result<PathBuf> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
        }
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let copy = folder.join(program.file_name().context("its name")?);
        self.run("llvm-strip-22", |tool| tool.args(["-S", "-o"]).arg(&copy).arg(program))?;
        let mut name = copy.clone().into_os_string();
        name.push(".dSYM");
        self.run("dsymutil-22", |tool| tool.arg(bundle).arg("-o").arg(name))?;
        Ok(copy)
    }

    /// Puts programs for several processors into one file.
    pub fn universal(&self, programs: &[PathBuf], file: &Path) -> Result<()> {
        self.run("llvm-lipo-22", |tool| tool.arg("-create").args(programs).arg("-output").arg(file))
    }

    fn run(
        &self,
        name: &str,
        arguments: impl FnOnce(&mut std::process::Command) -> &mut std::process::Command,
    ) -> Result<()> {
        let step = Step::begin(name);
        let mut tool = command(self.llvm.program(name)?, root());
        tool.env("LD_LIBRARY_PATH", self.compiler.libraries());
        workspace::run(arguments(&mut tool), &step)?;
        step.done();
        Ok(())
    }
}
