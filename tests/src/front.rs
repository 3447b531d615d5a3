//! The ways in which a user can look at a program.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use xtask::debugger::{self, Debugger};
use xtask::fixture::Running;
use xtask::session::{Session, Subject};
use xtask::{build, workspace};

/// The width of every screen in the tests.
pub const WIDTH: u16 = 100;

/// How long one run of a debugger may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A debugger with unhang in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Front {
    /// The distribution's gdb, 13.1 on Debian 12.
    SystemGdb,
    /// The newest gdb that is supported.
    NewestGdb,
}

/// Every gdb.
pub const GDBS: &[Front] = &[Front::SystemGdb, Front::NewestGdb];

/// What state of the program is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The process itself, stopped.
    Live,
    /// A core file of it.
    Core,
}

impl Front {
    /// The debugger, found or installed on first use.
    pub fn debugger(self) -> Result<&'static Debugger> {
        static SYSTEM_GDB: OnceLock<Result<Debugger, String>> = OnceLock::new();
        static NEWEST_GDB: OnceLock<Result<Debugger, String>> = OnceLock::new();
        let found = match self {
            Self::SystemGdb => SYSTEM_GDB.get_or_init(|| shareable(debugger::system_gdb())),
            Self::NewestGdb => NEWEST_GDB.get_or_init(|| shareable(debugger::newest_gdb())),
        };
        found.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Runs commands with unhang loaded and returns what each of them printed.
    pub fn ask(self, subject: Subject<'_>, commands: &[impl AsRef<str>]) -> Result<Vec<String>> {
        self.run(subject, &[format!("source {}", gdb_script()?.display())], commands)
    }

    /// Runs commands of the debugger alone and returns what each of them printed.
    pub fn ask_alone(
        self,
        subject: Subject<'_>,
        commands: &[impl AsRef<str>],
    ) -> Result<Vec<String>> {
        self.run(subject, &[], commands)
    }

    fn run(
        self,
        subject: Subject<'_>,
        setup: &[String],
        commands: &[impl AsRef<str>],
    ) -> Result<Vec<String>> {
        let debugger = self.debugger()?;
        Session { debugger, subject, setup, width: WIDTH, limit: LIMIT }
            .run(commands)
            .with_context(|| format!("{self:?} {} on {subject:?}", debugger.version))
    }
}

/// The script that gdb sources, with the module built on first use.
pub fn gdb_script() -> Result<&'static Path> {
    static SCRIPT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let script = SCRIPT.get_or_init(|| shareable(build::build().map(|built| built.gdb_script)));
    script.as_deref().map_err(|error| anyhow!("{error}"))
}

/// A core file that is removed when this is dropped.
pub struct CoreFile(PathBuf);

impl CoreFile {
    /// Writes a core file of a running process, which goes on running.
    pub fn of(running: &Running) -> Result<Self> {
        let folder = workspace::target().join("cores");
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {folder:?}"))?;
        let core = Self(folder.join(format!("core.{}", running.pid())));
        let generate = format!("generate-core-file {}", core.path().display());
        let said = Front::SystemGdb.ask_alone(Subject::Process(running.pid()), &[generate])?;
        ensure!(core.path().exists(), "gdb wrote no core file: {}", said.concat());
        Ok(core)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for CoreFile {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An error that several tests can be told.
fn shareable<T>(result: Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{error:#}"))
}
