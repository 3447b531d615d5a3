//! The debuggers of this machine.

use std::env;
use std::fmt;
use std::path::PathBuf;

use anyhow::bail;
use clap::ValueEnum;

/// A debugger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Debugger {
    Gdb,
    Lldb,
}

impl Debugger {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Gdb, Self::Lldb];

    /// The variable that names the program to start.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Gdb => "UNHANG_GDB",
            Self::Lldb => "UNHANG_LLDB",
        }
    }

    /// The oldest major version that unhang is tested with.
    pub(crate) fn oldest(self) -> u32 {
        match self {
            Self::Gdb => 13,
            Self::Lldb => 19,
        }
    }

    /// The program: the one that the user's variable names, else the one on the path; of several
    /// with a version in their name (Debian's `lldb-19`), the newest one.
    ///
    /// # Errors
    /// When there is none, in a sentence with what to do.
    pub(crate) fn find(self) -> anyhow::Result<PathBuf> {
        let variable = self.variable();
        if let Some(program) = env::var_os(variable).filter(|program| !program.is_empty()) {
            let Ok(found) = which::which(&program) else {
                bail!("{variable} is {}, which is not a program", program.display());
            };
            return Ok(found);
        }
        let plain = self.to_string();
        let other: Vec<String> = match self {
            Self::Gdb => vec!["gdb-multiarch".to_owned()],
            Self::Lldb => (self.oldest()..100).rev().map(|n| format!("lldb-{n}")).collect(),
        };
        let names = std::iter::once(plain.clone()).chain(other);
        match names.filter_map(|name| which::which(name).ok()).next() {
            Some(found) => Ok(found),
            None => bail!(
                "{plain} is not on the path: install it with your system's packages, or set \
                 {variable} to its path"
            ),
        }
    }
}

impl fmt::Display for Debugger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gdb => "gdb",
            Self::Lldb => "lldb",
        })
    }
}
