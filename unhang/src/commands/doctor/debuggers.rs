//! Whether a debugger can load unhang: it is started, and asked.

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

use super::Check;
use crate::commands::install::is_set_up;
use crate::debuggers::Debugger;
use crate::python_parts::PythonParts;

/// How long a debugger may take to start and load it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Python that says which Python it is, on a line that nothing else prints.
const ASK_PYTHON: &str = "import sys; print('unhang:python=%d.%d' % sys.version_info[:2])";
/// Python that says whether the native module is there and works.
const ASK_LOADED: &str =
    "import unhang_shared as u; print('unhang:commands=%d' % len(u.Session.commands()))";

/// What a debugger said of itself.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    /// `13.1`, `19.1.7`.
    version: Option<String>,
    python: Option<String>,
    /// Whether the commands are there.
    loaded: bool,
    /// What it said about loading when they are not.
    complaint: Option<String>,
}

/// Checks one debugger.
pub(super) fn check(debugger: Debugger, program: &Path, parts: Option<&PythonParts>) -> Check {
    let place = program.display();
    let output = match ask(debugger, program, parts) {
        Ok(output) => output,
        Err(error) => return Check::bad(debugger, format!("{error:#}")),
    };
    verdict(debugger, &place.to_string(), parts, &Answers::read(debugger, &output))
}

/// Checks its startup file.
pub(super) fn startup_file(debugger: Debugger, parts: &PythonParts) -> Check {
    let what = format!("{debugger} startup");
    match is_set_up(debugger, parts) {
        Ok(Some(true)) => Check::good(what, "loads unhang automatically"),
        Ok(Some(false)) => {
            Check::note(what, "loads a different unhang: update it with `unhang install`")
        }
        Ok(None) => Check::note(
            what,
            format!(
                "does not load unhang: start it with `unhang {debugger}`, or run \
                 `unhang install` once"
            ),
        ),
        Err(error) => Check::bad(what, format!("unhang cannot check its startup file: {error:#}")),
    }
}

fn verdict(
    debugger: Debugger,
    place: &str,
    parts: Option<&PythonParts>,
    answers: &Answers,
) -> Check {
    let oldest = debugger.oldest();
    let Some(version) = &answers.version else {
        return Check::bad(debugger, format!("{place} does not report its version: reinstall it"));
    };
    let major: Option<u32> = version.split('.').next().and_then(|major| major.parse().ok());
    if major.is_none_or(|major| major < oldest) {
        let remedy = format!("install version {oldest} or newer, or set {}", debugger.variable());
        return Check::bad(debugger, format!("{version} ({place}) is too old: {remedy}"));
    }
    let Some(python) = &answers.python else {
        return Check::bad(
            debugger,
            format!(
                "{version} ({place}) has no working Python: install a build with Python, or set {}",
                debugger.variable()
            ),
        );
    };
    let known = format!("{version} with Python {python} ({place})");
    match (parts, answers) {
        (_, Answers { loaded: true, .. }) => Check::good(debugger, format!("{known} loads unhang")),
        (None, _) => Check::note(debugger, format!("{known} finds no unhang to load")),
        (Some(parts), answers) => {
            let said = answers.complaint.as_deref().unwrap_or("no reason given");
            let remedy = parts.remedy();
            Check::bad(debugger, format!("{known} cannot load unhang ({said}): {remedy}"))
        }
    }
}

impl Answers {
    fn read(debugger: Debugger, output: &str) -> Self {
        let answer = |key: &str| {
            let mut lines = output.lines().filter_map(|line| line.trim().strip_prefix("unhang:"));
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
        };
        // `GNU gdb (Debian 13.1-3) 13.1`, `lldb version 19.1.7`
        let heading = match debugger {
            Debugger::Gdb => "GNU gdb ",
            Debugger::Lldb => "lldb version ",
        };
        let version = output.lines().find_map(|line| line.trim().strip_prefix(heading));
        let version = version.and_then(|line| line.rsplit(' ').next());
        // lldb repeats the commands that it is given.
        let lines = || output.lines().map(str::trim).filter(|line| !line.starts_with("(lldb)"));
        let complaint = lines().find(|line| line.starts_with("unhang "));
        let complaint = complaint.or_else(|| lines().find(|line| line.contains("rror")));
        Self {
            version: version.map(|v| v.split(['-', ' ']).next().unwrap_or(v).to_owned()),
            python: answer("python"),
            loaded: answer("commands").is_some_and(|commands| commands != "0"),
            complaint: complaint.map(|line| line.trim_end_matches('.').to_owned()),
        }
    }
}

/// Starts the debugger without the user's settings, and returns all that it prints.
fn ask(debugger: Debugger, program: &Path, parts: Option<&PythonParts>) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    match debugger {
        Debugger::Gdb => {
            command.args(["-nx", "-q", "-batch", "-ex", "show version"]);
            command.args(["-ex", &format!("python {ASK_PYTHON}")]);
            if let Some(parts) = parts {
                command.arg("-ex").arg(parts.gdb_command());
                command.args(["-ex", &format!("python {ASK_LOADED}")]);
            }
        }
        Debugger::Lldb => {
            command.args(["--no-lldbinit", "--batch", "-o", "version"]);
            command.args(["-o", &format!("script {ASK_PYTHON}")]);
            if let Some(parts) = parts {
                command.arg("-o").arg(parts.lldb_command()?);
                command.args(["-o", &format!("script {ASK_LOADED}")]);
            }
        }
    }
    command.env("TERM", "dumb").stdin(Stdio::null());
    let (mut reading, writing) = io::pipe().context("cannot create a pipe")?;
    command.stdout(writing.try_clone().context("cannot create a pipe")?).stderr(writing);
    let child = command.spawn();
    let mut child = Guard(child.with_context(|| format!("{} does not start", program.display()))?);
    // Our copies of the writing end would keep the output from ending.
    drop(command);
    let (sender, output) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = reading.read_to_end(&mut bytes);
        // Whoever asked may have lost patience.
        let _ = sender.send(read.map(|_| bytes));
    });
    let Ok(read) = output.recv_timeout(PATIENCE) else {
        let seconds = PATIENCE.as_secs();
        bail!("{} did not finish within {seconds} s: does it start at all?", program.display());
    };
    child.0.wait().context("cannot wait for it")?;
    let bytes = read.with_context(|| format!("cannot read the output of {}", program.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Ends the debugger when it has not ended by itself.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Usually it has.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::Verdict;
    use super::*;

    fn parts() -> PythonParts {
        PythonParts {
            gdb: "unhang.py".into(),
            lldb: "unhang_lldb".into(),
            native: "_native.abi3.so".into(),
            is_checkout: true,
        }
    }

    fn judge(debugger: Debugger, output: &str) -> (Verdict, Answers) {
        let answers = Answers::read(debugger, output);
        (verdict(debugger, "/usr/bin/it", Some(&parts()), &answers).verdict, answers)
    }

    #[test]
    fn a_debugger_that_has_all() {
        let gdb = "GNU gdb (Debian 13.1-3) 13.1\nLicense …\nunhang:python=3.11\n\
                   unhang:commands=9\n";
        let (verdict, answers) = judge(Debugger::Gdb, gdb);
        assert_eq!(verdict, Verdict::Good);
        assert_eq!(answers.version.as_deref(), Some("13.1"));
        let lldb = "(lldb) version\nlldb version 19.1.7\n(lldb) script …\nunhang:python=3.11\n\
                    unhang:commands=9\n";
        let (verdict, answers) = judge(Debugger::Lldb, lldb);
        assert_eq!(verdict, Verdict::Good);
        assert_eq!(answers.version.as_deref(), Some("19.1.7"));
        assert_eq!(answers.python.as_deref(), Some("3.11"));
    }

    #[test]
    fn what_is_missing_is_found() {
        let old = "GNU gdb (GDB) 12.1\nunhang:python=3.11\nunhang:commands=9\n";
        assert_eq!(judge(Debugger::Gdb, old).0, Verdict::Bad);
        let no_python = "GNU gdb (GDB) 16.3\nPython scripting is not supported …\n";
        assert_eq!(judge(Debugger::Gdb, no_python).0, Verdict::Bad);
        assert_eq!(judge(Debugger::Gdb, "").0, Verdict::Bad);
        let not_loaded = "GNU gdb (Fedora Linux) 16.3-1.fc42\nunhang:python=3.13\n\
                          unhang cannot load its native module (no such file).\n";
        let (verdict, answers) = judge(Debugger::Gdb, not_loaded);
        assert_eq!(verdict, Verdict::Bad);
        assert_eq!(answers.version.as_deref(), Some("16.3"));
        let complaint = "unhang cannot load its native module (no such file)";
        assert_eq!(answers.complaint.as_deref(), Some(complaint));
    }
}
