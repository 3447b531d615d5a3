//! Ways to build a program: with which compiler, what it is told to do, which linker, and where the
//! debug information goes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::debian::Unpacked;
use crate::fixture::Profile;
use crate::progress::Step;
use crate::story::{self, Package};
use crate::workspace::{self, cargo, command, exclusively, root, target};

/// Which rustc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// The one that builds unhang.
    Own,
    /// Debian 12's, from 2022, with its own cargo.
    Rust163,
    /// The one that Debian 12 keeps new for web browsers.
    Rust196,
    /// The nightly that is installed.
    Nightly,
}

/// Which linker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linker {
    /// rustc's choice: `rust-lld` since 1.90.
    Usual,
    /// GNU ld.
    Bfd,
    /// mold.
    Mold,
}

/// One variant.
#[derive(Clone, Copy, Debug)]
pub struct BuildVariant {
    /// What is told to people: `opt-level = 1`.
    pub name: &'static str,
    /// The compiler.
    pub compiler: Compiler,
    /// The profile that it is a variant of.
    pub profile: Profile,
    /// Settings of that profile, as cargo's variables of the environment name them.
    settings: &'static [(&'static str, &'static str)],
    /// Flags for rustc.
    flags: &'static [&'static str],
    linker: Linker,
    /// Whether it is tried with every change, and not with `--full` alone.
    pub is_daily: bool,
}

impl BuildVariant {
    /// Whether a panic ends the program at once. Such a build need not keep drop flags, so that it
    /// leaves open which of its variables were moved.
    #[must_use]
    pub fn aborts(&self) -> bool {
        self.settings.contains(&("PANIC", "abort"))
    }

    const fn new(
        name: &'static str,
        profile: Profile,
        settings: &'static [(&'static str, &'static str)],
        flags: &'static [&'static str],
    ) -> Self {
        let (compiler, linker) = (Compiler::Own, Linker::Usual);
        Self { name, compiler, profile, settings, flags, linker, is_daily: false }
    }

    const fn daily(self) -> Self {
        Self { is_daily: true, ..self }
    }

    const fn by(self, compiler: Compiler) -> Self {
        Self { compiler, ..self }
    }

    const fn with(self, linker: Linker) -> Self {
        Self { linker, ..self }
    }
}

/// All of them.
pub const BUILD_VARIANTS: &[BuildVariant] = &{
    use Profile::{Debug, Release};
    [
        BuildVariant::new("debug", Debug, &[], &[]),
        BuildVariant::new("release", Release, &[], &[]),
        BuildVariant::new("debug, opt-level 1", Debug, &[("OPT_LEVEL", "1")], &[]),
        BuildVariant::new("opt-level 1", Release, &[("OPT_LEVEL", "1")], &[]),
        BuildVariant::new("opt-level 2", Release, &[("OPT_LEVEL", "2")], &[]),
        BuildVariant::new("opt-level s", Release, &[("OPT_LEVEL", "s")], &[]),
        BuildVariant::new("opt-level z", Release, &[("OPT_LEVEL", "z")], &[]),
        BuildVariant::new("codegen-units 1", Release, &[("CODEGEN_UNITS", "1")], &[]),
        BuildVariant::new("thin LTO", Release, &[("LTO", "thin")], &[]),
        BuildVariant::new("fat LTO", Release, &[("LTO", "fat")], &[]),
        BuildVariant::new("panic abort", Release, &[("PANIC", "abort")], &[]),
        BuildVariant::new("fat LTO, codegen-units 1, panic abort, icf", Release, SMALLEST, ICF)
            .daily(),
        BuildVariant::new("icf, debug", Debug, &[], ICF),
        BuildVariant::new("icf", Release, &[], ICF),
        BuildVariant::new("GNU ld", Release, &[], &[]).with(Linker::Bfd),
        BuildVariant::new("mold, debug", Debug, &[], &[]).with(Linker::Mold),
        BuildVariant::new("mold", Release, &[], &[]).with(Linker::Mold),
        BuildVariant::new("no PIE, debug", Debug, &[], &["-Crelocation-model=static"]),
        BuildVariant::new("no PIE", Release, &[], &["-Crelocation-model=static"]),
        BuildVariant::new("static PIE, debug", Debug, &[], &["-Ctarget-feature=+crt-static"]),
        BuildVariant::new("static PIE", Release, &[], &["-Ctarget-feature=+crt-static"]),
        BuildVariant::new("static, no PIE", Release, &[], STATIC),
        BuildVariant::new("DWARF 4, v0 mangling, debug", Debug, &[], &[DWARF_4, V0]).daily(),
        BuildVariant::new("DWARF 4, legacy mangling", Release, &[], &[DWARF_4]),
        BuildVariant::new("DWARF 5, legacy mangling, debug", Debug, &[], &[DWARF_5]),
        BuildVariant::new("DWARF 5, v0 mangling", Release, &[], &[DWARF_5, V0]),
        BuildVariant::new(
            "compressed, zlib",
            Debug,
            &[],
            &["-Clink-arg=-Wl,--compress-debug-sections=zlib"],
        ),
        BuildVariant::new("compressed, zstd", Release, &[], ZSTD),
        BuildVariant::new(
            ".dwp, DWARF 4, debug",
            Debug,
            &[("SPLIT_DEBUGINFO", "packed")],
            &[DWARF_4],
        ),
        BuildVariant::new(".dwp, DWARF 5", Release, &[("SPLIT_DEBUGINFO", "packed")], &[DWARF_5]),
        BuildVariant::new(
            ".dwo, DWARF 5, debug",
            Debug,
            &[("SPLIT_DEBUGINFO", "unpacked")],
            &[DWARF_5],
        ),
        BuildVariant::new(".dwo, DWARF 4", Release, &[("SPLIT_DEBUGINFO", "unpacked")], &[DWARF_4]),
        BuildVariant::new("rustc 1.63, debug", Debug, &[], OLD).by(Compiler::Rust163).daily(),
        BuildVariant::new("rustc 1.63", Release, &[], OLD).by(Compiler::Rust163),
        BuildVariant::new("rustc 1.96, debug", Debug, &[], &[]).by(Compiler::Rust196),
        BuildVariant::new("rustc 1.96", Release, &[], &[]).by(Compiler::Rust196),
        BuildVariant::new("nightly, debug", Debug, &[], &[]).by(Compiler::Nightly),
        BuildVariant::new("nightly", Release, &[], &[]).by(Compiler::Nightly),
    ]
};

/// A release build whose symbols have v0 names, and the same without debug information.
pub const V0_TWINS: [BuildVariant; 2] = [
    BuildVariant::new("twin, v0 mangling", Profile::Release, &[], &[V0]),
    BuildVariant::new(
        "no debug information, v0 mangling",
        Profile::Release,
        &[("DEBUG", "0")],
        &[V0],
    ),
];

const DWARF_4: &str = "-Cdwarf-version=4";
const DWARF_5: &str = "-Cdwarf-version=5";
const V0: &str = "-Csymbol-mangling-version=v0";
const ICF: &[&str] = &["-Clink-arg=-Wl,--icf=all"];
const STATIC: &[&str] = &["-Ctarget-feature=+crt-static", "-Crelocation-model=static"];
const ZSTD: &[&str] = &["-Clink-arg=-Wl,--compress-debug-sections=zstd"];
const SMALLEST: &[(&str, &str)] = &[("LTO", "fat"), ("CODEGEN_UNITS", "1"), ("PANIC", "abort")];

/// What the fixtures need that was not stable in 1.63 yet, and what tells them that it is 1.63.
const OLD: &[&str] =
    &["--cfg=rust_1_63", "-Zcrate-attr=feature(bench_black_box,pin_macro,let_else,async_closure)"];

/// Debian's packages of the compilers: rustc, the standard library, LLVM, and for the old one cargo
/// with the libraries that a machine may not have.
const RUST_1_63: &[&str] = &[
    "rustc",
    "libstd-rust-1.63",
    "libstd-rust-dev",
    "libllvm14",
    "cargo",
    "libgit2-1.5",
    "libhttp-parser2.9",
    "libmbedcrypto7",
    "libmbedtls14",
    "libmbedx509-1",
    "libssh2-1",
    "libcurl3-gnutls",
];
const RUST_1_96: &[&str] =
    &["rustc-web", "libstd-rust-web-1.96", "libstd-rust-web-dev", "libllvm22"];
const MOLD: &[&str] = &["mold", "libtbb12", "libtbbmalloc2"];

impl BuildVariant {
    /// Builds a package and returns its executable.
    pub fn build(&self, package: &Package) -> Result<PathBuf> {
        let slug: String =
            self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = target().join("ways").join(slug);
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let built = folder.join(&host).join(self.profile.folder()).join(package.executable);
        exclusively("ways", || {
            let step = Step::begin(format!("building {} ({})", package.title, self.name));
            let mut build = self.cargo(&package.folder, &step)?;
            build.args(["build", "--profile", self.profile.name(), "--target", &host]);
            build.arg("--target-dir").arg(&folder).args(&package.options);
            self.configure(&mut build)?;
            workspace::run(&mut build, &step)?;
            step.done();
            Ok(())
        })?;
        Ok(built)
    }

    /// The cargo that drives the compiler.
    fn cargo(&self, folder: &Path, step: &Step) -> Result<Command> {
        Ok(match self.compiler {
            Compiler::Own => cargo(folder),
            Compiler::Rust196 => {
                let unpacked = Unpacked::packages("rustc-1.96", RUST_1_96)?;
                let mut cargo = cargo(folder);
                cargo.env("RUSTC", unpacked.program("rustc")?);
                cargo.env("LD_LIBRARY_PATH", unpacked.libraries());
                cargo
            }
            Compiler::Nightly => {
                let mut rustup = command("rustup", folder);
                rustup.args(["run", "nightly", "cargo"]).env_remove("RUSTC").env_remove("CARGO");
                rustup
            }
            Compiler::Rust163 => {
                vendor(folder, step)?;
                let unpacked = Unpacked::packages("rustc-1.63", RUST_1_63)?;
                let mut cargo = command(unpacked.program("cargo")?, folder);
                cargo.arg("--offline").env("RUSTC", unpacked.program("rustc")?);
                cargo.env("LD_LIBRARY_PATH", unpacked.libraries()).env("RUSTC_BOOTSTRAP", "1");
                cargo
            }
        })
    }

    fn configure(&self, build: &mut Command) -> Result<()> {
        let profile = self.profile.name().to_ascii_uppercase();
        for (setting, value) in self.settings {
            build.env(format!("CARGO_PROFILE_{profile}_{setting}"), value);
        }
        let mut flags: Vec<String> = self.flags.iter().map(|&flag| flag.to_owned()).collect();
        if self.linker != Linker::Usual {
            flags.push("-Clinker-features=-lld".to_owned());
        }
        if self.linker == Linker::Mold {
            let mold = Unpacked::packages("mold", MOLD)?;
            flags.push("-Clink-arg=-fuse-ld=mold".to_owned());
            flags.push(format!("-Clink-arg=-B{}", mold.programs().display()));
            build.env("LD_LIBRARY_PATH", mold.libraries());
        }
        build.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        Ok(())
    }
}

/// Puts a package's dependencies beside it, since the old cargo cannot read today's registry.
fn vendor(folder: &Path, step: &Step) -> Result<()> {
    let settings = folder.join(".cargo/config.toml");
    let lock = std::fs::read(folder.join("Cargo.lock")).context("its lock file")?;
    let done = folder.join(".cargo/vendored.lock");
    if std::fs::read(&done).is_ok_and(|vendored| vendored == lock) {
        return Ok(());
    }
    std::fs::create_dir_all(folder.join(".cargo")).context("creating a folder")?;
    // What was there would apply to the download.
    if settings.exists() {
        std::fs::remove_file(&settings).context("removing the old settings")?;
    }
    workspace::run(cargo(folder).args(["vendor", "--quiet", "--locked", "vendor"]), step)?;
    let text = "[source.crates-io]\nreplace-with = \"vendored\"\n\n\
                [source.vendored]\ndirectory = \"vendor\"\n";
    std::fs::write(&settings, text).context("writing its settings")?;
    std::fs::write(&done, lock).context("writing what was vendored")
}

/// The service that hangs, of the fixtures in that folder.
#[must_use]
pub fn service(fixtures: PathBuf) -> Package {
    Package {
        title: "inventory-service".to_owned(),
        folder: fixtures,
        options: ["--locked", "--package", "inventory-service"].map(str::to_owned).to_vec(),
        executable: "inventory-service",
    }
}

/// The fixture `shapes`, as this way can build it.
pub fn shapes(variant: &BuildVariant) -> Result<Package> {
    if variant.compiler != Compiler::Rust163 {
        return Ok(Package {
            title: "shapes".to_owned(),
            folder: root().join("tests/fixtures"),
            options: ["--locked", "--package", "shapes"].map(str::to_owned).to_vec(),
            executable: "shapes",
        });
    }
    let old = root().join("tests/old-compiler");
    let folder = target().join("shapes-old");
    let sources = std::fs::read_dir(root().join("tests/fixtures/shapes/src"))
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
        .context("the sources of shapes")?;
    let template = old.join("shapes.toml.in");
    story::write_package(&folder, &template, "1.38.2", &old.join("locks/shapes.lock"), &sources)?;
    Ok(Package {
        title: "shapes".to_owned(),
        folder,
        options: vec!["--locked".to_owned()],
        executable: "shapes",
    })
}
