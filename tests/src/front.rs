//! The ways in which a user can look at a program.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use xtask::build::Built;
use xtask::debugger::{self, Debugger};
use xtask::fixture::Running;
use xtask::session::{OFFLINE, Session, Subject};
use xtask::test::EVERY_LOOK;
use xtask::workspace::command;
use xtask::{build, workspace};

/// The width of every screen in the tests.
pub const WIDTH: u16 = 100;

/// How long one run of a debugger may take.
const LIMIT: Duration = Duration::from_secs(120);
/// The same at a gdb server: gdb reads code of another processor instruction by instruction to find the
/// callers of a function, and an emulator on a busy machine has some hundred answers a second.
const REMOTE_LIMIT: Duration = Duration::from_secs(480);

/// A debugger with unhang in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Front {
    /// The distribution's gdb, 13.1 on Debian 12.
    SystemGdb,
    /// The newest gdb that is supported.
    NewestGdb,
    /// The distribution's lldb, 19 on Debian 12.
    SystemLldb,
    /// The newest lldb that is supported.
    NewestLldb,
    /// `unhang dump`, without a debugger.
    CommandLine,
}

/// Every gdb.
pub const GDBS: &[Front] = &[Front::SystemGdb, Front::NewestGdb];

/// Every lldb.
pub const LLDBS: &[Front] = &[Front::SystemLldb, Front::NewestLldb];

/// Every debugger.
pub const DEBUGGERS: &[Front] =
    &[Front::SystemGdb, Front::NewestGdb, Front::SystemLldb, Front::NewestLldb];

/// Every front. The command line knows one command, [`DUMP`].
pub const ALL: &[Front] =
    &[Front::SystemGdb, Front::NewestGdb, Front::SystemLldb, Front::NewestLldb, Front::CommandLine];

/// The command that every front has.
pub const DUMP: &str = "async dump";

/// lldb (19 to 23.1) takes the address of the first entry in gdbserver's list of libraries for that of
/// the loader's record of them, and so finds none: here it reads the record itself.
const SVR4: &str = "settings set plugin.process.gdb-remote.use-libraries-svr4 false";

/// Of functions that are in lldb's cache of symbols, it has forgotten that their code is Thumb, and does
/// not find their callers (23.1).
const UNCACHED: &str = "settings set symbols.enable-lldb-index-cache false";

/// So many seconds it waits for an answer: without one it goes on as if there were no callers.
const PATIENT: &str = "settings set plugin.process.gdb-remote.packet-timeout 60";

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
        static SYSTEM_LLDB: OnceLock<Result<Debugger, String>> = OnceLock::new();
        static NEWEST_LLDB: OnceLock<Result<Debugger, String>> = OnceLock::new();
        let found = match self {
            Self::SystemLldb => SYSTEM_LLDB.get_or_init(|| shareable(debugger::system_lldb())),
            Self::NewestLldb => NEWEST_LLDB.get_or_init(|| shareable(debugger::newest_lldb())),
            Self::CommandLine => bail!("the command line is no debugger"),
            Self::SystemGdb => SYSTEM_GDB.get_or_init(|| shareable(debugger::system_gdb())),
            Self::NewestGdb => NEWEST_GDB.get_or_init(|| shareable(debugger::newest_gdb())),
        };
        found.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Runs commands with unhang loaded and returns what each of them printed.
    pub fn ask(self, subject: Subject<'_>, commands: &[impl AsRef<str>]) -> Result<Vec<String>> {
        if self == Self::CommandLine {
            return commands.iter().map(|text| dump(subject, text)).collect();
        }
        self.run(subject, &[self.loading()?], LIMIT, commands)
    }

    /// The debugger's command that loads unhang, with the module built on first use.
    pub fn loading(self) -> Result<String> {
        match self {
            Self::SystemGdb | Self::NewestGdb => {
                Ok(format!("source {}", built()?.gdb_script.display()))
            }
            Self::SystemLldb | Self::NewestLldb => {
                Ok(format!("command script import {}", built()?.lldb_package.display()))
            }
            Self::CommandLine => bail!("the command line loads nothing"),
        }
    }

    /// The debugger's command that connects with a gdb server at this local port.
    pub fn connecting(self, port: u16) -> String {
        let connect = if LLDBS.contains(&self) { "gdb-remote" } else { "target remote" };
        format!("{connect} 127.0.0.1:{port}")
    }

    /// Runs commands with unhang loaded, on a process behind a gdb server at this local port, whose
    /// libraries are in that folder; `None` for a process of this machine. lldb kills the process when
    /// it leaves.
    pub fn ask_remote(
        self,
        executable: &Path,
        sysroot: Option<&Path>,
        port: u16,
        commands: &[impl AsRef<str>],
    ) -> Result<Vec<String>> {
        let mut setup = vec![self.loading()?];
        let mut subject = Subject::Executable(executable);
        if LLDBS.contains(&self) {
            setup.extend([SVR4, UNCACHED, PATIENT].map(str::to_owned));
            if let Some(sysroot) = sysroot {
                // It has to hear of the libraries before it hears of the program.
                let sysroot = sysroot.display();
                setup.push(format!("platform select --sysroot {sysroot} remote-linux"));
                setup.push(format!("target create {}", executable.display()));
                subject = Subject::Nothing;
            }
        } else {
            setup.extend(sysroot.map(|sysroot| format!("set sysroot {}", sysroot.display())));
        }
        setup.push(self.connecting(port));
        self.run(subject, &setup, REMOTE_LIMIT, commands)
    }

    /// Runs commands with unhang loaded, on a process of another machine whose libraries are in that
    /// folder.
    pub fn ask_with(
        self,
        subject: Subject<'_>,
        sysroot: &Path,
        commands: &[impl AsRef<str>],
    ) -> Result<Vec<String>> {
        let mut setup = vec![self.loading()?];
        let mut subject = subject;
        let sysroot = sysroot.display();
        if GDBS.contains(&self) {
            setup.push(format!("set sysroot {sysroot}"));
        } else if let Subject::Core { core, executable } = subject {
            // It has to hear of the libraries before it hears of the program. It finds callers
            // without them, but not the names of the C library's functions.
            setup.push(format!("platform select --sysroot {sysroot} remote-linux"));
            setup.push(format!("target create {} --core {}", executable.display(), core.display()));
            subject = Subject::Nothing;
        }
        self.run(subject, &setup, LIMIT, commands)
    }

    /// Runs commands of the debugger alone and returns what each of them printed.
    pub fn ask_alone(
        self,
        subject: Subject<'_>,
        commands: &[impl AsRef<str>],
    ) -> Result<Vec<String>> {
        self.run(subject, &[], LIMIT, commands)
    }

    fn run(
        self,
        subject: Subject<'_>,
        setup: &[String],
        limit: Duration,
        commands: &[impl AsRef<str>],
    ) -> Result<Vec<String>> {
        let debugger = self.debugger()?;
        // A full run reads everything anew.
        let keeps_indexes = std::env::var_os(EVERY_LOOK).is_none();
        Session { debugger, subject, setup, width: WIDTH, limit, keeps_indexes }
            .run(commands)
            .with_context(|| format!("{self:?} {} on {subject:?}", debugger.version))
    }
}

/// What a build leaves behind, made on first use.
pub fn built() -> Result<&'static Built> {
    static BUILT: OnceLock<Result<Built, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| shareable(build::build()));
    built.as_ref().map_err(|error| anyhow!("{error}"))
}

/// What the command line prints for [`DUMP`], with its options.
fn dump(subject: Subject<'_>, text: &impl AsRef<str>) -> Result<String> {
    let options = text.as_ref().strip_prefix(DUMP).context("the command line only dumps")?;
    let mut dump = command(&built()?.command_line, workspace::root());
    dump.args(["dump", "--width", &WIDTH.to_string()]).args(options.split_whitespace());
    match subject {
        Subject::Process(pid) => dump.args(["--pid", &pid.to_string()]),
        Subject::Core { core, executable } => {
            dump.arg("--core").arg(core).arg("--exe").arg(executable)
        }
        Subject::Nothing | Subject::Executable(_) => bail!("there is nothing to dump"),
    };
    let output = dump.output().context("running the command line")?;
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A core file that is removed when this is dropped.
pub struct CoreFile(PathBuf);

impl CoreFile {
    /// Writes a core file of a running process, which goes on running.
    pub fn of(running: &Running) -> Result<Self> {
        Self::by(Front::SystemGdb, running)
    }

    /// The same by a certain gdb.
    pub fn by(gdb: Front, running: &Running) -> Result<Self> {
        let folder = workspace::target().join("cores");
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {folder:?}"))?;
        let core = Self(folder.join(format!("core.{}", running.pid())));
        let generate = format!("generate-core-file {}", core.path().display());
        let mut gdb = command(&gdb.debugger()?.executable, workspace::root());
        // What is written does not depend on debug information, which takes longest to read.
        gdb.args(OFFLINE).args(["--readnever", "-batch", "-ex", &generate]);
        let said = gdb.args(["-p", &running.pid().to_string()]).output().context("running gdb")?;
        let said = String::from_utf8_lossy(&said.stderr);
        ensure!(core.path().exists(), "gdb wrote no core file: {said}");
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
