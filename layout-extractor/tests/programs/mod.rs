//! Small programs, compiled by the tests that look at them.
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::process::Command;

use layout_extractor::DwarfSource;

/// A program that was compiled, in a folder of its own.
pub struct Program {
    pub path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Program {
    pub fn source(&self) -> DwarfSource {
        DwarfSource::open(&self.path).unwrap()
    }
}

/// Compiles a program beside this file with `rustc` and these options besides `-C debuginfo=2`.
/// `UNHANG_TEST_RUSTC` names another compiler, `RUSTUP_TOOLCHAIN` another toolchain.
pub fn rust(name: &str, options: &[&str]) -> Program {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join(name);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/programs/{name}.rs"));
    let mut rustc =
        Command::new(std::env::var_os("UNHANG_TEST_RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2021", "-C", "debuginfo=2", "--crate-name", name]).args(options);
    rustc.arg("-o").arg(&path).arg(from);
    let output = rustc.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Program { path, _folder: folder }
}

/// Compiles C with the system's compiler.
pub fn c(text: &str) -> Program {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (from, path) = (folder.path().join("main.c"), folder.path().join("main"));
    std::fs::write(&from, text).unwrap();
    let status = Command::new("cc").arg("-g").arg(&from).arg("-o").arg(&path).status().unwrap();
    assert!(status.success());
    Program { path, _folder: folder }
}

/// Compiles `mac.rs` for a Mac's processor, with these options for rustc and for the linker, which is
/// the toolchain's own. Beside the program is its object file, `mac.o`.
pub fn mac(processor: &str, options: &[&str], for_linker: &[&str]) -> Program {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (object, path) = (folder.path().join("mac.o"), folder.path().join("mac"));
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs/mac.rs");
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let mut rustc = Command::new("rustc");
    // It is no program of `core`'s, which nothing but a nightly compiler takes otherwise.
    rustc.env("RUSTC_BOOTSTRAP", "1");
    rustc.args(["--edition", "2024", "--crate-name", "tokio", "--emit", "obj"]);
    rustc.args(["--target", &format!("{processor}-apple-darwin"), "-C", "debuginfo=2"]);
    run(rustc.args(["-C", "panic=abort"]).args(options).arg("-o").arg(&object).arg(from));
    let sysroot = run(Command::new("rustc").args(["--print", "sysroot"]));
    let host = run(Command::new("rustc").args(["--print", "host-tuple"]));
    let linker = Path::new(sysroot.trim()).join("lib/rustlib").join(host.trim());
    let mut lld = Command::new(linker.join("bin/rust-lld"));
    let name = if processor == "aarch64" { "arm64" } else { processor };
    lld.args(["-flavor", "darwin", "-arch", name, "-platform_version", "macos", "11.0", "11.0"]);
    lld.args(["-undefined", "dynamic_lookup", "-dead_strip"]).args(for_linker);
    run(lld.arg("-o").arg(&path).arg(&object));
    Program { path, _folder: folder }
}
