//! Programs for processors whose standard library is built first: the texts are those of this
//! machine's programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use end_to_end_tests::emulated::{self, compare};
use end_to_end_tests::front::{ALL, CoreFile, DEBUGGERS, DUMP, Front, LLDBS};
use end_to_end_tests::neutral::Rules;
use end_to_end_tests::remote::Server;
use tempfile::TempDir;
use xtask::built_std::{ARM, Foreign, I686, RISCV64};
use xtask::fixture::{Profile, Running};
use xtask::session::Subject;
use xtask::workspace;

/// Programs with their golden texts.
const SHAPES: [(Profile, &str); 2] =
    [(Profile::Debug, "shapes"), (Profile::Release, "shapes-release")];

/// Looked at through a gdb server.
fn each_shape_has_its_backtrace(on: &'static Foreign, fronts: &[Front]) -> Result<()> {
    let tools = on.tools()?;
    for (profile, golden) in SHAPES {
        let program = tools.build("shapes", profile)?;
        emulated::check(&tools.emulator()?, &program, &[], golden, fronts)?;
    }
    Ok(())
}

#[test]
#[ignore = "builds a standard library for another processor; `cargo xtask test --full` runs it"]
fn shapes_on_riscv64() -> Result<()> {
    // lldb 19 finds no library of such a program.
    each_shape_has_its_backtrace(&RISCV64, &[Front::NewestGdb, Front::NewestLldb])
}

#[test]
#[ignore = "builds a standard library for another processor; `cargo xtask test --full` runs it"]
fn shapes_on_armv7() -> Result<()> {
    // lldb 19 finds no callers in an optimized one.
    each_shape_has_its_backtrace(&ARM, &[Front::NewestGdb, Front::NewestLldb])
}

/// gdb 13.1 looks for more of a processor's state than a kernel writes of such a program.
static GDBS_OWN: Rules =
    Rules::new(&[(r"(?m)^warning: Section `.reg-xstate/\d+' in core file too small.\n", "")]);

#[test]
#[ignore = "builds a standard library for another processor; `cargo xtask test --full` runs it"]
fn shapes_on_i686() -> Result<()> {
    SHAPES.into_iter().try_for_each(|(profile, golden)| on_this_machine(profile, golden))
}

/// This machine runs them: what looks at its own programs looks at those too.
fn on_this_machine(profile: Profile, golden: &str) -> Result<()> {
    let program = I686.tools()?.build("shapes", profile)?;
    let mut dying = Dying::start(&program)?;
    let subject = Subject::Process(dying.running.pid());
    for front in ALL {
        compare(golden, &[DUMP], &front.ask(subject, &[DUMP])?)?;
    }
    for front in DEBUGGERS {
        let served = Dying::start(&program)?;
        let server = match LLDBS.contains(front) {
            true => Server::lldbs(&served.running)?,
            false => Server::attach(&served.running)?,
        };
        compare(golden, &[DUMP], &front.ask_remote(&program, None, server.port, &[DUMP])?)?;
    }
    // gdb's core file lacks the threads' pointers.
    let of_gdb = CoreFile::of(&dying.running)?;
    let of_kernel = dying.core()?;
    // lldb 23.1 finds no callers of the kernel's own code (`__kernel_vsyscall`) in a core file.
    for front in ALL.iter().filter(|front| **front != Front::NewestLldb) {
        for core in [of_gdb.path(), &of_kernel] {
            let subject = Subject::Core { core, executable: &program };
            let said = front.ask(subject, &[DUMP])?.concat();
            compare(golden, &[DUMP], &[GDBS_OWN.apply(&said)])?;
        }
    }
    Ok(())
}

/// A program whose core file the kernel writes.
struct Dying {
    running: Running,
    /// Where it runs.
    folder: TempDir,
}

impl Dying {
    fn start(program: &Path) -> Result<Self> {
        let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").context("its name")?;
        ensure!(!pattern.starts_with(['/', '|']), "core files are put elsewhere: {pattern}");
        let cores = workspace::target().join("cores");
        fs::create_dir_all(&cores).context("creating a folder")?;
        let folder = TempDir::new_in(cores).context("creating a folder")?;
        let mut unlimited = Command::new("sh");
        unlimited.args(["-c", "ulimit -c unlimited; exec \"$0\""]).arg(program);
        unlimited.env("FIXTURE_ENDS_WITH_STDIN", "1").current_dir(&folder);
        let mut running = Running::spawn(unlimited)?.greeted()?;
        running.come_to_rest()?;
        Ok(Self { running, folder })
    }

    /// Ends it, and says where its core file is, which goes when this does.
    fn core(&mut self) -> Result<PathBuf> {
        let mut kill = workspace::command("kill", self.folder.path());
        let killed = kill.args(["-ABRT", &self.running.pid().to_string()]).status();
        ensure!(killed.context("running kill")?.success(), "it cannot be ended");
        self.running.wait()?;
        let files = fs::read_dir(&self.folder).context("the core file")?;
        let files: Vec<PathBuf> = files.map(|file| Ok(file?.path())).collect::<Result<_>>()?;
        ensure!(files.len() == 1, "not one core file: {files:?}");
        Ok(files[0].clone())
    }
}
