//! A gdbserver that holds a process for a debugger elsewhere.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};
use xtask::debugger;
use xtask::fixture::Running;
use xtask::workspace::{command, root};

/// A gdbserver that waits for one connection; killed when dropped, if it has not ended before.
pub struct Server {
    child: Child,
    /// The local port that it listens on.
    pub port: u16,
}

impl Server {
    /// Attaches to a process.
    pub fn attach(running: &Running) -> Result<Self> {
        let mut server = command(debugger::gdbserver()?, root());
        server.args(["--once", "--attach", "127.0.0.1:0", &running.pid().to_string()]);
        server.stderr(Stdio::piped());
        let mut child = server.spawn().context("starting gdbserver")?;
        let said = child.stderr.take().context("its standard error")?;
        let mut lines = BufReader::new(said).lines();
        let port = lines.find_map(|line| {
            line.ok()?.strip_prefix("Listening on port ")?.trim().parse::<u16>().ok()
        });
        // It goes on talking; nobody needs to listen, but the pipe must stay.
        std::thread::spawn(move || lines.for_each(drop));
        let server = Self { child, port: port.unwrap_or_default() };
        anyhow::ensure!(server.port != 0, "gdbserver did not say which port it listens on");
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
