//! Virtual environments under the target folder, for what comes as wheels.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::workspace::{command, exclusively, root, run, target};

/// The oldest Python 3 that the debugger side supports (the module is abi3-py39).
pub(crate) const OLDEST_MINOR: u32 = 9;

/// A virtual environment with exactly `requirements` in it, made on first use.
/// `name` is its folder under the target folder.
pub fn environment(name: &str, requirements: &[&str]) -> Result<PathBuf> {
    let folder = target().join(name);
    exclusively(&name.replace('/', "-"), || {
        // The list is written last: a half-made environment is made anew.
        let list = folder.join("requirements.txt");
        let wanted = requirements.join("\n");
        if std::fs::read_to_string(&list).is_ok_and(|found| found == wanted) {
            return Ok(());
        }
        let step = Step::begin(format!("installing {}", requirements.join(", ")));
        let python = interpreter()?;
        let mut venv = command(python, root());
        venv.args(["-m", "venv", "--clear"]).arg(&folder);
        run(&mut venv, &step).context(
            "cannot make a Python environment; on Debian and Ubuntu `python3-venv` has what is missing",
        )?;
        let mut pip = command(folder.join("bin/python"), root());
        pip.args(["-m", "pip", "install", "--quiet"]).args(requirements);
        run(&mut pip, &step)?;
        std::fs::write(&list, wanted).with_context(|| format!("writing {}", list.display()))?;
        step.done();
        Ok(())
    })?;
    Ok(folder)
}

/// A virtual environment with nothing but a wheel in it, made anew; nothing is downloaded.
/// `name` is its folder under the target folder.
pub fn clean_environment(name: &str, wheel: &Path) -> Result<PathBuf> {
    let folder = target().join(name);
    exclusively(&name.replace(['/', ' '], "-"), || {
        let step = Step::begin(format!("installing {}", wheel.display()));
        let mut venv = command(interpreter()?, root());
        run(venv.args(["-m", "venv", "--clear"]).arg(&folder), &step)?;
        let mut pip = command(folder.join("bin/python"), root());
        pip.args(["-m", "pip", "install", "--quiet", "--no-index"]).arg(wheel);
        run(&mut pip, &step)?;
        step.done();
        Ok(())
    })?;
    Ok(folder)
}

/// The Python to make environments with: `$PYTHON`, or `python3` on the path.
pub fn interpreter() -> Result<OsString> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let check = format!("import sys; sys.exit(sys.version_info < (3, {OLDEST_MINOR}))");
    let status = command(&python, Path::new("/")).args(["-c", &check]).status();
    let status = status.with_context(|| format!("cannot run {}", python.display()))?;
    anyhow::ensure!(
        status.success(),
        "{} is older than Python 3.{OLDEST_MINOR}; set PYTHON to a newer one",
        python.display()
    );
    Ok(python)
}
