//! Which folder (module) of a crate, or of one of its folders, may use which.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::imports::Crate;
use super::rules::{ANY, Rule};

/// Fails when a folder uses another one that it may not, naming each place; or when the folders in
/// the table and those of the sources are not the same. A table is of a crate (`report-text`) or of a
/// folder in it (`runtime-layouts::walk`).
pub(super) fn check(root: &Path, crates: &[(&str, &[Rule])]) -> Result<()> {
    let mut wrong = Vec::new();
    for (name, rules) in crates {
        let mut words = name.split("::");
        let of_crate = words.next().unwrap_or_default();
        let within: Vec<&str> = words.collect();
        let found = Crate::read(&root.join(of_crate).join("src"), &within)
            .with_context(|| format!("the folders of {name}"))?;
        let is_ruled = |folder: &str| rules.iter().any(|(ruled, _)| *ruled == folder);
        let unruled = found.folders.iter().filter(|folder| !is_ruled(folder));
        wrong.extend(unruled.map(|folder| {
            let row = (folder, found.used_by(folder));
            format!(
                "{name}: `{folder}` is not in the table of xtask/src/architecture/rules.rs; what it \
                 uses now would be the row {row:?}"
            )
        }));
        let named = rules.iter().flat_map(|(user, may_use)| may_use.iter().chain([user]));
        let is_there = |folder: &str| {
            folder == ANY || folder == "crate" || found.folders.iter().any(|there| there == folder)
        };
        let gone = named.filter(|folder| !is_there(folder));
        wrong.extend(
            gone.map(|folder| format!("{name}: the table names `{folder}`, which is not there")),
        );
        for import in &found.imports {
            let Some((_, may_use)) = rules.iter().find(|(user, _)| *user == import.user) else {
                continue;
            };
            if !may_use.iter().any(|used| *used == ANY || *used == import.used) {
                let file = import.file.strip_prefix(root).unwrap_or(&import.file).display();
                let (line, user, used) = (import.line, &import.user, &import.used);
                let allowed = may_use.join(", ");
                wrong.push(format!(
                    "{file}:{line}: `{user}` must not use `{used}`; it may use: {allowed}"
                ));
            }
        }
    }
    wrong.dedup();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate in a folder of its own.
    fn tree(files: &[(&str, &str)]) -> Result<tempfile::TempDir> {
        let root = tempfile::tempdir()?;
        for (name, text) in files {
            let file = root.path().join("house/src").join(name);
            std::fs::create_dir_all(file.parent().context("its folder")?)?;
            std::fs::write(file, text)?;
        }
        Ok(root)
    }

    const RULES: &[Rule] = &[("cellar", &[]), ("kitchen", &["cellar"]), ("roof", &["kitchen"])];

    const LIB: &str = "mod cellar; mod kitchen; pub mod roof;\n\
                       pub use kitchen::Stove;\n\
                       #[cfg(test)] mod fakes;\n";

    fn said(kitchen: &str, stove: &str) -> Result<String> {
        let root = tree(&[
            ("lib.rs", LIB),
            ("cellar.rs", "pub(crate) struct Wine;\n"),
            ("kitchen/mod.rs", kitchen),
            ("kitchen/stove.rs", stove),
            ("roof.rs", "use crate::{Stove, kitchen::{self, stove}};\n"),
        ])?;
        Ok(match check(root.path(), &[("house", RULES)]) {
            Ok(()) => String::new(),
            Err(error) => format!("{error:#}"),
        })
    }

    #[test]
    fn what_the_table_allows_passes() -> Result<()> {
        let kitchen = "mod stove;\n\
                       use super::cellar::Wine;\n\
                       #[cfg(test)] use crate::roof;\n\
                       #[cfg(test)] mod tests { use crate::roof; }\n\
                       #[cfg(all(test, unix))] mod other_tests;\n";
        assert_eq!(
            said(kitchen, "use super::super::cellar; pub(in crate::kitchen) fn f() {}")?,
            ""
        );
        Ok(())
    }

    #[test]
    fn a_wrong_import_fails_however_it_is_written() -> Result<()> {
        for stove in [
            "use crate::roof::Tile;",
            "use crate::{cellar::Wine, roof::{Tile, Gutter}};",
            "pub use crate::roof::*;",
            "use super::super::roof;",
            "fn f() -> crate::roof::Tile { loop {} }",
            "fn f() { super::super::roof::g() }",
            "fn f() { println!(\"{}\", crate::roof::NAME) }",
            "mod inner { use super::super::super::roof::Tile; }",
            "fn f() { use crate::roof; }",
            "impl crate::roof::Tiled for u8 {}",
        ] {
            let said = said("mod stove;", &format!("\n{stove}\n"))?;
            let expected = "house/src/kitchen/stove.rs:2: `kitchen` must not use `roof`; \
                            it may use: cellar";
            assert_eq!(said, expected, "{stove}");
        }
        Ok(())
    }

    #[test]
    fn the_folders_of_a_folder_have_a_table_of_their_own() -> Result<()> {
        let said = |oven: &str| -> Result<String> {
            let root = tree(&[
                ("lib.rs", LIB),
                ("cellar.rs", ""),
                ("kitchen/mod.rs", "mod oven; mod stove; pub(crate) use self::stove::Flame;\n"),
                ("kitchen/stove.rs", "use crate::cellar; use super::Recipe;"),
                ("kitchen/oven/mod.rs", "mod door;"),
                ("kitchen/oven/door.rs", oven),
                ("roof.rs", ""),
            ])?;
            let rules: &[Rule] = &[("stove", &["crate"]), ("oven", &[])];
            Ok(match check(root.path(), &[("house::kitchen", rules)]) {
                Ok(()) => String::new(),
                Err(error) => format!("{error:#}"),
            })
        };
        assert_eq!(said("use crate::roof; use super::Door; use crate::kitchen::oven::Door;")?, "");
        for wrong in [
            "use crate::kitchen::stove::Flame;",
            "use super::super::stove;",
            "use crate::kitchen::Flame;",
            "fn f() { super::super::super::kitchen::stove::burn() }",
        ] {
            let expected = "house/src/kitchen/oven/door.rs:1: `oven` must not use `stove`; \
                            it may use: ";
            assert_eq!(said(wrong)?, expected, "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn what_the_root_exports_is_of_its_module() -> Result<()> {
        let root = tree(&[
            ("lib.rs", LIB),
            ("cellar.rs", "use crate::Stove;\n"),
            ("kitchen.rs", ""),
            ("roof.rs", ""),
        ])?;
        let error = check(root.path(), &[("house", RULES)]).expect_err("a wrong import");
        let expected = "house/src/cellar.rs:1: `cellar` must not use `kitchen`; it may use: ";
        assert_eq!(error.to_string(), expected);
        Ok(())
    }

    #[test]
    fn the_table_has_every_folder_and_no_other() -> Result<()> {
        let root = tree(&[
            ("main.rs", "mod cellar; mod attic;"),
            ("cellar.rs", ""),
            ("attic.rs", "use crate::cellar;"),
        ])?;
        let error = check(root.path(), &[("house", &RULES[..2])]).expect_err("they differ");
        let error = error.to_string();
        assert!(error.contains("house: `attic` is not in the table"), "{error}");
        assert!(error.contains(r#"the row ("attic", {"cellar"})"#), "{error}");
        assert!(error.contains("house: the table names `kitchen`, which is not there"), "{error}");
        Ok(())
    }
}
