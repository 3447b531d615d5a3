//! Finds the debuggers and the other programs that tests need, or installs them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::progress::Step;
use crate::workspace::{command, exclusively, root, run};
use crate::{python, workspace};

/// The oldest gdb that is supported and tested.
pub const OLDEST_GDB: u32 = 13;

/// The wheel that brings a current gdb without any right to install packages.
const GDB_WHEEL: &str = "gdb-for-pwndbg==18.1.0.post1";

/// The distribution's lldb that is tested: a package and a program of that name.
const SYSTEM_LLDB: &str = "lldb-19";

/// The wheel that brings a current lldb.
const LLDB_WHEEL: &str = "lldb-for-pwndbg==23.1.0.post2";

/// The font with symbols, where Debian has it.
const SYMBOLS: &str = "/usr/share/fonts/truetype/ancient-scripts/Symbola_hint.ttf";

/// Where Debian has the versions of PostgreSQL.
const POSTGRES: &str = "/usr/lib/postgresql";

/// Which debugger it is, and so how to talk to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// GNU gdb.
    Gdb,
    /// LLVM's lldb.
    Lldb,
}

/// A debugger that is ready to run.
#[derive(Clone, Debug)]
pub struct Debugger {
    /// Which one.
    pub kind: Kind,
    /// The program to start.
    pub executable: PathBuf,
    /// What it says of itself: `13.1`.
    pub version: String,
}

impl Debugger {
    /// Whether it ends with an illegal instruction at an index that it wrote itself, as gdb 18.1 from
    /// its wheel does (`index-cache`).
    pub(crate) fn breaks_at_its_indexes(&self) -> bool {
        self.kind == Kind::Gdb && self.version.starts_with("18.")
    }
}

/// The gdb that a developer here would use: the one on the path, else the
/// distribution's, else the wheel's.
pub fn gdb() -> Result<Debugger> {
    if let Some(gdb) = usable_gdb()? {
        return Ok(gdb);
    }
    if may_install()
        && install("gdb").is_ok()
        && let Some(gdb) = usable_gdb()?
    {
        return Ok(gdb);
    }
    newest_gdb()
}

/// The distribution's gdb, installed when it is missing.
pub fn system_gdb() -> Result<Debugger> {
    if let Some(gdb) = usable_gdb()? {
        return Ok(gdb);
    }
    if !may_install() {
        bail!("no gdb {OLDEST_GDB} or newer on the path: install it (`apt-get install gdb`)");
    }
    install("gdb")?;
    usable_gdb()?.with_context(|| format!("the distribution's gdb is older than {OLDEST_GDB}"))
}

/// The newest gdb that is tested, from its wheel.
pub fn newest_gdb() -> Result<Debugger> {
    let folder = python::environment("debuggers/gdb-18.1", &[GDB_WHEEL])?;
    let executable = folder.join("bin/gdb");
    let version = gdb_version(&executable)?
        .with_context(|| format!("{GDB_WHEEL} does not start: is libpython there?"))?;
    Ok(Debugger { kind: Kind::Gdb, executable, version })
}

/// The distribution's lldb, installed when it is missing.
pub fn system_lldb() -> Result<Debugger> {
    let executable = PathBuf::from(SYSTEM_LLDB);
    if lldb_version(&executable)?.is_none() {
        if !may_install() {
            bail!("no {SYSTEM_LLDB} on the path: install it (`apt-get install {SYSTEM_LLDB}`)");
        }
        install(SYSTEM_LLDB)?;
    }
    let version = lldb_version(&executable)?
        .with_context(|| format!("{SYSTEM_LLDB} was installed but does not start"))?;
    Ok(Debugger { kind: Kind::Lldb, executable, version })
}

/// The newest lldb that is tested, from its wheel.
pub fn newest_lldb() -> Result<Debugger> {
    let folder = python::environment("debuggers/lldb-23.1", &[LLDB_WHEEL])?;
    let executable = folder.join("bin/lldb");
    let version = lldb_version(&executable)?
        .with_context(|| format!("{LLDB_WHEEL} does not start: is libpython there?"))?;
    Ok(Debugger { kind: Kind::Lldb, executable, version })
}

/// The version of an lldb; `None` where it cannot be run.
fn lldb_version(executable: &Path) -> Result<Option<String>> {
    match command(executable, root()).arg("--version").output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            let number = text.split_whitespace().find(|word| word.starts_with(char::is_numeric));
            Ok(number.map(str::to_owned))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(format!("running {}", executable.display())),
    }
}

/// The distribution's gdbserver, installed when it is missing.
pub fn gdbserver() -> Result<&'static str> {
    program("gdbserver", "gdbserver")
}

/// Node, installed when it is missing: a program without Rust in it that loads what has.
pub fn node() -> Result<&'static str> {
    program("node", "nodejs")
}

/// Node's package manager, installed when it is missing.
pub fn npm() -> Result<&'static str> {
    program("npm", "npm")
}

/// A browser, installed when it is missing, with a font for what the extension writes.
pub fn chromium() -> Result<&'static str> {
    let browser = program("chromium", "chromium")?;
    if !Path::new(SYMBOLS).exists() && may_install() {
        install("fonts-symbola")?;
    }
    Ok(browser)
}

/// Redis, installed when it is missing.
pub fn redis() -> Result<&'static str> {
    program("redis-server", "redis-server")
}

/// The broker of AMQP, installed when it is missing. Debian's own script for it wants its user.
pub fn rabbitmq() -> Result<&'static str> {
    const BROKER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    if Path::new(BROKER).exists() {
        return Ok(BROKER);
    }
    if !may_install() {
        bail!("no {BROKER}: install it (`apt-get install rabbitmq-server`)");
    }
    install("rabbitmq-server")?;
    Ok(BROKER)
}

/// The folder with the programs of PostgreSQL, installed when it is missing. Debian keeps each version
/// in a folder of its own, which is not on the path.
pub fn postgres() -> Result<PathBuf> {
    if let Some(folder) = newest_postgres() {
        return Ok(folder);
    }
    if !may_install() {
        bail!("no PostgreSQL in {POSTGRES}: install it (`apt-get install postgresql`)");
    }
    install("postgresql")?;
    newest_postgres().with_context(|| format!("postgresql was installed, but not in {POSTGRES}"))
}

fn newest_postgres() -> Option<PathBuf> {
    let folders = std::fs::read_dir(POSTGRES).ok()?.flatten().map(|version| version.path());
    let there = folders.map(|folder| folder.join("bin")).filter(|bin| bin.join("initdb").exists());
    there.max()
}

/// lldb's debug adapter, which comes with the distribution's lldb.
pub fn lldb_dap() -> Result<&'static str> {
    system_lldb()?;
    program("lldb-dap-19", SYSTEM_LLDB)
}

/// lldb's gdb server, which comes with the distribution's lldb.
pub fn lldb_server() -> Result<&'static str> {
    system_lldb()?;
    Ok("lldb-server-19")
}

/// A program on the path, installed from the distribution's package when it is missing.
fn program(name: &'static str, package: &str) -> Result<&'static str> {
    let works = || command(name, root()).arg("--version").output().is_ok();
    if !works() {
        if !may_install() {
            bail!("no {name} on the path: install it (`apt-get install {package}`)");
        }
        install(package)?;
    }
    Ok(name)
}

/// The gdb on the path, if it is new enough and has Python.
fn usable_gdb() -> Result<Option<Debugger>> {
    let executable = PathBuf::from("gdb");
    let Some(version) = gdb_version(&executable)? else { return Ok(None) };
    let major = version.split('.').next().and_then(|text| text.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_GDB) {
        return Ok(None);
    }
    Ok(Some(Debugger { kind: Kind::Gdb, executable, version }))
}

/// The version of a gdb with Python in it; `None` where it cannot be run.
fn gdb_version(executable: &Path) -> Result<Option<String>> {
    let mut gdb = command(executable, root());
    gdb.args(["-nx", "-q", "-batch", "-ex", "python print(gdb.VERSION)"]);
    match gdb.output() {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            // `13.1`, `Debian 13.1-3`, `Fedora Linux 15.2-1.fc41`
            let number = text.split_whitespace().find(|word| word.starts_with(char::is_numeric));
            Ok(number.map(|word| word.split('-').next().unwrap_or(word).to_owned()))
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context(format!("running {}", executable.display())),
    }
}

/// Whether the user is root.
pub fn is_root() -> bool {
    let id = command("id", root()).arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether packages can be installed: the user is root and apt is there.
fn may_install() -> bool {
    is_root() && command("apt-get", root()).arg("--version").output().is_ok()
}

/// Installs a package of the distribution.
fn install(package: &str) -> Result<()> {
    exclusively("apt", || {
        let step = Step::begin(format!("installing {package} (apt-get)"));
        let apt = |arguments: &[&str]| {
            let mut apt = command("apt-get", workspace::root());
            apt.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet").args(arguments);
            run(&mut apt, &step)
        };
        apt(&["update"])?;
        apt(&["install", "--yes", "--no-install-recommends", package])?;
        step.done();
        Ok(())
    })
}
