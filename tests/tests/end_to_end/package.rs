//! The wheel in a clean environment: what a user has after `pip install`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use end_to_end_tests::front::{CoreFile, DEBUGGERS, DUMP, Front, WIDTH, built};
use end_to_end_tests::subjects;
use xtask::aarch64::AArch64;
use xtask::debugger::{Debugger, Kind};
use xtask::fixture::{Profile, Running};
use xtask::session::{Session, Subject};
use xtask::{executable, manylinux, package, python, workspace};

const COMMANDS: [&str; 3] = ["info async-tasks", "async bt all", "async workers"];

/// The environment; the space in its name is there to be stumbled over.
fn environment() -> Result<&'static Path> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let installed = package::package()
            .and_then(|wheel| python::clean_environment("package test/environment", &wheel));
        installed.map_err(|error| format!("{error:#}"))
    });
    folder.as_deref().map_err(|error| anyhow!("{error}"))
}

/// The installed command, run somewhere else than in the checkout.
fn unhang() -> Result<Command> {
    let environment = environment()?;
    let mut unhang = workspace::command(environment.join("bin/unhang"), environment);
    for name in ["UNHANG_ADAPTERS", "UNHANG_GDB", "UNHANG_LLDB", "XDG_CONFIG_HOME"] {
        unhang.env_remove(name);
    }
    unhang.env("TERM", "dumb").env("LC_ALL", "C.UTF-8");
    Ok(unhang)
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A program that starts `unhang gdb` or `unhang lldb`, and passes it all arguments.
fn through_unhang(debugger: &Debugger) -> Result<Debugger> {
    let Debugger { kind, executable, version } = debugger;
    let (name, variable) = match kind {
        Kind::Gdb => ("gdb", "UNHANG_GDB"),
        Kind::Lldb => ("lldb", "UNHANG_LLDB"),
    };
    let script = environment()?.join(format!("{name}-{version}"));
    let unhang = environment()?.join("bin/unhang");
    let (executable, unhang) = (executable.display(), unhang.display());
    let text = format!("#!/bin/sh\n{variable}='{executable}' exec '{unhang}' {name} \"$@\"\n");
    executable::script(&script, &text)?;
    Ok(Debugger { executable: script, ..debugger.clone() })
}

#[test]
fn debuggers_say_what_they_say_from_a_checkout() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let subject = Subject::Process(shop.service.pid());
    for front in DEBUGGERS {
        let expected = front.ask(subject, &COMMANDS)?;
        ensure!(expected[1].contains("inventory::stock::restock"), "{front:?}: {expected:#?}");
        let debugger = &through_unhang(front.debugger()?)?;
        let limit = Duration::from_secs(120);
        let session =
            Session { debugger, subject, setup: &[], width: WIDTH, limit, keeps_indexes: false };
        let outputs = session.run(&COMMANDS)?;
        ensure!(outputs == expected, "{front:?} says {outputs:#?} instead of {expected:#?}");
    }
    Ok(())
}

#[test]
fn dump_needs_no_debugger() -> Result<()> {
    let shop = subjects::hung_shop(Profile::Debug)?;
    let pid = shop.service.pid();
    let width = WIDTH.to_string();
    let mut dump = unhang()?;
    dump.env("PATH", "/nowhere").args(["dump", "--width", &width, "-p", &pid.to_string()]);
    let output = dump.output().context("running unhang")?;
    let said = text(&output);
    ensure!(output.status.code() == Some(0), "{said}");
    let expected = Front::CommandLine.ask(Subject::Process(pid), &[DUMP])?.concat();
    ensure!(said == expected, "{said}\ninstead of\n{expected}");
    ensure!(said.contains("inventory::stock::restock"), "{said}");
    Ok(())
}

#[test]
fn a_debuggers_exit_status_is_the_commands() -> Result<()> {
    let status = |arguments: &[&str]| -> Result<Option<i32>> {
        let mut unhang = unhang()?;
        unhang.env("UNHANG_LLDB", &Front::SystemLldb.debugger()?.executable);
        Ok(unhang.args(arguments).output().context("running unhang")?.status.code())
    };
    ensure!(status(&["gdb", "-nx", "-q", "-batch", "-ex", "quit 7"])? == Some(7));
    ensure!(status(&["lldb", "--no-lldbinit", "--batch", "-o", "quit 5"])? == Some(5));
    ensure!(status(&["gdb", "--no-such-option"])? == Some(1));
    Ok(())
}

/// After `unhang install` every gdb and lldb has the commands, and after `--uninstall` none.
#[test]
fn install_sets_up_both_debuggers() -> Result<()> {
    let running = subjects::many_tasks(Profile::Debug, 3)?;
    let home = environment()?.join("home");
    fs::create_dir_all(&home).context("creating a folder")?;
    let gdbinit = home.join(".gdbinit");
    let mine = "set confirm off\necho mine\\n";
    fs::write(&gdbinit, mine).context("writing .gdbinit")?;
    let install = |arguments: &[&str]| -> Result<()> {
        let output =
            unhang()?.env("HOME", &home).arg("install").args(arguments).output().context("run")?;
        ensure!(output.status.success(), "{}", text(&output));
        Ok(())
    };
    install(&[])?;
    install(&[])?;
    for (said, name) in both(&home, &running)? {
        ensure!(
            said.contains("Complete: 3 tasks and 1 block_on future of 1 runtime."),
            "{name}: {said}"
        );
    }
    ensure!(both(&home, &running)?[0].0.contains("mine"), "the user's own settings hold");

    install(&["--uninstall"])?;
    ensure!(fs::read_to_string(&gdbinit).context("reading .gdbinit")? == mine);
    ensure!(!home.join(".lldbinit").exists());
    for (said, name) in both(&home, &running)? {
        ensure!(!said.contains("Complete"), "{name}: {said}");
    }
    Ok(())
}

/// A removed environment leaves debuggers that start without a complaint.
#[test]
fn debuggers_start_when_unhang_is_gone() -> Result<()> {
    let running = subjects::many_tasks(Profile::Debug, 3)?;
    let home = environment()?.join("home without unhang");
    fs::create_dir_all(&home).context("creating a folder")?;
    let copy = home.join("unhang");
    let mut cp = workspace::command("cp", &home);
    ensure!(cp.arg("-R").arg(package_folder()?).arg(&copy).status()?.success(), "copying");
    let mut install = unhang()?;
    install.env("HOME", &home).env("UNHANG_ADAPTERS", &copy).arg("install");
    let output = install.output().context("running unhang")?;
    ensure!(output.status.success(), "{}", text(&output));
    for (said, name) in both(&home, &running)? {
        ensure!(said.contains("Complete"), "{name}: {said}");
    }
    fs::remove_dir_all(&copy).context("removing the copy")?;
    // With the startup files that are left they start as without any.
    let empty = environment()?.join("home without startup files");
    fs::create_dir_all(&empty).context("creating a folder")?;
    for ((said, name), (before, _)) in both(&home, &running)?.iter().zip(both(&empty, &running)?) {
        ensure!(!said.contains("Complete"), "{name}: {said}");
        let is_as_before = without_numbers(said) == without_numbers(&before);
        ensure!(is_as_before, "{name} says {said}, and without startup files {before}");
    }
    Ok(())
}

/// A text with one `#` for each number: how long a system call waits is another one each time.
fn without_numbers(text: &str) -> String {
    let mut kept: Vec<char> =
        text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
    kept.dedup_by(|next, before| (*next, *before) == ('#', '#'));
    kept.into_iter().collect()
}

/// What gdb and lldb say of a process, with a home folder's settings.
fn both(home: &Path, running: &Running) -> Result<[(String, &'static str); 2]> {
    let pid = running.pid().to_string();
    let run = |program: &Path, arguments: &[&str]| -> Result<String> {
        let mut debugger = workspace::command(program, home);
        debugger.env("HOME", home).env_remove("XDG_CONFIG_HOME").env("TERM", "dumb");
        Ok(text(&debugger.args(arguments).args(["-p", &pid]).output().context("running it")?))
    };
    let gdb = &Front::SystemGdb.debugger()?.executable;
    let offline = ["-q", "-iex", "set debuginfod enabled off", "-batch"];
    let lldb = &Front::SystemLldb.debugger()?.executable;
    Ok([
        (run(gdb, &[&offline[..], &["-ex", "info async-tasks"]].concat())?, "gdb"),
        (run(lldb, &["--batch", "-o", "async tasks"])?, "lldb"),
    ])
}

#[test]
fn doctor_finds_all_in_order() -> Result<()> {
    let running = subjects::many_tasks(Profile::Debug, 3)?;
    let mut doctor = unhang()?;
    doctor.env("UNHANG_LLDB", &Front::SystemLldb.debugger()?.executable);
    doctor.env("HOME", environment()?.join("nobody's home"));
    let output = doctor.args(["doctor", "-p", &running.pid().to_string()]).output()?;
    let said = text(&output);
    ensure!(output.status.code() == Some(0), "{said}");
    for line in ["ok    gdb ", "ok    lldb ", "ok    access ", "ok    debug information "] {
        ensure!(said.lines().any(|found| found.starts_with(line)), "{line}: {said}");
    }
    ensure!(
        said.contains("; 3 tasks and 1 block_on future\n")
            && said.ends_with("No problems found.\n"),
        "{said}"
    );

    let output = unhang()?.args(["doctor", "-p", "4194305"]).output().context("running unhang")?;
    ensure!(output.status.code() == Some(3), "{}", text(&output));
    ensure!(text(&output).contains("there is no process 4194305"), "{}", text(&output));
    Ok(())
}

#[test]
fn manual_and_completions_come_along() -> Result<()> {
    let share = environment()?.join("share");
    for file in [
        "man/man1/unhang.1",
        "man/man1/unhang-dump.1",
        "bash-completion/completions/unhang",
        "fish/vendor_completions.d/unhang.fish",
        "zsh/site-functions/_unhang",
        "doc/unhang/LICENSE-MIT",
    ] {
        ensure!(share.join(file).is_file(), "{file} is missing");
    }
    let folder = package_folder()?;
    ensure!(folder.join("_native.abi3.so").is_file(), "the module is in {}", folder.display());
    Ok(())
}

/// The installed Python package, by what pip says.
fn package_folder() -> Result<PathBuf> {
    let mut pip = workspace::command(environment()?.join("bin/python"), environment()?);
    let output = pip.args(["-m", "pip", "show", "unhang"]).output().context("running pip")?;
    let said = text(&output);
    let location = said.lines().find_map(|line| line.strip_prefix("Location: "));
    Ok(Path::new(location.context(said.clone())?).join("unhang_shared"))
}

/// The wheel for AArch64 beside that processor's Python, emulated: the module is loaded, and the
/// command says of a core file of this machine what this machine's says.
#[test]
#[ignore = "release builds for another processor; `cargo xtask test --full` runs it"]
fn the_wheel_for_another_processor_runs_there() -> Result<()> {
    let wheel = manylinux::wheel("aarch64", built()?)?;
    let folder = workspace::target().join("package test/aarch64");
    let mut unpack = workspace::command(python::interpreter()?, workspace::root());
    let status = unpack.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&folder).status();
    ensure!(status.context("unpacking the wheel")?.success(), "{}", wheel.display());
    let (emulator, interpreter) = AArch64::tools()?.python()?;
    let emulated = |program: &Path, arguments: &[&str]| -> Result<String> {
        let mut qemu = emulator.command();
        qemu.env("PYTHONPATH", &folder).env("UNHANG_CACHE", workspace::target().join("answers"));
        let output = qemu.arg(program).args(arguments).output().context("running qemu")?;
        ensure!(output.status.success(), "{arguments:?}: {}", text(&output));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let names = "from unhang_shared import Session\n\
                 for command in Session.commands(): print(command.name)";
    let named = emulated(&interpreter, &["-c", names])?;
    ensure!(named.lines().any(|name| name == "async why"), "{named}");

    let data = format!("unhang-{}.data/scripts/unhang", env!("CARGO_PKG_VERSION"));
    let running = subjects::faults(Profile::Release, "two-locks")?;
    let core = CoreFile::of(&running)?;
    let subject = Subject::Core { core: core.path(), executable: running.executable() };
    let expected = Front::CommandLine.ask(subject, &[DUMP])?.concat();
    ensure!(expected.contains("Deadlock"), "{expected}");
    let (core, program) = (core.path().to_str(), running.executable().to_str());
    let (core, program) = (core.context("its path")?, program.context("its path")?);
    let width = WIDTH.to_string();
    let dump = ["dump", "--width", &width, "--core", core, "--exe", program];
    let command = folder.join(data);
    // `zipfile` leaves files without their permissions.
    fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).context("a permission")?;
    let said = emulated(&command, &dump)?;
    ensure!(said == expected, "{said}\ninstead of\n{expected}");
    Ok(())
}
