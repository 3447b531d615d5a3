//! qemu as one process of another processor: it runs a program, and serves gdb.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::debian::Unpacked;

/// What runs programs of one processor.
#[derive(Clone, Debug)]
pub struct Emulator {
    program: PathBuf,
    /// qemu's own.
    libraries: PathBuf,
    sysroot: PathBuf,
}

impl Emulator {
    /// The one of that name, for programs whose libraries are in that folder.
    pub fn new(qemu: &Unpacked, name: &str, sysroot: PathBuf) -> Result<Self> {
        Ok(Self { program: qemu.program(name)?, libraries: qemu.libraries(), sysroot })
    }

    /// The libraries that the programs run with, as a debugger wants to hear of them.
    #[must_use]
    pub fn sysroot(&self) -> &Path {
        &self.sysroot
    }

    /// What runs a program that is given as its first argument.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut qemu = Command::new(&self.program);
        qemu.env("LD_LIBRARY_PATH", &self.libraries);
        qemu.args(["-U", "LD_LIBRARY_PATH", "-L"]).arg(&self.sysroot);
        qemu
    }

    /// What runs a program behind a gdb server at this local port: it waits for a debugger.
    #[must_use]
    pub fn serve(&self, port: u16, program: &Path, arguments: &[&str]) -> Command {
        let mut qemu = self.command();
        qemu.args(["-g", &port.to_string()]).arg(program).args(arguments);
        qemu
    }
}
