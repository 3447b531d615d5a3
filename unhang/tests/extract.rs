//! `unhang extract`, as a person runs it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

use runtime_layouts::layout::file::LayoutFile;

fn unhang(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unhang")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Compiles a program with an async fn into a folder.
fn program(folder: &Path, name: &str, options: &[&str]) -> String {
    let from = folder.join("main.rs");
    std::fs::write(
        &from,
        "async fn wait(x: u32) -> u32 { std::future::ready(x).await }\n\
         fn main() { let f: std::pin::Pin<Box<dyn Future<Output = u32>>> = Box::pin(wait(1));\n\
         std::hint::black_box(f); }\n",
    )
    .unwrap();
    let path = folder.join(name);
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "-o"]).arg(&path).arg(&from).args(options);
    assert!(rustc.status().unwrap().success());
    path.to_str().unwrap().to_owned()
}

#[test]
fn it_writes_a_file_and_says_what_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let binary = program(folder.path(), "app", &["-C", "debuginfo=2"]);
    let output = format!("{binary}.layouts");
    let done = unhang(&["extract", &binary, "-o", &output]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    assert_eq!(text(&done.stderr), "");
    assert!(text(&done.stdout).contains("of debug information"), "{}", text(&done.stdout));
    let file = LayoutFile::open(Path::new(&output)).unwrap();
    assert!(!file.tables().vtables.is_empty());

    let done = unhang(&["extract", &binary, "-o", &output, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["bytes"], std::fs::metadata(&output).unwrap().len());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "no temporary file is left");
}

#[test]
fn failures_are_one_sentence_and_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let output = output.to_str().unwrap();
    let stripped = program(folder.path(), "stripped", &["-C", "strip=symbols"]);
    let whole = program(folder.path(), "whole", &["-C", "debuginfo=2"]);
    let source = folder.path().join("main.rs");
    for (binary, output, said) in [
        (&*stripped, output, "no debug information"),
        ("/nonexistent/program", output, "cannot read"),
        (source.to_str().unwrap(), output, "not an ELF"),
        (&whole, &whole, "would overwrite the binary"),
        (&whole, "/nonexistent/folder/out", "cannot write"),
    ] {
        let done = unhang(&["extract", binary, "-o", output]);
        assert_eq!(done.status.code(), Some(1));
        let error = text(&done.stderr);
        assert!(error.contains(said), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(text(&done.stdout), "");
    }
    assert!(!Path::new(output).exists());
    assert_eq!(unhang(&["extract"]).status.code(), Some(2));
    assert_eq!(unhang(&["--help"]).status.code(), Some(0));
}
