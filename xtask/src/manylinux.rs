//! Wheels for machines whose C library is older than this one's, and for AArch64.
//!
//! Rust's own standard library runs with glibc 2.17, but a linker takes the newest version of each
//! function that the C library beside it has. zig has the list of every version, and is the linker
//! here: what it is told to leave out a program does not ask for. PyPI has it as a wheel, so neither
//! an old system nor a cross compiler is needed.

use std::env::consts::ARCH;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::aarch64::AArch64;
use crate::build::Built;
use crate::elf_needs::{self, Version};
use crate::progress::Step;
use crate::workspace::{self, cargo, command, exclusively, root, target};
use crate::{python, wheel};

/// That of CentOS 7: machines with an older glibc are out of reach of Rust's standard library too.
const GLIBC: Version = Version(2, 17);

/// As [PEP 599](https://peps.python.org/pep-0599/) calls systems that have it.
const TAG: &str = "manylinux2014";

/// Those libraries that PEP 599 lets a wheel ask for, as far as Rust does: all are the C library's.
const LIBRARIES: &[&str] = &["libc", "libm", "libdl", "libpthread", "librt", "ld-linux"];

/// The linker, and what makes a linker of it for cargo.
const TOOLS: &[&str] = &[wheel::MATURIN, "cargo-zigbuild==0.24.1", "ziglang==0.17.1"];

/// The processors that wheels can be made for here.
#[must_use]
pub fn processors() -> &'static [&'static str] {
    match ARCH {
        // Debian has the compiler's standard library for the other one.
        "x86_64" => &["x86_64", "aarch64"],
        "aarch64" => &["aarch64"],
        _ => &[],
    }
}

/// Builds the wheel for a processor and returns its path. `built` is what runs on this machine.
pub fn wheel(processor: &str, built: &Built) -> Result<PathBuf> {
    let tools = Tools::new(processor)?;
    exclusively("package", || {
        let step = Step::begin(format!("building unhang ({processor}, glibc {GLIBC})"));
        let command_line = tools.command_line(&step)?;
        elf_needs::check(&command_line, GLIBC, LIBRARIES)?;
        step.done();
        let step = Step::begin(format!("building the wheel ({processor}, {TAG})"));
        wheel::stage(&command_line, &built.command_line, &step)?;
        let wheels = target().join("manylinux/wheels").join(processor);
        wheel::remove(&wheels)?;
        workspace::run(&mut tools.maturin(&wheels)?, &step)?;
        let wheel = wheel::only_file_of(&wheels)?;
        for file in tools.unpacked(&wheel, &step)? {
            elf_needs::check(&file, GLIBC, LIBRARIES)?;
        }
        step.done();
        Ok(wheel)
    })
}

/// What builds for a processor.
struct Tools {
    /// As Rust names the target.
    triple: String,
    environment: PathBuf,
    /// Debian's compiler, where this machine's has no standard library for the processor.
    foreign: Option<AArch64>,
}

impl Tools {
    fn new(processor: &str) -> Result<Self> {
        ensure!(processors().contains(&processor), "no wheel for {processor} can be made here");
        let environment = python::environment("manylinux/tools", TOOLS)?;
        let foreign = if processor == ARCH { None } else { Some(AArch64::tools()?) };
        Ok(Self { triple: format!("{processor}-unknown-linux-gnu"), environment, foreign })
    }

    /// The command, without symbols.
    fn command_line(&self, step: &Step) -> Result<PathBuf> {
        let folder = target().join("manylinux");
        let mut build = command(self.environment.join("bin/cargo-zigbuild"), root());
        build.args(["zigbuild", "--release", "--locked", "--package", "unhang", "--target"]);
        build.arg(format!("{}.{GLIBC}", self.triple)).arg("--target-dir").arg(&folder);
        build.args(["--config", "profile.release.strip='symbols'"]);
        workspace::run(self.with_compiler(&mut build)?, step)?;
        Ok(folder.join(&self.triple).join("release/unhang"))
    }

    /// What builds the module and packs the wheel.
    fn maturin(&self, wheels: &Path) -> Result<Command> {
        let mut maturin = command(self.environment.join("bin/maturin"), root());
        maturin.args(["build", "--release", "--locked", "--zig", "--compatibility", TAG]);
        maturin.args(["--target", &self.triple, "--manifest-path", "native-module/Cargo.toml"]);
        maturin.arg("--target-dir").arg(target().join("manylinux")).arg("--out").arg(wheels);
        self.with_compiler(&mut maturin)?;
        Ok(maturin)
    }

    /// The environment of what runs cargo.
    fn with_compiler<'c>(&self, build: &'c mut Command) -> Result<&'c mut Command> {
        let own = cargo(root());
        for (name, value) in own.get_envs() {
            match value {
                Some(value) => build.env(name, value),
                None => build.env_remove(name),
            };
        }
        build.env("CARGO", own.get_program()).env("PATH", self.search_path()?);
        let folder = target().join("manylinux");
        build.env_remove("RUSTFLAGS").env("CARGO_ZIGBUILD_CACHE_DIR", folder.join("zigbuild"));
        build.env("ZIG_GLOBAL_CACHE_DIR", folder.join("zig"));
        if let Some(foreign) = &self.foreign {
            foreign.compile_with(build)?;
        }
        Ok(build)
    }

    /// Both look for zig in the Python that comes first.
    fn search_path(&self) -> Result<OsString> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.environment.join("bin"));
        std::env::join_paths(folders.chain(std::env::split_paths(&path))).context("a search path")
    }

    /// The files of a wheel that are machine code.
    fn unpacked(&self, wheel: &Path, step: &Step) -> Result<Vec<PathBuf>> {
        let folder = target().join("manylinux/unpacked");
        wheel::remove(&folder)?;
        let mut unzip = command(self.environment.join("bin/python"), root());
        unzip.args(["-m", "zipfile", "-e"]).arg(wheel).arg(&folder);
        workspace::run(&mut unzip, step)?;
        let mut open = vec![folder];
        let mut found = Vec::new();
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder).context("the files of the wheel")? {
                let path = entry.context("an entry")?.path();
                if path.is_dir() {
                    open.push(path);
                } else if fs::read(&path).context("a file")?.starts_with(b"\x7fELF") {
                    found.push(path);
                }
            }
        }
        ensure!(found.len() > 1, "not the command and the module: {found:?}");
        Ok(found)
    }
}
