//! `unhang dump`, as a person runs it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

fn unhang(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_unhang")).arg("dump").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A program without an async runtime that says `ready` and waits.
const PROGRAM: &str = "fn main() { println!(\"ready\"); \
                       std::io::stdin().read_line(&mut String::new()).unwrap(); \
                       println!(\"went on\"); }";

/// It, compiled with its debug information, and a copy without.
static PROGRAMS: LazyLock<(TempDir, PathBuf, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("main.rs");
    std::fs::write(&source, PROGRAM).unwrap();
    let compile = |name: &str, option: &str| {
        let path = folder.path().join(name);
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-C", option, "-o"]).arg(&path).arg(&source);
        assert!(rustc.status().unwrap().success());
        path
    };
    let whole = compile("whole", "debuginfo=2");
    let stripped = compile("stripped", "strip=symbols");
    (folder, whole, stripped)
});

struct Running(Child);

impl Running {
    fn start(program: &Path) -> Self {
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        assert_eq!(&line, b"ready\n");
        Self(child)
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    /// Whether it goes on when it may.
    fn goes_on(mut self) -> bool {
        drop(self.0.stdin.take());
        let mut rest = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
        self.0.wait().unwrap().success() && rest == "went on\n"
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_program_without_a_runtime_is_said_to_have_none() {
    let (_, whole, stripped) = &*PROGRAMS;
    for program in [whole, stripped] {
        for way in [&[][..], &["--no-stop"]] {
            let running = Running::start(program);
            let done = unhang(&[&["-p", &running.pid()], way].concat());
            let said = text(&done.stdout);
            assert_eq!(done.status.code(), Some(4), "{said}{}", text(&done.stderr));
            assert_eq!(text(&done.stderr), "");
            assert!(said.contains("runtime") || said.contains("debug information"), "{said}");
            assert!(running.goes_on());
        }
    }
}

#[test]
fn json_says_what_was_looked_at() {
    let running = Running::start(&PROGRAMS.1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let done = unhang(&["-p", &running.pid(), "--json", "-o", file.to_str().unwrap()]);
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(4), String::new()));
    let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["schema"], 1);
    assert_eq!(report["target"]["kind"], "live");
    assert_eq!(report["target"]["pid"].to_string(), running.pid());
    assert_eq!(report["target"]["executable"], PROGRAMS.1.to_str().unwrap());
    assert_eq!(report["tasks"], serde_json::json!([]));
    let done = unhang(&["-p", &running.pid(), "--json"]);
    assert_eq!(serde_json::from_slice::<Value>(&done.stdout).unwrap(), report);
}

#[test]
fn how_long_it_took_is_said_to_those_who_ask() {
    let running = Running::start(&PROGRAMS.1);
    let done = unhang(&["-p", &running.pid(), "--verbose"]);
    let said = text(&done.stderr);
    for part in ["opening the program: ", "stopped the process for ", "of its memory", "writing: "]
    {
        assert!(said.contains(part), "{said}");
    }
    assert!(said.lines().all(|line| line.starts_with("unhang: ")), "{said}");
    let done = unhang(&["-p", &running.pid(), "--verbose", "--no-stop"]);
    assert!(!text(&done.stderr).contains("stopped"), "{}", text(&done.stderr));
}

#[test]
fn failures_are_one_sentence() {
    let (folder, whole, _) = &*PROGRAMS;
    let running = Running::start(whole);
    let pid = running.pid();
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    for (arguments, said) in [
        (&["-p", "2147483646"][..], "there is no process 2147483646"),
        (&["--core", missing], "cannot read"),
        (&["--core", whole.to_str().unwrap()], "it is an ELF file of a different type"),
        (&["-p", &pid, "--layouts", missing], "missing"),
        (&["-p", &pid, "-o", "/nonexistent/folder/report"], "cannot write"),
    ] {
        let done = unhang(arguments);
        let error = text(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{error}");
        assert!(error.starts_with("unhang: ") && error.contains(said), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert_eq!(text(&done.stdout), "");
    }
    assert!(running.goes_on());
}

#[test]
fn wrong_usage_is_refused() {
    for arguments in [
        &[][..],
        &["-p", "1", "--core", "core"],
        &["-p", "one"],
        &["-p", "1", "--exe", "/bin/sh"],
        &["-p", "1", "--sysroot", "/"],
        &["--core", "core", "--no-stop"],
    ] {
        let done = unhang(arguments);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
        assert!(text(&done.stderr).contains("--help"), "{arguments:?}");
    }
    let help = text(&unhang(&["--help"]).stdout);
    for code in ["0    everything", "3    shown, but", "4    shown, but", "130  interrupted by"] {
        assert!(help.contains(code), "{help}");
    }
}

#[test]
fn nobody_reading_is_no_failure() {
    let running = Running::start(&PROGRAMS.1);
    let mut child = Command::new(env!("CARGO_BIN_EXE_unhang"))
        .args(["dump", "-p", &running.pid()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let errors: Vec<_> = BufReader::new(child.stderr.take().unwrap()).lines().collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(child.wait().unwrap().code(), Some(4));
    assert!(running.goes_on());
}

#[test]
fn colour_needs_a_terminal() {
    let running = Running::start(&PROGRAMS.1);
    let done = unhang(&["-p", &running.pid()]);
    assert!(!done.stdout.contains(&0x1b));
}
