//! A gdb server that holds a process for a debugger elsewhere.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use xtask::debugger;
use xtask::fixture::Running;
use xtask::workspace::{command, root};

/// A server that waits for one connection; killed when dropped, if it has not ended before.
pub struct Server {
    child: Child,
    /// The local port that it listens on.
    pub port: u16,
}

impl Server {
    /// gdb's, attached to a process.
    pub fn attach(running: &Running) -> Result<Self> {
        let mut server = command(debugger::gdbserver()?, root());
        server.args(["--once", "--attach", "127.0.0.1:0", &running.pid().to_string()]);
        server.stderr(Stdio::piped());
        Self::start(server, |child| {
            let said = child.stderr.take().context("its standard error")?;
            let mut lines = BufReader::new(said).lines();
            let port = lines.find_map(|line| {
                line.ok()?.strip_prefix("Listening on port ")?.trim().parse::<u16>().ok()
            });
            // It goes on talking; nobody needs to listen, but the pipe must stay.
            std::thread::spawn(move || lines.for_each(drop));
            port.context("it says no port")
        })
    }

    /// lldb's, attached to a process. It tells where there is memory, which gdb's (13.1) does not.
    pub fn lldbs(running: &Running) -> Result<Self> {
        let mut server = command(debugger::lldb_server()?, root());
        server.args(["gdbserver", "--pipe", "1", "--attach", &running.pid().to_string()]);
        server.arg("127.0.0.1:0").stdout(Stdio::piped());
        Self::start(server, |child| {
            // Digits and a zero byte.
            let said = child.stdout.take().context("its standard output")?;
            let mut digits = Vec::new();
            BufReader::new(said).read_until(0, &mut digits).context("reading it")?;
            let port = String::from_utf8_lossy(&digits);
            port.trim_end_matches('\0').parse().with_context(|| format!("no port: {port:?}"))
        })
    }

    /// Starts a server, which says its port.
    fn start(mut server: Command, port: impl FnOnce(&mut Child) -> Result<u16>) -> Result<Self> {
        let name = server.get_program().display().to_string();
        let child = server.spawn().with_context(|| format!("starting {name}"))?;
        let mut server = Self { child, port: 0 };
        server.port = port(&mut server.child)
            .with_context(|| format!("{name} did not say which port it listens on"))?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Usually it has ended with its connection.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
