//! A process to look at: this same test program, told to do something else.
//!
//! Each file of tests has a test `child` that calls [`run`]; it does nothing unless this module
//! started it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set in the process that is looked at.
const ROLE: &str = "PROCESS_TARGET_CHILD";
/// Set beside it in one of which no thread computes.
#[allow(dead_code, reason = "not every file of tests uses everything")]
pub(crate) const IDLE: &str = "PROCESS_TARGET_IDLE";

/// A process with three threads: the first waits for its standard input, one sleeps, one counts or, with
/// [`IDLE`], sleeps too.
pub(crate) struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    /// The address of the function that the sleeping thread is in.
    #[allow(dead_code, reason = "not every file of tests uses everything")]
    pub(crate) sleeps_in: u64,
}

/// How the child is started: arguments before its own command, such as `unshare -m`.
pub(crate) fn command(program: &Path, prefix: &[&OsStr]) -> Command {
    let words = [prefix, &[program.as_os_str()]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["--exact", "child", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, "1");
    command
}

impl Running {
    /// Starts this program as a child.
    #[allow(dead_code, reason = "not every file of tests uses everything")]
    pub(crate) fn start() -> Self {
        Self::spawn(command(&std::env::current_exe().expect("this program"), &[]))
    }

    /// Starts it in another way, made with [`command`].
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut running = Self { child, lines, sleeps_in: 0 };
        let ready = running.line_with("ready ");
        running.sleeps_in = ready.parse().expect("an address");
        running
    }

    /// The process itself, though something else may have been started first.
    pub(crate) fn pid(&self) -> u64 {
        self.child.id().into()
    }

    /// The rest of the next line that has this text.
    fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.next().expect("it goes on").expect("readable");
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
    }

    /// Asks it for an answer: it must be alive for that.
    #[allow(dead_code, reason = "not every file of tests uses everything")]
    pub(crate) fn answers(&mut self) -> bool {
        let input = self.child.stdin.as_mut().expect("its input");
        writeln!(input, "are you there?").expect("written");
        self.line_with("here") == "!"
    }

    /// The state of its first thread, as in `/proc/PID/status`.
    pub(crate) fn state(&self) -> char {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("its status");
        let state = status.lines().find_map(|line| line.strip_prefix("State:\t"));
        state.and_then(|state| state.chars().next()).expect("a state")
    }

    /// Waits until it is in a state.
    pub(crate) fn wait_for_state(&self, state: char) {
        let begun = Instant::now();
        while self.state() != state {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} for ever", self.state());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let done = Command::new("kill").args(["-s", name, &pid]).status().expect("kill");
        assert!(done.success());
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) {
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the child does; nothing in the tests themselves.
pub(crate) fn run() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let sleeper = std::thread::Builder::new().name("sleeper".to_owned()).spawn(sleeps_here);
    let counter = std::thread::Builder::new().name("counter".to_owned()).spawn(counts);
    assert!(sleeper.is_ok() && counter.is_ok());
    // Until both are where they are to be looked at.
    std::thread::sleep(Duration::from_millis(50));
    println!("ready {}", sleeps_here as fn() as usize);
    for line in std::io::stdin().lines() {
        if line.is_ok() {
            println!("here!");
        }
    }
    std::process::exit(0);
}

#[inline(never)]
fn sleeps_here() {
    std::thread::sleep(Duration::from_secs(1_000_000));
    std::hint::black_box(());
}

fn counts() {
    if std::env::var_os(IDLE).is_some() {
        sleeps_here();
    }
    let mut count: u64 = 0;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
        if count.is_multiple_of(1_000_000) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
