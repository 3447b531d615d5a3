//! Tasks of a microcontroller, which has no operating system: looked at through the gdb server of
//! its board, as qemu has it. No auxiliary vector and no load address, no threads, no `/proc`.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use end_to_end_tests::case::{Case, golden, is_golden};
use end_to_end_tests::front::{Front, WIDTH};
use end_to_end_tests::neutral::Rules;
use xtask::cortex_m::CortexM;
use xtask::fixture::Profile;
use xtask::session::{Session, Subject};

/// How long an emulated board takes to get to where nothing goes on any more.
const SETTLES: Duration = Duration::from_secs(3);

/// A program for another processor has another compiler's library, with other lines; and where a
/// board is stopped, between one look for work and the next, is chance.
static ANY: Rules = Rules::new(&[
    (r"\blibrary/(\S+):\d+", "library/$1"),
    (r"\b1 worker, (parked|running)\b", "1 worker"),
]);

/// lldb finds no caller of a handler of an interrupt, which the board may be in.
static ANY_CALLER: Rules = Rules::new(&[(r"\b(1 worker|no worker found)\b", "any worker")]);

/// A board that is switched off at the end.
struct Board(Child);

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const COMMANDS: &[&str] = &["info async-tasks", "async why", "async bt 3", "async bt 6"];

/// What a debugger says of a board that runs a program.
fn ask(tools: &CortexM, program: &Path, front: Front) -> Result<String> {
    let port = TcpListener::bind("127.0.0.1:0").context("a port")?.local_addr()?.port();
    let mut board = tools.serve(port, program)?;
    let board = board.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let board = Board(board.context("starting qemu")?);
    std::thread::sleep(SETTLES);
    let setup = match front {
        // qemu says that it stopped as soon as somebody connects, which lldb takes for an answer to
        // what it asks first. It stays stopped for who comes next.
        Front::SystemLldb | Front::NewestLldb => {
            let mut first = TcpStream::connect(("127.0.0.1", port)).context("qemu listens")?;
            first.set_read_timeout(Some(SETTLES))?;
            let _ = first.read(&mut [0; 64]);
            vec![front.loading()?, front.connecting(port)]
        }
        // When it first unwinds, gdb warns of code that the linker dropped, whose address is 0.
        _ => vec![front.loading()?, front.connecting(port), "bt".to_string()],
    };
    let (debugger, subject) = (front.debugger()?, Subject::Executable(program));
    let limit = Duration::from_secs(120);
    let outputs =
        Session { debugger, subject, setup: &setup, width: WIDTH, limit, keeps_indexes: false }
            .run(COMMANDS)?;
    drop(board);
    Ok(Case { name: "", commands: COMMANDS, fronts: &[], modes: &[] }.text(&outputs))
}

fn check(profile: Profile, name: &str) -> Result<()> {
    let tools = CortexM::tools()?;
    let program = tools.build(profile)?;
    is_golden(name, ANY.apply(&ask(&tools, &program, Front::NewestGdb)?));
    let told = ANY_CALLER.apply(&ANY.apply(&ask(&tools, &program, Front::NewestLldb)?));
    snapbox::Assert::new().eq(told, ANY_CALLER.apply(&ANY.apply(&golden(name)?)));
    Ok(())
}

#[test]
#[ignore = "builds a core library for another processor; `cargo xtask test --full` runs it"]
fn a_microcontroller_shows_its_tasks() -> Result<()> {
    check(Profile::Debug, "bare-metal")?;
    // Variables lie elsewhere, and that is the order of the tasks.
    check(Profile::Release, "bare-metal-release")
}
