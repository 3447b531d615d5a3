//! `unhang gdb` and `unhang lldb`: a debugger with the commands loaded.

use std::convert::Infallible;
use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::anyhow;

use crate::debuggers::Debugger;
use crate::python_parts::PythonParts;

/// Start gdb with the commands loaded.
///
/// All arguments are gdb's own (a first `--help` shows this page, and `gdb --help` gdb's). gdb
/// replaces the unhang process, so its exit status is the command's.
#[derive(clap::Args)]
#[command(after_help = "\
Environment:
  UNHANG_GDB       the gdb to start, instead of the one in PATH
  UNHANG_ADAPTERS  the location of the Python package `unhang`, if it is not beside unhang

Examples:
  unhang gdb -p $(pidof app)
  unhang gdb -p $(pidof app) -batch -ex 'info async-tasks' -ex 'async bt all'
  unhang gdb --args target/debug/app --port 8080")]
pub(crate) struct GdbArguments {
    /// gdb's arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

/// Start lldb with the commands loaded.
///
/// All arguments are lldb's own (a first `--help` shows this page, and `lldb --help` lldb's). lldb
/// replaces the unhang process, so its exit status is the command's.
#[derive(clap::Args)]
#[command(after_help = "\
Environment:
  UNHANG_LLDB      the lldb to start, instead of the one in PATH
  UNHANG_ADAPTERS  the location of the Python package `unhang`, if it is not beside unhang

Examples:
  unhang lldb -p $(pidof app)
  unhang lldb -p $(pidof app) -b -o 'async tasks' -o 'async bt all'
  unhang lldb -- target/debug/app --port 8080")]
pub(crate) struct LldbArguments {
    /// lldb's arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

/// Becomes the debugger; returns only when that fails.
pub(crate) fn run(debugger: Debugger) -> anyhow::Result<Infallible> {
    let parts = PythonParts::find()?;
    let program = debugger.find()?;
    let mut command = Command::new(&program);
    match debugger {
        // Behind the user's init files, before the program is loaded and before `-ex`.
        Debugger::Gdb => command.arg("-iex").arg(parts.gdb_command()),
        Debugger::Lldb => command.arg("--one-line-before-file").arg(parts.lldb_command()?),
    };
    // As they were typed: clap takes the first `--` for its own.
    command.args(env::args_os().skip(2));
    let error = command.exec();
    Err(anyhow!("cannot start {}: {error}", program.display()))
}
