//! A program in a terminal, with somebody who types: it reads keys, not lines.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use crate::workspace::root;

/// Lines and columns: few lines of output are longer.
const SIZE: (u16, u16) = (50, 200);

/// Between two keys.
const BETWEEN_KEYS: Duration = Duration::from_millis(5);

/// A program that runs until this is dropped.
pub(super) struct Terminal {
    child: Child,
    pty: Arc<Pty>,
    output: Receiver<Vec<u8>>,
}

impl Terminal {
    /// Starts a program.
    pub(super) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let (pty, other_end) = open().context("a terminal")?;
        pty.resize(Size::new(SIZE.0, SIZE.1)).context("the size of the terminal")?;
        let command = Command::new(program).args(arguments).current_dir(root());
        let child = command
            .env("TERM", "xterm")
            .spawn(other_end)
            .with_context(|| format!("starting {}", program.display()))?;
        let pty = Arc::new(pty);
        let (sender, output) = channel();
        let reading = pty.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(length @ 1..) = (&*reading).read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, pty, output })
    }

    /// The process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types a line, one key after the other.
    pub(super) fn type_line(&self, text: &str) -> Result<()> {
        let mut pty = &*self.pty;
        for key in text.bytes().chain([b'\r']) {
            pty.write_all(&[key]).and_then(|()| pty.flush()).context("typing")?;
            std::thread::sleep(BETWEEN_KEYS);
        }
        Ok(())
    }

    /// Everything that appears until it satisfies `enough`, which is asked after each piece.
    pub(super) fn until(&self, limit: Duration, enough: impl Fn(&str) -> bool) -> Result<String> {
        let deadline = Instant::now() + limit;
        let mut seen = String::new();
        while !enough(&seen) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(chunk) => seen.push_str(&String::from_utf8_lossy(&chunk)),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("not done after {} s; its last words: {}", limit.as_secs(), last(&seen))
                }
                Err(RecvTimeoutError::Disconnected) => bail!("it has ended: {}", last(&seen)),
            }
        }
        Ok(seen)
    }

    /// Waits until it has ended by itself.
    pub(super) fn end(&mut self, limit: Duration) -> Result<()> {
        let deadline = Instant::now() + limit;
        while self.child.try_wait().context("its end")?.is_none() {
            ensure!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(BETWEEN_KEYS);
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last line with something in it.
fn last(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("none").trim().to_owned()
}
