//! `unhang gdb` and `unhang lldb`, with a program in the debugger's place that tells its arguments.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The program in the debugger's place.
const DEBUGGER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/debugger.sh");

fn stage() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("gdb")).unwrap();
    fs::create_dir_all(folder.path().join("lldb/unhang_lldb")).unwrap();
    fs::write(folder.path().join("gdb/unhang.py"), "").unwrap();
    folder
}

fn unhang(stage: &TempDir, arguments: &[&str]) -> Output {
    unhang_with(DEBUGGER, stage, arguments)
}

fn unhang_with(debugger: &str, stage: &TempDir, arguments: &[&str]) -> Output {
    let mut unhang = Command::new(env!("CARGO_BIN_EXE_unhang"));
    unhang.env("UNHANG_GDB", debugger).env("UNHANG_LLDB", debugger);
    unhang.env("UNHANG_ADAPTERS", stage.path());
    unhang.args(arguments).output().unwrap()
}

#[test]
fn all_arguments_and_the_exit_status_pass_through() {
    let stage = stage();
    let folder = stage.path().canonicalize().unwrap();
    let gdb = format!("-iex\nsource {}/gdb/unhang.py\n", folder.display());
    let lldb = format!(
        "--one-line-before-file\ncommand script import \"{}/lldb/unhang_lldb\"\n",
        folder.display()
    );
    for arguments in [
        &[][..],
        &["-p", "1", "-ex", "async bt all"],
        &["--args", "app", "--help", "-V"],
        &["--", "app", "--", "--port", ""],
        &["--version"],
    ] {
        for (debugger, load) in [("gdb", &gdb), ("lldb", &lldb)] {
            let done = unhang(&stage, &[&[debugger], arguments].concat());
            assert_eq!(done.status.code(), Some(7));
            let passed: String = arguments.iter().map(|word| format!("{word}\n")).collect();
            assert_eq!(String::from_utf8(done.stdout).unwrap(), format!("{load}{passed}"));
        }
    }
}

#[test]
fn the_first_help_is_ours() {
    let done = unhang(&stage(), &["gdb", "--help"]);
    assert_eq!(done.status.code(), Some(0));
    assert!(String::from_utf8(done.stdout).unwrap().contains("unhang gdb [ARGUMENT]"));
}

#[test]
fn what_is_missing_is_one_sentence() {
    let stage = stage();
    let no_debugger = unhang_with("/nowhere/debugger", &stage, &["lldb"]);
    fs::remove_file(stage.path().join("gdb/unhang.py")).unwrap();
    let no_adapters = unhang(&stage, &["gdb"]);
    for (done, reason) in [(no_debugger, "UNHANG_LLDB is "), (no_adapters, "UNHANG_ADAPTERS is ")] {
        assert_eq!(done.status.code(), Some(1));
        let errors = String::from_utf8(done.stderr).unwrap();
        let sentence = errors.strip_prefix("unhang: ").unwrap();
        assert!(sentence.starts_with(reason) && errors.lines().count() == 1, "{errors}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let stage = stage();
    let folder = stage.path().join("man1");
    let done = unhang(&stage, &["man", folder.to_str().unwrap()]);
    assert_eq!(done.status.code(), Some(0));
    for name in ["unhang", "unhang-dump", "unhang-gdb", "unhang-install", "unhang-doctor"] {
        let page = fs::read_to_string(folder.join(format!("{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} ")), "{page}");
    }
    for shell in ["bash", "fish", "zsh"] {
        let done = unhang(&stage, &["completions", shell]);
        assert!(String::from_utf8(done.stdout).unwrap().contains("doctor"), "{shell}");
    }
}
