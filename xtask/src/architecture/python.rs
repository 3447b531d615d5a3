//! Which Python folder must not import what.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::rules::Rule;

/// Fails when a file in one of the folders imports a module that is forbidden there.
pub(super) fn check(root: &Path, rules: &[Rule]) -> Result<()> {
    let mut wrong = Vec::new();
    for (folder, forbidden) in rules {
        let mut found = 0;
        let mut folders = vec![root.join(folder)];
        while let Some(folder) = folders.pop() {
            let reading = || format!("reading {}", folder.display());
            for entry in std::fs::read_dir(&folder).with_context(reading)? {
                let path = entry.with_context(reading)?.path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "py") {
                    found += 1;
                    let text = std::fs::read_to_string(&path).with_context(reading)?;
                    for (line, module) in imports(&text) {
                        if forbidden.contains(&module) {
                            let file = path.strip_prefix(root).unwrap_or(&path).display();
                            wrong.push(format!("{file}:{line}: must not import {module}"));
                        }
                    }
                }
            }
        }
        ensure!(found > 0, "there is no Python in {folder}");
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The first part of the name of each module that is imported, with the number of the line.
fn imports(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(number, line)| {
        let line = line.trim_start();
        let (names, several) = match line.split_once(' ') {
            Some(("import", names)) => (names, true),
            Some(("from", names)) => (names, false),
            _ => ("", false),
        };
        let names = names.split(',').take(if several { usize::MAX } else { 1 });
        names.filter_map(move |name| {
            let end = |letter: char| !letter.is_alphanumeric() && letter != '_';
            let module = name.trim_start().split(end).next()?;
            (!module.is_empty()).then_some((number + 1, module))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_import_fails() -> Result<()> {
        let root = tempfile::tempdir()?;
        let folder = root.path().join("gdb-python/package");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("memory.py");
        std::fs::write(&file, "import os, sys\nfrom . import lldb\nimport gdb\n")?;
        let rules: &[Rule] = &[("gdb-python", &["lldb", "unhang_lldb"])];
        check(root.path(), rules)?;

        std::fs::write(&file, "import os\n\ndef read():\n    import sys, lldb as debugger\n")?;
        let error = check(root.path(), rules).expect_err("it imports lldb").to_string();
        assert_eq!(error, "gdb-python/package/memory.py:4: must not import lldb");

        std::fs::write(&file, "from unhang_lldb.memory import read\n")?;
        assert!(check(root.path(), rules).is_err());
        Ok(())
    }
}
