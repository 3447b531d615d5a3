//! Builds the fixtures, starts them, and ends what was started.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::progress::Step;
use crate::workspace::{self, cargo, exclusively, root, target};

/// How long a fixture may take to answer a line or to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a fixture is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Unoptimised, all debug information.
    Debug,
    /// Optimised, all debug information.
    Release,
    /// Optimised as one piece, and without unwinding (`panic = "abort"`).
    Abort,
    /// Unoptimised, lines and functions but no types (`debug = 1`).
    Lines,
    /// Optimised, without debug information: as cargo builds without being asked.
    Bare,
}

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 5] = [Self::Debug, Self::Release, Self::Abort, Self::Lines, Self::Bare];

    /// The name of the profile for cargo.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "dev",
            Self::Release => "release",
            Self::Abort => "abort",
            Self::Lines => "lines",
            Self::Bare => "bare",
        }
    }

    /// The folder that cargo gives to it, and the word for it in file names.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
            Self::Abort => "abort",
            Self::Lines => "lines",
            Self::Bare => "bare",
        }
    }
}

/// What the end-to-end tests look at, in each profile that they need.
pub const NEEDED: &[(&str, Profile)] = &[
    ("host", Profile::Debug),
    ("host", Profile::Release),
    ("inventory-service", Profile::Debug),
    ("many-tasks", Profile::Debug),
    ("running-tasks", Profile::Debug),
    ("shapes", Profile::Debug),
    ("no-tokio", Profile::Debug),
    ("torn-memory", Profile::Debug),
    ("inventory-service", Profile::Release),
    ("many-tasks", Profile::Release),
    ("shapes", Profile::Release),
    ("combinators", Profile::Debug),
    ("combinators", Profile::Release),
    ("macros", Profile::Debug),
    ("macros", Profile::Release),
    ("many-tasks", Profile::Lines),
    ("running-tasks", Profile::Lines),
    ("branches", Profile::Debug),
    ("branches", Profile::Release),
    ("faults", Profile::Debug),
    ("faults", Profile::Release),
    ("pools", Profile::Debug),
    ("pools", Profile::Release),
    ("answers", Profile::Debug),
    ("answers", Profile::Release),
    ("healthy", Profile::Debug),
    ("healthy", Profile::Release),
    ("embassy", Profile::Debug),
    ("embassy", Profile::Release),
    ("escapes", Profile::Debug),
    ("hostile", Profile::Debug),
    ("locals", Profile::Debug),
    ("locals", Profile::Release),
    ("roots", Profile::Debug),
    ("roots", Profile::Release),
    ("axum-connections", Profile::Debug),
    ("actix-connections", Profile::Debug),
    ("axum-connections", Profile::Release),
    ("smol-errands", Profile::Debug),
    ("smol-tasks", Profile::Debug),
    ("smol-tasks", Profile::Release),
];

/// What they look at that is built with tokio's unstable features too.
pub const NEEDED_UNSTABLE: &[(&str, Profile)] =
    &[("task-dump", Profile::Debug), ("task-dump", Profile::Release)];

/// The shared objects that they look at.
pub const NEEDED_PLUGINS: &[(&str, Profile)] =
    &[("addon", Profile::Debug), ("addon", Profile::Release), ("python-extension", Profile::Debug)];

/// The programs in `tests/clients`, which only a full run looks at.
pub const CLIENTS: [&str; 2] = ["databases", "servers"];

/// Builds one of the Rust fixtures and returns its executable.
pub fn build(name: &str, profile: Profile) -> Result<PathBuf> {
    let folder = target().join("fixtures");
    build_in("fixtures", name, profile, &folder, None)?;
    Ok(folder.join(profile.folder()).join(name))
}

/// The same with `--cfg tokio_unstable`, in a folder of its own: flags change every dependency.
pub fn build_unstable(name: &str, profile: Profile) -> Result<PathBuf> {
    let folder = target().join("fixtures/unstable");
    build_in("fixtures", name, profile, &folder, Some("--cfg tokio_unstable"))?;
    Ok(folder.join(profile.folder()).join(name))
}

/// Builds one of the shared objects in `tests/plugins`, which have a tokio of their own, and returns
/// it.
pub fn plugin(name: &str, profile: Profile) -> Result<PathBuf> {
    let folder = target().join("plugins");
    build_in("plugins", name, profile, &folder, None)?;
    let library = match name {
        "python-extension" => "librates_python.so",
        _ => "librates_addon.so",
    };
    Ok(folder.join(profile.folder()).join(library))
}

/// Builds one of the programs in `tests/clients`, which are made of what everybody uses, and returns
/// its executable.
pub fn client(name: &str, profile: Profile) -> Result<PathBuf> {
    let folder = target().join("clients");
    build_in("clients", name, profile, &folder, None)?;
    Ok(folder.join(profile.folder()).join(name))
}

/// Builds a package of a workspace of its own in `tests` into a folder, once in this process: cargo
/// takes a moment to find that there is nothing to do, and hundreds of tests ask.
fn build_in(
    workspace: &str,
    name: &str,
    profile: Profile,
    folder: &Path,
    flags: Option<&str>,
) -> Result<()> {
    static BUILT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let built = || BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let this = folder.join(profile.folder()).join(name);
    if built().contains(&this) {
        return Ok(());
    }
    exclusively(workspace, || {
        if built().contains(&this) {
            return Ok(());
        }
        let step = Step::begin(format!("building {name} ({})", profile.folder()));
        let mut build = cargo(&root().join("tests").join(workspace));
        build.args(["build", "--locked", "--package", name, "--profile", profile.name()]);
        build.arg("--target-dir").arg(folder);
        if let Some(flags) = flags {
            build.env("RUSTFLAGS", flags).env_remove("CARGO_ENCODED_RUSTFLAGS");
        }
        workspace::run(&mut build, &step)?;
        step.done();
        built().insert(this.clone());
        Ok(())
    })
}

/// Writes a copy of an executable without its debug information and symbols. The copy belongs to
/// one test: another one that writes the same file would empty it under the first one's eyes.
pub fn strip(executable: &Path, copy: &Path) -> Result<()> {
    let step = Step::begin(format!("stripping {}", executable.display()));
    let mut strip = workspace::command("strip", root());
    strip.arg("-o").arg(copy).arg(executable);
    workspace::run(&mut strip, &step)?;
    step.done();
    Ok(())
}

/// Compiles the fixture in C and returns its executable.
pub fn plain_c() -> Result<PathBuf> {
    let executable = target().join("fixtures/plain-c");
    exclusively("fixtures", || {
        let step = Step::begin("building plain-c");
        std::fs::create_dir_all(target().join("fixtures")).context("creating a folder")?;
        let mut cc = workspace::command(std::env::var_os("CC").unwrap_or("cc".into()), root());
        cc.args(["-g", "-O0", "-o"]).arg(&executable).arg("tests/fixtures/plain-c/main.c");
        workspace::run(&mut cc, &step)?;
        step.done();
        Ok(())
    })?;
    Ok(executable)
}

/// A program that runs until this is dropped.
///
/// It is killed then; a fixture also ends when this process does, however that
/// happens, since its standard input is a pipe that we hold.
pub struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    executable: PathBuf,
    greeting: String,
}

impl Running {
    /// Starts a fixture and waits for the line that says that it is ready.
    pub fn start<A: AsRef<OsStr>>(executable: &Path, arguments: &[A]) -> Result<Self> {
        loop {
            let mut command = Command::new(executable);
            command.args(arguments).env("FIXTURE_ENDS_WITH_STDIN", "1");
            let mut running = Self::spawn(command)?;
            running.greeting = running.line()?;
            if threads_of(running.pid())?.into_iter().all(|thread| thread >= running.pid()) {
                return Ok(running);
            }
            // The ids of processes and threads have begun anew while it started. lldb numbers threads
            // by id: its first one, which it selects, would not be the main thread.
        }
    }

    /// Starts any program; its standard output is read line by line.
    pub fn spawn(mut command: Command) -> Result<Self> {
        let executable = PathBuf::from(command.get_program());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("starting {}", executable.display()))?;
        let output = child.stdout.take().context("its output")?;
        let input = child.stdin.take();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody may listen any more; the program must not stop for it.
                let _ = sender.send(line);
            }
        });
        Ok(Self { child, input, lines, executable, greeting: String::new() })
    }

    /// Takes the next line that it prints for the one that it says first: of a program that was
    /// spawned.
    pub fn greeted(mut self) -> Result<Self> {
        self.greeting = self.line()?;
        Ok(self)
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The program.
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// The line that it said first.
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// The runtime's own count of its tasks that are alive.
    pub fn alive_tasks(&mut self) -> Result<usize> {
        let input = self.input.as_mut().context("its standard input")?;
        writeln!(input, "alive").and_then(|()| input.flush()).context("asking for the count")?;
        let line = self.line()?;
        let count = line.strip_prefix("alive=").and_then(|text| text.parse().ok());
        count.with_context(|| format!("not a count of tasks: {line:?}"))
    }

    /// The next line that it prints.
    pub fn line(&self) -> Result<String> {
        self.lines.recv_timeout(PATIENCE).map_err(|error| {
            let what = match error {
                RecvTimeoutError::Timeout => "says nothing",
                RecvTimeoutError::Disconnected => "has ended",
            };
            anyhow::anyhow!("{} {what}", self.executable.display())
        })
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> Result<()> {
        self.child.wait().context("waiting for it")?;
        Ok(())
    }

    /// Waits until every thread of the program sleeps and goes on sleeping.
    pub fn come_to_rest(&mut self) -> Result<()> {
        let begun = Instant::now();
        let mut quiet = 0;
        while quiet < 5 {
            std::thread::sleep(Duration::from_millis(20));
            if let Some(status) = self.child.try_wait().context("its status")? {
                bail!("{} has ended ({status})", self.executable.display());
            }
            quiet = if all_sleep(self.pid())? { quiet + 1 } else { 0 };
            ensure!(begun.elapsed() < PATIENCE, "{} does not rest", self.executable.display());
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The ids of a process's threads.
fn threads_of(pid: u32) -> Result<Vec<u32>> {
    let mut threads = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).context("its threads")? {
        threads.extend(thread?.file_name().to_str().and_then(|id| id.parse::<u32>().ok()));
    }
    Ok(threads)
}

/// Whether each thread of a process waits for something in the kernel.
fn all_sleep(pid: u32) -> Result<bool> {
    for thread in threads_of(pid)? {
        let status = format!("/proc/{pid}/task/{thread}/stat");
        let status = std::fs::read_to_string(status).unwrap_or_default();
        // `pid (name) S …`; the name may contain anything.
        let state = status.rsplit(") ").next().and_then(|rest| rest.chars().next());
        if state.is_some_and(|state| state != 'S') {
            return Ok(false);
        }
    }
    Ok(true)
}
