//! Programs for processors whose standard library is built first: the texts are those of this
//! machine's programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use end_to_end_tests::emulated::{self, compare};
use end_to_end_tests::front::{DUMP, Front};
use end_to_end_tests::neutral::Rules;
use tempfile::TempDir;
use xtask::built_std::{ARM, Foreign, I686, RISCV64};
use xtask::fixture::{Profile, Running};
use xtask::session::Subject;
use xtask::workspace;

/// Looked at through a gdb server.
fn each_shape_has_its_backtrace(on: &'static Foreign) -> Result<()> {
    let tools = on.tools()?;
    let program = tools.build("shapes", Profile::Debug)?;
    // lldb hears of the libraries before it hears of the program, or not at all: by hand.
    emulated::check(&tools.emulator()?, &program, &[], "shapes", &[Front::NewestGdb])
}

#[test]
#[ignore = "builds a standard library for another processor; `cargo xtask test --full` runs it"]
fn shapes_on_riscv64() -> Result<()> {
    each_shape_has_its_backtrace(&RISCV64)
}

#[test]
#[ignore = "builds a standard library for another processor; `cargo xtask test --full` runs it"]
fn shapes_on_armv7() -> Result<()> {
    each_shape_has_its_backtrace(&ARM)
}

/// What looks at programs of x86 here. lldb gives no thread's pointer there.
const FRONTS: [Front; 3] = [Front::CommandLine, Front::SystemGdb, Front::NewestGdb];

/// gdb 13.1 looks for more of a processor's state than a kernel writes of such a program.
static GDBS_OWN: Rules =
    Rules::new(&[(r"(?m)^warning: Section `.reg-xstate/\d+' in core file too small.\n", "")]);

#[test]
#[ignore = "builds a standard library for another processor; `cargo xtask test --full` runs it"]
fn shapes_on_i686() -> Result<()> {
    on_this_machine(Profile::Debug, "shapes")?;
    on_this_machine(Profile::Release, "shapes-release")
}

/// This machine runs them: what looks at its own programs looks at those too.
fn on_this_machine(profile: Profile, golden: &str) -> Result<()> {
    let program = I686.tools()?.build("shapes", profile)?;
    let mut dying = Dying::start(&program)?;
    let subject = Subject::Process(dying.running.pid());
    for front in FRONTS {
        compare(golden, &[DUMP], &front.ask(subject, &[DUMP])?)?;
    }
    let core = dying.core()?;
    let subject = Subject::Core { core: &core, executable: &program };
    for front in FRONTS {
        let said = front.ask(subject, &[DUMP])?.concat();
        compare(golden, &[DUMP], &[GDBS_OWN.apply(&said)])?;
    }
    Ok(())
}

/// A program whose core file the kernel writes: those of gdb lack where thread-locals are.
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
