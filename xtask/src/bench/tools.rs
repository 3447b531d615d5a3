//! What is measured: debuggers without unhang and with it, and the command line.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build;
use crate::debugger::{self, Debugger, Kind};
use crate::session::OFFLINE;
use crate::workspace::{command, root, target};

/// Programs that are ready to run.
pub(super) struct Tools {
    /// The distribution's gdb.
    pub(super) gdb: Debugger,
    /// The newest lldb.
    pub(super) lldb: Debugger,
    xtask: PathBuf,
    unhang: PathBuf,
    gdb_script: PathBuf,
    lldb_package: PathBuf,
}

impl Tools {
    /// Builds and installs what is missing.
    pub(super) fn find() -> Result<Self> {
        let built = build::build()?;
        Ok(Self {
            gdb: debugger::system_gdb()?,
            lldb: debugger::newest_lldb()?,
            xtask: std::env::current_exe().context("the path of this program")?,
            unhang: built.command_line,
            gdb_script: built.gdb_script,
            lldb_package: built.lldb_package,
        })
    }

    /// Both debuggers.
    pub(super) fn debuggers(&self) -> [&Debugger; 2] {
        [&self.gdb, &self.lldb]
    }

    /// A debugger that attaches to a process, runs commands and quits.
    pub(super) fn attach(&self, debugger: &Debugger, pid: u32, commands: &[&str]) -> Command {
        let mut attach = command(&debugger.executable, root());
        let execute = match debugger.kind {
            Kind::Gdb => {
                attach.args(OFFLINE).arg("-batch");
                "-ex"
            }
            Kind::Lldb => {
                attach.args(["--no-lldbinit", "-b"]);
                "-o"
            }
        };
        attach.args(["-p", &pid.to_string()]);
        attach.args(commands.iter().flat_map(|text| [execute, text]));
        attach
    }

    /// The same with one of unhang's commands.
    pub(super) fn with_unhang(&self, debugger: &Debugger, pid: u32, text: &str) -> Command {
        let load = match debugger.kind {
            Kind::Gdb => format!("source {}", self.gdb_script.display()),
            Kind::Lldb => format!("command script import {}", self.lldb_package.display()),
        };
        self.attach(debugger, pid, &[&load, text])
    }

    /// `unhang dump` of a process.
    pub(super) fn dump(&self, pid: u32, options: &[&str]) -> Command {
        let mut dump = command(&self.unhang, root());
        dump.args(["dump", "--pid", &pid.to_string()]).args(options);
        dump
    }

    /// Gimli's pass over a program: this program itself, asked for that.
    pub(super) fn gimli_pass(&self, program: &Path) -> Command {
        let mut pass = command(&self.xtask, root());
        pass.arg("gimli-pass").arg(program);
        pass
    }

    /// `unhang extract` of a program.
    pub(super) fn extract(&self, program: &Path) -> Command {
        let mut extract = command(&self.unhang, root());
        let output = target().join("bench/layouts.unhang");
        // A build that has none is the usual case. A file system may write out at once what replaces
        // another file.
        let _ = std::fs::remove_file(&output);
        extract.arg("extract").arg(program).arg("-o").arg(output);
        extract
    }
}

/// The word for a debugger.
pub(super) fn word(debugger: &Debugger) -> &'static str {
    match debugger.kind {
        Kind::Gdb => "gdb",
        Kind::Lldb => "lldb",
    }
}
