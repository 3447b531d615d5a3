//! One run of a debugger without anybody at it: commands go in, and what each of them
//! printed comes out.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::debugger::{Debugger, Kind};
use crate::workspace::{command, root, target};

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

/// A run of a debugger.
#[derive(Clone, Debug)]
pub struct Session<'a> {
    /// The debugger to run.
    pub debugger: &'a Debugger,
    /// What it looks at.
    pub subject: Subject<'a>,
    /// Commands that come first, whose output nobody wants: `source …`,
    /// `command script import …`.
    pub setup: &'a [String],
    /// The width of the screen, in columns.
    pub width: u16,
    /// After this time it is killed and the run has failed.
    pub limit: Duration,
    /// Whether what it reads of executables is kept for other runs, in a cache of its own in the folder
    /// for what is built: a gdb reads symbols for longer than most commands take.
    pub keeps_indexes: bool,
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
        let output = match self.debugger.kind {
            Kind::Gdb => self.output(&self.arguments(commands))?,
            Kind::Lldb => without_echo(&self.output(&self.lldb_arguments(commands))?),
        };
        let mark = format!("{MARK}\n");
        let mut parts = output.split(&mark).map(str::to_owned);
        let preamble = parts.next().unwrap_or_default();
        let mut outputs: Vec<String> = parts.collect();
        // After the last mark stands what the debugger says when it leaves.
        if outputs.len() != commands.len() + 1 {
            bail!("it ended early: {preamble}{}", outputs.concat());
        }
        outputs.pop();
        Ok(outputs)
    }

    /// gdb's arguments.
    pub fn arguments(&self, commands: &[impl AsRef<str>]) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = OFFLINE.map(Into::into).to_vec();
        arguments.push("-batch".into());
        if self.keeps_indexes && !self.debugger.breaks_at_its_indexes() {
            let folder = format!("set index-cache directory {}", self.indexes().display());
            for text in [folder.as_str(), "set index-cache enabled on"] {
                arguments.extend(["-iex".into(), text.into()]);
            }
        }
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

    /// lldb's arguments. Commands go through one Python statement each, since in batch mode lldb
    /// ends at the first that fails.
    fn lldb_arguments(&self, commands: &[impl AsRef<str>]) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["--no-lldbinit", "-b"].map(Into::into).to_vec();
        if self.keeps_indexes {
            let folder = self.indexes();
            let folder = format!("symbols.lldb-index-cache-path {}", folder.display());
            for text in [folder.as_str(), "symbols.enable-lldb-index-cache true"] {
                arguments.extend(["-O".into(), format!("settings set {text}").into()]);
            }
        }
        let execute = |text: &str| ["-o".into(), text.into()];
        let setup = |text: &String| execute(text);
        let handle = |text: &str| {
            let statement = format!(
                "import sys; print({MARK:?}, flush=True); r = lldb.SBCommandReturnObject(); \
                 _ = lldb.debugger.GetCommandInterpreter().HandleCommand({text:?}, r); \
                 print((r.GetOutput() or '') + (r.GetError() or ''), end='', flush=True)"
            );
            execute(&format!("script {statement}"))
        };
        match self.subject {
            Subject::Nothing => {}
            Subject::Executable(path) => arguments.push(path.into()),
            Subject::Process(pid) => arguments.extend(["-p".into(), pid.to_string().into()]),
            Subject::Core { core, executable } => {
                arguments.extend([executable.into(), "-c".into(), core.into()]);
            }
        }
        arguments.extend(execute(&format!("settings set term-width {}", self.width)));
        arguments.extend(self.setup.iter().flat_map(setup));
        arguments.extend(commands.iter().flat_map(|text| handle(text.as_ref())));
        arguments.extend(handle("version"));
        arguments
    }

    /// The folder for what it keeps of executables.
    fn indexes(&self) -> PathBuf {
        target().join("indexes").join(&self.debugger.version)
    }

    /// Runs the debugger to its end, or kills it when the time is over.
    ///
    /// One lldb of many thousands (23.1.0, at a core file) never came back from its own `target create`,
    /// before it read any command: then it is started once more.
    fn output(&self, arguments: &[OsString]) -> Result<String> {
        let mut ended = self.attempt(arguments)?;
        if let Err(printed) = &ended {
            let last = printed.lines().rfind(|line| !line.is_empty());
            if last.is_some_and(|line| line.starts_with("(lldb) target create ")) {
                ended = self.attempt(arguments)?;
            }
        }
        ended.or_else(|printed| {
            let (version, limit) = (&self.debugger.version, self.limit.as_secs());
            bail!("{version} was not done after {limit} s; it had printed:\n{printed}")
        })
    }

    /// The same once: what it printed, as an error when the time was over.
    fn attempt(&self, arguments: &[OsString]) -> Result<Result<String, String>> {
        let mut debugger = command(&self.debugger.executable, root());
        debugger.args(arguments);
        debugger.env("TERM", "dumb").env("LC_ALL", "C.UTF-8");
        let (mut reading, writing) = std::io::pipe().context("a pipe")?;
        debugger.stdout(writing.try_clone().context("a pipe")?).stderr(writing);
        let child = debugger.spawn().with_context(|| {
            format!("starting {} ({})", self.debugger.version, debugger.get_program().display())
        })?;
        // Our copies of the writing end would keep the output from ending.
        debugger.stdout(Stdio::null()).stderr(Stdio::null());
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
                Err(RecvTimeoutError::Timeout) => {
                    return Ok(Err(String::from_utf8_lossy(&output).into_owned()));
                }
            }
        }
        child.0.wait().context("waiting for gdb")?;
        Ok(Ok(String::from_utf8_lossy(&output).into_owned()))
    }
}

/// lldb's output without the commands that it repeats and the word in front of its errors.
fn without_echo(output: &str) -> String {
    let lines = output.lines().filter(|line| !line.starts_with("(lldb) "));
    lines.map(|line| format!("{}\n", line.strip_prefix("error: ").unwrap_or(line))).collect()
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
