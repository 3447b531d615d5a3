//! One run of gdb without anybody at it: commands go in, and what each of them
//! printed comes out.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::debugger::Debugger;
use crate::workspace::{command, root};

/// What the debugger looks at.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Nothing at all.
    Nothing,
    /// An executable that is not running.
    Executable(&'a Path),
    /// A live process.
    Process(u32),
    /// A core file, and the executable that left it.
    Core {
        /// The core file.
        core: &'a Path,
        /// The executable.
        executable: &'a Path,
    },
}

/// A run of gdb.
#[derive(Clone, Debug)]
pub struct Session<'a> {
    /// The gdb to run.
    pub debugger: &'a Debugger,
    /// What it looks at.
    pub subject: Subject<'a>,
    /// Commands that come first, whose output nobody wants: `source …`.
    pub setup: &'a [String],
    /// The width of the screen, in columns.
    pub width: u16,
    /// After this time gdb is killed and the run has failed.
    pub limit: Duration,
}

/// gdb's arguments for a run that reads no settings of the user's and fetches
/// nothing from the network.
pub const OFFLINE: [&str; 4] = ["-nx", "-q", "-iex", "set debuginfod enabled off"];

/// Stands alone on a line, in front of the output of each command and behind the last.
const MARK: &str = "=====between two commands=====";

impl Session<'_> {
    /// Runs the commands, and returns what each of them printed to standard
    /// output and standard error, in the order of the commands.
    pub fn run(&self, commands: &[impl AsRef<str>]) -> Result<Vec<String>> {
        let output = self.output(commands)?;
        let mark = format!("{MARK}\n");
        let mut parts = output.split(&mark).map(str::to_owned);
        let preamble = parts.next().unwrap_or_default();
        let mut outputs: Vec<String> = parts.collect();
        // After the last mark stands what gdb says when it leaves.
        if outputs.len() != commands.len() + 1 {
            bail!("gdb ended early: {preamble}{}", outputs.concat());
        }
        outputs.pop();
        Ok(outputs)
    }

    /// gdb's arguments.
    pub fn arguments(&self, commands: &[impl AsRef<str>]) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = OFFLINE.map(Into::into).to_vec();
        arguments.push("-batch".into());
        let mut execute = |text: &str| arguments.extend(["-ex".into(), text.into()]);
        execute(&format!("set width {}", self.width));
        self.setup.iter().for_each(|text| execute(text));
        for text in commands {
            execute(&format!("echo {MARK}\\n"));
            execute(text.as_ref());
        }
        execute(&format!("echo {MARK}\\n"));
        match self.subject {
            Subject::Nothing => {}
            Subject::Executable(path) => arguments.push(path.into()),
            Subject::Process(pid) => arguments.extend(["-p".into(), pid.to_string().into()]),
            Subject::Core { core, executable } => {
                arguments.extend([executable.into(), "-c".into(), core.into()]);
            }
        }
        arguments
    }

    /// Runs gdb to its end, or kills it when the time is over.
    fn output(&self, commands: &[impl AsRef<str>]) -> Result<String> {
        let mut gdb = command(&self.debugger.executable, root());
        gdb.args(self.arguments(commands));
        gdb.env("TERM", "dumb").env("LC_ALL", "C.UTF-8");
        let (mut reading, writing) = std::io::pipe().context("a pipe")?;
        gdb.stdout(writing.try_clone().context("a pipe")?).stderr(writing);
        let child = gdb.spawn().with_context(|| {
            format!("starting gdb {} ({})", self.debugger.version, gdb.get_program().display())
        })?;
        // Our copies of the writing end would keep the output from ending.
        gdb.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Guard(child);

        let (sender, chunks) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(length @ 1..) = reading.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        let deadline = Instant::now() + self.limit;
        let mut output = Vec::new();
        loop {
            match chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(chunk) => output.extend_from_slice(&chunk),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!(
                    "gdb {} was not done after {} s; it had printed:\n{}",
                    self.debugger.version,
                    self.limit.as_secs(),
                    String::from_utf8_lossy(&output)
                ),
            }
        }
        child.0.wait().context("waiting for gdb")?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }
}

/// Kills the process when dropped, if it has not ended before.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // Usually it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
