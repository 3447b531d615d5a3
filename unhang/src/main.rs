//! `unhang`: the command line.
//!
//! Each subcommand is one file in `commands`. What a command prints for people goes to standard
//! output, how far it is and what went wrong to standard error.

mod commands;
mod debuggers;
mod python_parts;
mod startup_file;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use report_text::text::style::escaped_lines;

use self::debuggers::Debugger;

/// Exit code when the command could not do what it was asked; clap's for wrong usage is 2.
const FAILED: u8 = 1;

/// Shows what the async tasks of a stopped Rust process wait for.
///
/// It lists the tasks, where each one is suspended and what it waits for: inside gdb and lldb, or
/// without a debugger, for a live process or a core file. The program needs nothing but its debug
/// information.
#[derive(Parser)]
#[command(
    name = "unhang",
    version,
    after_help = "\
Examples:
  unhang dump -p $(pidof app)    show what every task of a process does
  unhang gdb -p $(pidof app)     start gdb with `info async-tasks` and `async bt`
  unhang install                 load them in every gdb and lldb from now on

Exit codes:
  0  success
  1  failure; one sentence on standard error says why
  2  invalid command line

Some commands have more: see their `--help`.",
    styles = commands::styles(),
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Dump(commands::dump::Arguments),
    Explain(commands::explain::Arguments),
    Gdb(commands::start::GdbArguments),
    Lldb(commands::start::LldbArguments),
    Install(commands::install::Arguments),
    Doctor(commands::doctor::Arguments),
    Extract(commands::extract::Arguments),
    Man(commands::man::Arguments),
    Completions(commands::completions::Arguments),
}

fn main() -> ExitCode {
    process_target::keep_from_own_threads();
    let done = match Arguments::parse().command {
        Command::Dump(arguments) => commands::dump::run(&arguments),
        Command::Explain(arguments) => commands::explain::run(&arguments).map(|()| 0),
        Command::Gdb(_) => commands::start::run(Debugger::Gdb).map(|never| match never {}),
        Command::Lldb(_) => commands::start::run(Debugger::Lldb).map(|never| match never {}),
        Command::Install(arguments) => commands::install::run(&arguments).map(|()| 0),
        Command::Doctor(arguments) => commands::doctor::run(&arguments),
        Command::Extract(arguments) => commands::extract::run(&arguments).map(|()| 0),
        Command::Man(arguments) => commands::man::run(&arguments, Arguments::command()).map(|()| 0),
        Command::Completions(arguments) => {
            commands::completions::run(&arguments, Arguments::command()).map(|()| 0)
        }
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("unhang: {}", escaped_lines(&format!("{error:#}")));
            ExitCode::from(FAILED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Arguments::command().debug_assert();
    }

    /// All of these have to get past clap; what they are is the debugger's business.
    #[test]
    fn a_debugger_gets_any_argument() {
        for words in [
            &["unhang", "gdb", "-p", "1", "-batch", "-ex", "async bt"][..],
            &["unhang", "gdb", "--args", "app", "--help", "-h"],
            &["unhang", "lldb", "--", "app", "--", "--version"],
            &["unhang", "lldb", "-V"],
            &["unhang", "gdb"],
        ] {
            assert!(Arguments::try_parse_from(words).is_ok(), "{words:?}");
        }
    }
}
