//! `unhang doctor`: what is missing, and how to mend it.

mod checks;
mod debuggers;
mod expectations;
mod knowledge;
mod permission;
mod process;

use std::io;
use std::path::PathBuf;

use anyhow::Context;

use self::checks::{Check, Checks};
use crate::debuggers::Debugger;
use crate::python_parts::PythonParts;

/// Exit code when something has to be mended.
const MISSING: u8 = 3;

/// Check the setup and explain how to fix problems.
///
/// Prints one line per check: the debuggers, whether their Python loads unhang, their startup files,
/// and which processes this system lets you inspect. With a process it also checks access to it, its
/// debug information and its runtimes, which stops the process for some milliseconds.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes:
  0  no problems; a line marked `note` may still be worth reading
  1  the checks could not run; one sentence on standard error says why
  2  invalid command line
  3  problems to fix: the lines marked `bad`")]
pub(crate) struct Arguments {
    /// The process to check
    #[arg(short, long, value_name = "PID")]
    pid: Option<u64>,

    /// List what unhang expects of the compiler, the standard library and tokio instead; with a
    /// program, check which expectations it meets, and what has moved
    #[arg(long)]
    expectations: bool,

    /// Check this file that declares what types are (see docs/knowledge.md) instead: with a program,
    /// whether each type and member is there. Of a program the texts in it are checked. May be given
    /// several times
    #[arg(long, value_name = "FILE", conflicts_with = "expectations")]
    knowledge: Vec<PathBuf>,

    /// The executable to check against the expectations or the knowledge; it need not run
    #[arg(value_name = "EXECUTABLE", conflicts_with = "pid")]
    executable: Option<PathBuf>,

    /// The layout file of its build (see `unhang extract`)
    #[arg(long, value_name = "FILE", requires = "pid")]
    layouts: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    if arguments.expectations {
        return expectations(arguments);
    }
    if !arguments.knowledge.is_empty() {
        let mut checks = Checks::new();
        knowledge::check(&arguments.knowledge, subject(arguments).as_deref(), &mut checks)?;
        return written(checks.end());
    }
    if arguments.executable.is_some() {
        anyhow::bail!("an executable is checked against `--expectations` or `--knowledge FILE`");
    }
    let mut checks = Checks::new();
    let parts = parts(&mut checks);
    let found = Debugger::ALL.map(|debugger| (debugger, debugger.find()));
    // One thing that is missing is to be said once.
    let loadable = parts.as_ref().filter(|parts| parts.native.is_file());
    let no_debugger = found.iter().all(|(_, program)| program.is_err());
    for (debugger, program) in found {
        match program {
            Ok(program) => {
                checks.add(debuggers::check(debugger, &program, loadable));
                if let Some(parts) = &parts {
                    checks.add(debuggers::startup_file(debugger, parts));
                }
            }
            Err(error) if no_debugger => checks.add(Check::bad(debugger, format!("{error:#}"))),
            Err(error) => checks.add(Check::note(debugger, format!("{error:#}"))),
        }
    }
    checks.add(permission::check());
    if let Some(pid) = arguments.pid {
        process::check(pid, arguments.layouts.as_deref(), &mut checks);
    }
    written(checks.end())
}

/// `--expectations`.
fn expectations(arguments: &Arguments) -> anyhow::Result<u8> {
    let Some(executable) = subject(arguments) else {
        return written(expectations::list().map(|()| 0));
    };
    let mut checks = Checks::new();
    expectations::check(&executable, &mut checks)?;
    written(checks.end())
}

/// The executable that is named, or that of the process.
fn subject(arguments: &Arguments) -> Option<PathBuf> {
    let process = arguments.pid.map(|pid| PathBuf::from(format!("/proc/{pid}/exe")));
    arguments.executable.clone().or(process)
}

/// Whoever reads may have read enough.
fn written(result: io::Result<u8>) -> anyhow::Result<u8> {
    result.or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(0),
        _ => Err(error).context("cannot write to standard output"),
    })
}

/// The part that the debuggers load.
fn parts(checks: &mut Checks) -> Option<PythonParts> {
    let version = env!("CARGO_PKG_VERSION");
    let parts = match PythonParts::find() {
        Ok(parts) => parts,
        Err(error) => {
            checks.add(Check::bad("unhang", format!("{version}; {error:#}")));
            return None;
        }
    };
    let native = parts.native.display();
    if parts.native.is_file() {
        checks.add(Check::good("unhang", format!("{version}; the debuggers load {native}")));
    } else {
        let remedy = parts.remedy();
        checks.add(Check::bad("unhang", format!("{version}; {native} is missing: {remedy}")));
    }
    Some(parts)
}
