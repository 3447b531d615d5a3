//! `cargo xtask …`: what README's commands call.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::bench::Part;

/// Builds unhang, shows it at work, and tests it
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure what unhang costs, beside gdb, lldb, BugStalker, a bare pass of gimli and a walk in
    /// gdb's Python
    Bench {
        /// The smaller programs, and one run of each
        #[arg(long)]
        quick: bool,
        /// This part alone; several with the option again
        #[arg(long, value_name = "PART")]
        only: Vec<Part>,
    },
    /// Read every entry of a program's debug information: what `bench` holds extraction against
    #[command(hide = true)]
    GimliPass {
        /// The program
        program: PathBuf,
    },
    /// Build the command line and the module that the debuggers load
    Build,
    /// Hang a web shop and look at it, first with gdb alone, then with unhang
    Demo {
        /// Hang the shop with this version of tokio, on its current-thread scheduler: 1.4.0
        #[arg(long, value_name = "VERSION")]
        tokio: Option<String>,
    },
    /// Run the fuzz targets, with a nightly toolchain
    Fuzz {
        /// These targets; all of them without a name
        targets: Vec<String>,
        /// How long each of them runs
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Take into fuzz/corpus what was found and reaches other code
        #[arg(long)]
        keep: bool,
    },
    /// Write the page of the report, as the extension of VS Code takes it: without a report
    Page {
        /// The file to write
        file: PathBuf,
    },
    /// Build Python wheels, with which `pip install` brings everything, the VS Code extension, and
    /// the command as one static file
    Package,
    /// Formatting, lints, types, unit tests and end-to-end tests
    Test {
        /// Look at large programs from the package registry too, which take minutes to build
        #[arg(long)]
        full: bool,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Bench { quick, only } => xtask::bench::run(quick, &only),
        Command::GimliPass { program } => xtask::bench::gimli_pass(&program),
        Command::Build => xtask::build::run(),
        Command::Demo { tokio } => xtask::demo::run(tokio.as_deref()),
        Command::Fuzz { targets, seconds, keep } => xtask::fuzz::run(&targets, seconds, keep),
        Command::Page { file } => xtask::page::write(&file),
        Command::Package => xtask::package::run(),
        Command::Test { full } => xtask::test::run(full),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error:#}", console::style("error:").for_stderr().red().bold());
            ExitCode::FAILURE
        }
    }
}
