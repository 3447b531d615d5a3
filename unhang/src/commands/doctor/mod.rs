//! `unhang doctor`: what is missing, and how to mend it.

mod checks;
mod debuggers;
mod expectations;
mod permission;
mod process;

use std::io;
use std::path::PathBuf;

use anyhow::Context;

use self::checks::{Check, Checks};
use crate::adapters::Adapters;
use crate::debuggers::Debugger;

/// Exit code when something has to be mended.
const MISSING: u8 = 3;

/// Say what is missing, and how to mend it.
///
/// One line a check: the debuggers, whether their Python loads unhang, their startup files, and
/// what this system lets you look into. With a process also whether it can be looked into, its
/// debug information and its runtimes; it stands still for some milliseconds and goes on.
#[derive(clap::Args)]
#[command(after_help = "\
Exit codes:
  0  nothing is missing; a line marked `note` may still be worth reading
  1  the checks could not be made; one sentence on standard error says why
  2  the command line was wrong
  3  something has to be mended: the lines marked `bad`")]
pub(crate) struct Arguments {
    /// A process to look at
    #[arg(short, long, value_name = "PID")]
    pid: Option<u64>,

    /// List what is expected of the compiler, the standard library and tokio, instead; with a program say which
    /// of it holds there, and what has moved
    #[arg(long)]
    expectations: bool,

    /// An executable to hold against the expectations, which need not run
    #[arg(value_name = "EXECUTABLE", requires = "expectations", conflicts_with = "pid")]
    executable: Option<PathBuf>,

    /// A layout file of its build (see `unhang extract`)
    #[arg(long, value_name = "FILE", requires = "pid")]
    layouts: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    if arguments.expectations {
        return expectations(arguments);
    }
    let mut checks = Checks::new();
    let adapters = adapters(&mut checks);
    let found = Debugger::ALL.map(|debugger| (debugger, debugger.find()));
    // One thing that is missing is to be said once.
    let loadable = adapters.as_ref().filter(|adapters| adapters.native.is_file());
    let no_debugger = found.iter().all(|(_, program)| program.is_err());
    for (debugger, program) in found {
        match program {
            Ok(program) => {
                checks.add(debuggers::check(debugger, &program, loadable));
                if let Some(adapters) = &adapters {
                    checks.add(debuggers::startup_file(debugger, adapters));
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
    let process = arguments.pid.map(|pid| PathBuf::from(format!("/proc/{pid}/exe")));
    let Some(executable) = arguments.executable.clone().or(process) else {
        return written(expectations::list().map(|()| 0));
    };
    let mut checks = Checks::new();
    expectations::check(&executable, &mut checks)?;
    written(checks.end())
}

/// Whoever reads may have read enough.
fn written(result: io::Result<u8>) -> anyhow::Result<u8> {
    result.or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(0),
        _ => Err(error).context("cannot write to standard output"),
    })
}

/// The part that the debuggers load.
fn adapters(checks: &mut Checks) -> Option<Adapters> {
    let version = env!("CARGO_PKG_VERSION");
    let adapters = match Adapters::find() {
        Ok(adapters) => adapters,
        Err(error) => {
            checks.add(Check::bad("unhang", format!("{version}; {error:#}")));
            return None;
        }
    };
    let native = adapters.native.display();
    if adapters.native.is_file() {
        checks.add(Check::good("unhang", format!("{version}; the debuggers load {native}")));
    } else {
        let remedy = adapters.remedy();
        checks.add(Check::bad("unhang", format!("{version}; {native} is missing: {remedy}")));
    }
    Some(adapters)
}
