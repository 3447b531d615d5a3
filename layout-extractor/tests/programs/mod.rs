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
