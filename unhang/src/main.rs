//! `unhang`: the command line.
//!
//! Each subcommand is one file in `commands`. What a command prints for people goes to standard
//! output, how far it is and what went wrong to standard error.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Exit code when the command could not do what it was asked; clap's for wrong usage is 2.
const FAILED: u8 = 1;

#[derive(Parser)]
#[command(
    name = "unhang",
    version,
    about = "Shows what the async tasks of a stopped Rust process wait for.",
    after_help = "Exit codes:\n  0  done\n  1  it could not be done; one sentence on standard error \
                  says why\n  2  the command line was wrong\n\nA command may have more: see its `--help`.",
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
    Extract(commands::extract::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Dump(arguments) => commands::dump::run(&arguments),
        Command::Extract(arguments) => commands::extract::run(&arguments).map(|()| 0),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("unhang: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}
