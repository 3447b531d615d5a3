//! Databases from the distribution's packages, each in a folder of its own and until it is dropped.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;
use xtask::debugger;
use xtask::progress::Step;
use xtask::workspace::{self, command};

use crate::third_party::{free_port, until};

/// The user that PostgreSQL runs as where we are root, which it refuses: Debian's package makes it.
const POSTGRES_USER: &str = "postgres";

/// A database that runs.
pub struct Database {
    process: Child,
    /// What knows the nodes of Erlang.
    names: Option<Child>,
    address: SocketAddr,
    _folder: TempDir,
}

impl Database {
    /// PostgreSQL with an empty database `postgres`, whose user `shop` needs no password.
    pub fn postgres() -> Result<Self> {
        let programs = debugger::postgres()?;
        let folder = tempfile::tempdir().context("a folder")?;
        if debugger::is_root() {
            let mut give = command("chown", folder.path());
            let step = Step::begin("giving a folder to PostgreSQL");
            workspace::run(give.arg(POSTGRES_USER).arg(folder.path()), &step)?;
            step.done();
        }
        let data = folder.path().join("data");
        let step = Step::begin("making a database");
        let mut make = as_postgres(&programs.join("initdb"), folder.path(), "TERM");
        make.args(["--username=shop", "--auth=trust", "--no-locale", "--encoding=UTF8"]);
        workspace::run(make.arg("--no-sync").arg("--pgdata").arg(&data), &step)?;
        step.done();

        let address = free_address()?;
        let mut server = as_postgres(&programs.join("postgres"), folder.path(), "QUIT");
        server.arg("-D").arg(&data).arg("-p").arg(address.port().to_string());
        let settings = [
            &format!("listen_addresses={}", address.ip()),
            "unix_socket_directories=",
            "fsync=off",
        ];
        for setting in settings {
            server.args(["-c", setting]);
        }
        let database = Self::start(server, address, folder)?;
        until("PostgreSQL is ready", || {
            let mut ask = command(programs.join("pg_isready"), workspace::root());
            ask.arg("--host").arg(address.ip().to_string());
            ask.arg("--port").arg(address.port().to_string());
            ask.output().is_ok_and(|output| output.status.success())
        })?;
        Ok(database)
    }

    /// An empty Redis.
    pub fn redis() -> Result<Self> {
        let folder = tempfile::tempdir().context("a folder")?;
        let address = free_address()?;
        let mut server = ends_with_us("TERM", folder.path());
        server.arg(debugger::redis()?).arg("--bind").arg(address.ip().to_string());
        server.arg("--port").arg(address.port().to_string()).args(["--save", ""]);
        let database = Self::start(server, address, folder)?;
        until("Redis listens", || TcpStream::connect(address).is_ok())?;
        Ok(database)
    }

    /// A broker of AMQP that takes no messages, since it may use less memory than it does. The nodes
    /// of Erlang find each other at a port of the whole machine, which gets one of our own.
    pub fn rabbitmq() -> Result<Self> {
        let broker = debugger::rabbitmq()?;
        let folder = tempfile::tempdir().context("a folder")?;
        let address = free_address()?;
        let within = |name: &str| folder.path().join(name);
        std::fs::write(within("rabbitmq.conf"), "vm_memory_high_watermark.absolute = 1MB\n")?;
        std::fs::write(within("plugins"), "[].\n")?;
        let mut server = ends_with_us("TERM", folder.path());
        server.arg(broker);
        let port = || free_port(Ipv4Addr::LOCALHOST);
        // One that the broker starts itself would stay behind.
        let of_names = port()?;
        let mut names = ends_with_us("KILL", folder.path());
        names.arg("epmd").args(["-port", &of_names.to_string()]);
        let names = names.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let names = names.context("starting what knows Erlang's nodes")?;
        until("it listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, of_names)).is_ok())?;
        let port = || port().map(|port| port.to_string());
        server.env("HOME", folder.path()).env("ERL_EPMD_PORT", of_names.to_string());
        server.env("RABBITMQ_NODENAME", "unhang@localhost").env("RABBITMQ_DIST_PORT", port()?);
        server.env("RABBITMQ_NODE_IP_ADDRESS", address.ip().to_string());
        server.env("RABBITMQ_NODE_PORT", address.port().to_string());
        for (variable, name) in [
            ("RABBITMQ_MNESIA_BASE", "data"),
            ("RABBITMQ_LOG_BASE", "log"),
            ("RABBITMQ_CONFIG_FILE", "rabbitmq"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "plugins"),
            ("RABBITMQ_PID_FILE", "pid"),
        ] {
            server.env(variable, within(name));
        }
        server.env("RABBITMQ_CONF_ENV_FILE", "/dev/null");
        let mut database = Self::start(server, address, folder)?;
        database.names = Some(names);
        until("RabbitMQ listens", || TcpStream::connect(address).is_ok())?;
        Ok(database)
    }

    fn start(mut server: Command, address: SocketAddr, folder: TempDir) -> Result<Self> {
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        server.process_group(0);
        let process = server.spawn().context("starting a database")?;
        Ok(Self { process, names: None, address, _folder: folder })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The processes of PostgreSQL end when their first one has; RabbitMQ's is a script, which has
        // started the broker.
        let group = i32::try_from(self.process.id()).map(Pid::from_raw);
        let _ = group.map(|group| killpg(group, Signal::SIGKILL));
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(names) = &mut self.names {
            let _ = names.kill();
            let _ = names.wait();
        }
    }
}

/// A command that does what its arguments say, and is sent that signal when the thread that starts it
/// has ended, however it ends.
fn ends_with_us(signal: &str, folder: &Path) -> Command {
    let mut command = command("setpriv", folder);
    command.arg("--pdeathsig").arg(signal);
    command
}

/// The same for a program of PostgreSQL.
fn as_postgres(program: &PathBuf, folder: &Path, signal: &str) -> Command {
    let mut command = ends_with_us(signal, folder);
    if debugger::is_root() {
        command.args(["--clear-groups", "--reuid", POSTGRES_USER, "--regid", POSTGRES_USER]);
    }
    command.arg(program);
    command
}

/// An address that nobody listens on at the moment.
fn free_address() -> Result<SocketAddr> {
    let address = Ipv4Addr::LOCALHOST;
    Ok((address, free_port(address)?).into())
}
