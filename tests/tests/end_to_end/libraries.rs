//! Runtimes in shared objects that a program loads while it runs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use end_to_end_tests::case::Case;
use end_to_end_tests::front::{ALL, DUMP, Front, Mode};
use xtask::fixture::{self, Profile, Running};
use xtask::session::Subject;
use xtask::{debugger, python, workspace};

/// Two versions of tokio in one process, the second one in a plugin.
fn host(profile: Profile, name: &str) -> Result<()> {
    let plugin = fixture::plugin("addon", profile)?;
    let running = Running::start(&fixture::build("host", profile)?, &[&plugin])?;
    Case { name, commands: &[DUMP], fronts: ALL, modes: &[Mode::Live, Mode::Core] }.check(&running)
}

#[test]
fn a_plugin_with_another_tokio() -> Result<()> {
    host(Profile::Debug, "host")
}

#[test]
fn a_plugin_with_another_tokio_optimized() -> Result<()> {
    host(Profile::Release, "host-release")
}

/// A copy of a plugin under the name that its host wants.
fn deployed(plugin: &str, name: &str) -> Result<PathBuf> {
    let folder = workspace::target().join("deployed/plugins");
    std::fs::create_dir_all(&folder).context("creating a folder")?;
    let copy = folder.join(name);
    // One that runs keeps the old file.
    let beside = folder.join(format!("{name}.new"));
    std::fs::copy(fixture::plugin(plugin, Profile::Debug)?, &beside).context("copying it")?;
    std::fs::rename(&beside, &copy).context("putting it in place")?;
    Ok(copy)
}

const FRONTS: &[Front] = &[Front::CommandLine, Front::SystemGdb, Front::NewestLldb];

/// What a program without any Rust says once the plugin's tasks hang.
fn interpreter(mut command: Command, name: &str) -> Result<()> {
    let running = {
        command.env("FIXTURE_ENDS_WITH_STDIN", "1");
        Running::spawn(command)?
    };
    ensure!(running.line()? == "ready", "it says something else");
    Case { name, commands: &[DUMP], fronts: FRONTS, modes: &[Mode::Live] }.check(&running)
}

#[test]
fn an_extension_module_of_python() -> Result<()> {
    let module = deployed("python-extension", "rates_python.so")?;
    let mut python = Command::new(python::interpreter()?);
    let script = "import sys, rates_python; rates_python.start(); print('ready', flush=True); \
                  sys.stdin.read()";
    python.env("PYTHONPATH", module.parent().context("its folder")?).args(["-c", script]);
    interpreter(python, "python-extension")
}

#[test]
fn an_addon_of_node() -> Result<()> {
    let addon = deployed("addon", "rates.node")?;
    let mut node = Command::new(debugger::node()?);
    let script = format!(
        "require('{}'); console.log('ready'); \
         process.stdin.resume().on('end', () => process.exit())",
        addon.display()
    );
    interpreter(
        {
            node.args(["-e", &script]);
            node
        },
        "node-addon",
    )
}

/// The library was built again since it was loaded: its layouts are not those of the process.
#[test]
fn a_plugin_that_was_replaced() -> Result<()> {
    let plugin = deployed("addon", "replaced.so")?;
    let running = Running::start(&fixture::build("host", Profile::Debug)?, &[&plugin])?;
    replace(&plugin)?;
    for front in FRONTS {
        let said = front.ask(Subject::Process(running.pid()), &[DUMP])?.concat();
        let expected = ["host::sell", "replaced.so is not the file that the process loaded"];
        ensure!(expected.iter().all(|text| said.contains(text)), "{front:?}: {said}");
    }
    Ok(())
}

fn replace(plugin: &Path) -> Result<()> {
    let beside = plugin.with_extension("new");
    std::fs::copy(fixture::plugin("addon", Profile::Release)?, &beside).context("copying it")?;
    std::fs::rename(&beside, plugin).context("putting it in place")
}
