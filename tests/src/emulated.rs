//! A program for another processor under qemu, behind qemu's gdb server.
//!
//! qemu 7.2 serves one debugger, from the program's start on, and listens to it only while the
//! program stands still. So we are that debugger: we let the program run, stop it by a signal when
//! it rests, and pass what a real debugger says on to the server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xtask::emulator::Emulator;
use xtask::fixture::Running;
use xtask::workspace::{command, root};

use crate::case::{Case, golden};
use crate::front::{DUMP, Front};
use crate::neutral::Rules;

/// How long qemu may take to listen, and to stop the program.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an emulated program takes to get to where it rests.
const SETTLES: Duration = Duration::from_secs(1);

/// Programs for another processor have another compiler's standard library, with other lines, and
/// what it inlines has no place of its own. Their addresses have fewer digits, so that what a finding says
/// breaks elsewhere.
pub static ANY_LIBRARY: Rules = Rules::new(&[
    (r"\blibrary/(\S+):\d+", "library/$1"),
    (r"(?m)^[ │]+at <crates>\S+:\d+\n", ""),
    (r"(?m)^(\d+\. [^\n]*)\n   (\S)", "$1 $2"),
]);

/// Compares what a program says of itself to debuggers with a golden text of this machine's.
pub fn check(
    emulator: &Emulator,
    program: &Path,
    arguments: &[&str],
    golden: &str,
    fronts: &[Front],
) -> Result<()> {
    let commands: &[&str] = match golden.starts_with("why-") {
        true => &["info async-tasks", "async why", "async locks"],
        false => &[DUMP],
    };
    for front in fronts {
        let (mut running, emulated) = Emulated::start(emulator, program, arguments)?;
        let outputs = emulated.ask(&mut running, *front, commands)?;
        compare(golden, commands, &outputs)?;
    }
    Ok(())
}

/// Compares what was said with a golden text, but for the lines of the standard library.
pub fn compare(name: &str, commands: &[&str], outputs: &[String]) -> Result<()> {
    let text = Case { name, commands, fronts: &[], modes: &[] }.text(outputs);
    let (text, expected) = (ANY_LIBRARY.apply(&text), ANY_LIBRARY.apply(&golden(name)?));
    snapbox::Assert::new().eq(text, expected);
    Ok(())
}

/// The gdb server of a program that was started under qemu, and runs.
pub struct Emulated {
    emulator: Emulator,
    program: PathBuf,
    server: TcpStream,
}

impl Emulated {
    /// Starts a program, and waits for its first line. The process of the program is qemu's.
    pub fn start(
        emulator: &Emulator,
        program: &Path,
        arguments: &[&str],
    ) -> Result<(Running, Self)> {
        let port = TcpListener::bind("127.0.0.1:0").context("a port")?.local_addr()?.port();
        let mut qemu = emulator.serve(port, program, arguments);
        qemu.env("FIXTURE_ENDS_WITH_STDIN", "1");
        let running = Running::spawn(qemu)?;
        let begun = Instant::now();
        let mut server = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(server) => break server,
                Err(error) => {
                    ensure!(begun.elapsed() < PATIENCE, "qemu does not listen: {error}");
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        };
        at_once(&server)?;
        // Continue; the number is the sum of the bytes.
        server.write_all(b"$c#63").context("letting it run")?;
        let emulated = Self { emulator: emulator.clone(), program: program.to_owned(), server };
        Ok((running.greeted()?, emulated))
    }

    /// Stops the program where it is, which has to rest, and runs commands of a debugger with unhang
    /// loaded.
    pub fn ask(
        mut self,
        running: &mut Running,
        front: Front,
        commands: &[&str],
    ) -> Result<Vec<String>> {
        // What the threads of qemu do says less: one that waits for another one's translation of
        // code sleeps too, and so does a program that is about to go on after a short timer.
        std::thread::sleep(SETTLES);
        running.come_to_rest()?;
        self.stop(running.pid())?;
        let listener = TcpListener::bind("127.0.0.1:0").context("a port")?;
        let port = listener.local_addr()?.port();
        let server = self.server.try_clone().context("the connection")?;
        std::thread::spawn(move || pass_on(&listener, &server));
        front.ask_remote(&self.program, Some(self.emulator.sysroot()), port, commands)
    }

    /// Sends a signal that the server reports, and waits for the report: `$T02thread:01;#…`.
    fn stop(&mut self, pid: u32) -> Result<()> {
        let mut kill = command("kill", root());
        kill.args(["-INT", &pid.to_string()]);
        ensure!(kill.status().context("running kill")?.success(), "it cannot be stopped");
        self.server.set_read_timeout(Some(PATIENCE))?;
        let mut said = Vec::new();
        let mut byte = [0];
        // Behind the report come two digits of its sum.
        while !(said.len() > 3 && said[said.len() - 3] == b'#') {
            self.server.read_exact(&mut byte).context("qemu's report that it stopped")?;
            said.push(byte[0]);
        }
        let said = String::from_utf8_lossy(&said);
        ensure!(said.contains("$T02"), "not a stop by SIGINT: {said}");
        self.server.set_read_timeout(None)?;
        self.server.write_all(b"+").context("saying that it was heard")
    }
}

/// What is written is sent at once. A debugger answers a packet by two, `+` and its next request,
/// and the second would wait for the other side to acknowledge the first: 40 ms for each request.
fn at_once(connection: &TcpStream) -> Result<()> {
    connection.set_nodelay(true).context("a connection without delay")
}

/// Connects the next client with the server, until one of them ends.
fn pass_on(listener: &TcpListener, server: &TcpStream) {
    let Ok((client, _)) = listener.accept() else { return };
    if at_once(&client).is_err() {
        return;
    }
    let ends = || Ok::<_, std::io::Error>((client.try_clone()?, server.try_clone()?));
    let Ok((mut from_client, mut to_server)) = ends() else { return };
    let Ok((mut to_client, mut from_server)) = ends() else { return };
    let back = std::thread::spawn(move || {
        // However it ends, there is nothing more to say.
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(&mut from_client, &mut to_server);
    let _ = to_server.shutdown(Shutdown::Both);
    let _ = back.join();
}
