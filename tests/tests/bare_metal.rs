//! Tasks of a microcontroller, which has no operating system: looked at through the gdb server of
//! its board, as qemu has it. No auxiliary vector and no load address, no threads, no `/proc`.

use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use end_to_end_tests::case::{Case, is_golden};
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

/// A board that is switched off at the end.
struct Board(Child);

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn check(profile: Profile, name: &str) -> Result<()> {
    let tools = CortexM::tools()?;
    let program = tools.build(profile)?;
    let port = TcpListener::bind("127.0.0.1:0").context("a port")?.local_addr()?.port();
    let mut board = tools.serve(port, &program)?;
    let board = board.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let board = Board(board.context("starting qemu")?);
    std::thread::sleep(SETTLES);
    let commands = &["info async-tasks", "async why", "async bt 1", "async bt 4"];
    let front = Front::NewestGdb;
    // When it first unwinds, gdb warns of code that the linker dropped, whose address is 0.
    let setup = [front.loading()?, format!("target remote 127.0.0.1:{port}"), "bt".to_string()];
    let (debugger, subject) = (front.debugger()?, Subject::Executable(&program));
    let limit = Duration::from_secs(120);
    let outputs =
        Session { debugger, subject, setup: &setup, width: WIDTH, limit }.run(commands)?;
    drop(board);
    let case = Case { name, commands, fronts: &[], modes: &[] };
    is_golden(case.name, ANY.apply(&case.text(&outputs)));
    Ok(())
}

#[test]
#[ignore = "builds a core library for another processor; `cargo xtask test --full` runs it"]
fn a_microcontroller_shows_its_tasks() -> Result<()> {
    check(Profile::Debug, "bare-metal")?;
    // Variables lie elsewhere, and that is the order of the tasks.
    check(Profile::Release, "bare-metal-release")
}
