//! A debugger in a terminal, with somebody who types.

use std::io::{Read, Write};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use xtask::debugger::Kind;
use xtask::session::OFFLINE;
use xtask::workspace;

use crate::front::{Front, WIDTH};

/// The lines of the terminal.
const HEIGHT: u16 = 40;

/// A debugger with unhang loaded, attached to a process.
pub struct Terminal {
    /// What the debugger writes when it waits for a command.
    prompt: &'static str,
    child: Child,
    pty: Arc<Pty>,
    output: Receiver<Vec<u8>>,
    /// What has appeared behind the text that was waited for last.
    ahead: String,
}

impl Terminal {
    /// Starts the debugger and waits for its prompt.
    pub fn attach(front: Front, pid: u32) -> Result<Self> {
        let (pty, other_end) = open().context("a terminal")?;
        pty.resize(Size::new(HEIGHT, WIDTH)).context("the size of the terminal")?;
        let debugger = front.debugger()?;
        let (prompt, arguments) = match debugger.kind {
            Kind::Gdb => ("(gdb) ", [&OFFLINE[..], &["-ex", "set pagination off", "-ex"]].concat()),
            Kind::Lldb => ("(lldb) ", vec!["--no-lldbinit", "-o"]),
        };
        let command = Command::new(&debugger.executable)
            .args(arguments)
            .args([&front.loading()?, "-p", &pid.to_string()])
            .current_dir(workspace::root())
            .env("UNHANG_CACHE", workspace::target().join("answers"))
            .env("TERM", "dumb");
        let child = command.spawn(other_end).context("starting the debugger")?;

        let pty = Arc::new(pty);
        let (sender, output) = channel();
        let reading = pty.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = (&*reading).read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let mut terminal = Self { prompt, child, pty, output, ahead: String::new() };
        let limit = Duration::from_secs(120);
        if debugger.kind == Kind::Lldb {
            // It writes its prompt before each command of its arguments too; this is the last.
            terminal.wait_for("command script import", limit)?;
        }
        terminal.wait_for_prompt(limit)?;
        Ok(terminal)
    }

    /// Types something; a line ends with `\n`, and `\x03` is Ctrl-C.
    pub fn type_in(&self, text: &str) -> Result<()> {
        let mut pty = &*self.pty;
        pty.write_all(text.as_bytes()).and_then(|()| pty.flush()).context("typing")
    }

    /// Presses Ctrl-C and returns what appears until the prompt is back.
    ///
    /// Once in some forty runs, on a busy machine, one press brought no prompt within a minute; a
    /// user would press again, and so does this, twice at most.
    pub fn interrupt(&mut self) -> Result<String> {
        let mut outcome = Err(anyhow::anyhow!("never pressed"));
        for _ in 0..3 {
            self.type_in("\x03")?;
            outcome = self.wait_for_prompt(Duration::from_secs(20));
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// Lets the process go and ends the debugger.
    pub fn leave(mut self, limit: Duration) -> Result<()> {
        self.type_in("detach\nquit\n")?;
        let deadline = Instant::now() + limit;
        while self.child.try_wait().context("its status")?.is_none() {
            ensure!(Instant::now() < deadline, "it does not quit: {}", self.ahead);
            // What it still writes has to go somewhere.
            while let Ok(chunk) = self.output.recv_timeout(Duration::from_millis(20)) {
                self.ahead.push_str(&String::from_utf8_lossy(&chunk));
            }
        }
        Ok(())
    }

    /// Everything that appears until the prompt does.
    pub fn wait_for_prompt(&mut self, limit: Duration) -> Result<String> {
        self.wait_for(self.prompt, limit)
    }

    /// Everything that appears until `text` has appeared, and `text` itself.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<String> {
        let deadline = Instant::now() + limit;
        let mut seen = std::mem::take(&mut self.ahead);
        loop {
            if let Some(place) = seen.find(text) {
                self.ahead = seen.split_off(place + text.len());
                return Ok(seen);
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(chunk) => seen.push_str(&String::from_utf8_lossy(&chunk)),
                Err(error) => {
                    let why = match error {
                        RecvTimeoutError::Timeout => "did not appear in time",
                        RecvTimeoutError::Disconnected => "never appeared: the debugger has ended",
                    };
                    bail!("{text:?} {why}; this did:\n{seen}");
                }
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
