//! What unhang remembers of a program, in folders of the measurement's own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::target;

/// What is remembered when a command begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Cache {
    /// The command remembers nothing: it is not unhang's.
    Unused,
    /// Nothing: a first look at the program.
    Cold,
    /// What the same command asked before: a further look.
    Warm,
}

impl Cache {
    /// Both, for what is measured with each.
    pub(super) const BOTH: [Self; 2] = [Self::Cold, Self::Warm];

    /// The word for it in the table.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unused => "",
            Self::Cold => "cold",
            Self::Warm => "warm",
        }
    }

    /// Makes a command use the folder, whatever it would use else.
    pub(super) fn apply(self, command: &mut Command) {
        if self != Self::Unused {
            command.env("UNHANG_CACHE", self.folder());
        }
    }

    /// Before each run: a cold folder has nothing in it.
    pub(super) fn prepare(self) -> Result<()> {
        match self {
            Self::Cold => self.empty(),
            Self::Warm | Self::Unused => Ok(()),
        }
    }

    /// Removes what is in the folder.
    pub(super) fn empty(self) -> Result<()> {
        let folder = self.folder();
        if folder.exists() {
            std::fs::remove_dir_all(&folder).context("emptying the cache")?;
        }
        std::fs::create_dir_all(&folder).context("creating a folder for the cache")
    }

    fn folder(self) -> PathBuf {
        target().join("bench/cache").join(self.word())
    }
}
