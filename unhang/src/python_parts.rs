//! Where the parts lie that gdb and lldb load.
//!
//! They are Python, and lie in one of these places:
//!
//! | | gdb's | lldb's | what both share |
//! |---|---|---|---|
//! | installed | `unhang_shared/gdb/unhang.py` | `unhang_shared/lldb/unhang_lldb` | `unhang_shared`, the package |
//! | in a checkout | `gdb-python/unhang.py` | `lldb-python/unhang_lldb` | `native-module/python/unhang_shared` |
//!
//! `pip install --target FOLDER` puts the package right into the folder, and distributions may keep it in
//! `share/unhang` below their prefix.
//!
//! pip puts this program into the `bin` folder of an environment and the package into
//! `lib/python3.X/site-packages` beside it, so the program finds it from its own path.

use std::cmp::Reverse;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The variable that names the folder of the installed package, or of a checkout, where neither is
/// found from the program's own path.
pub(crate) const ENVIRONMENT_VARIABLE: &str = "UNHANG_ADAPTERS";

/// The Python package that both debuggers share; installed, theirs lie in it.
const PACKAGE: &str = "unhang_shared";

/// The native module's file in the shared package.
const NATIVE: &str = "_native.abi3.so";

/// What the debuggers load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PythonParts {
    /// The script that gdb sources.
    pub(crate) gdb: PathBuf,
    /// The package that lldb imports.
    pub(crate) lldb: PathBuf,
    /// The native module; it may not have been built.
    pub(crate) native: PathBuf,
    /// Whether they are of a checkout.
    pub(crate) is_checkout: bool,
}

impl PythonParts {
    /// Finds them.
    ///
    /// # Errors
    /// When they are nowhere, in a sentence with what to do.
    pub(crate) fn find() -> anyhow::Result<Self> {
        if let Some(folder) = env::var_os(ENVIRONMENT_VARIABLE).filter(|folder| !folder.is_empty())
        {
            let folder = PathBuf::from(folder);
            return Self::in_folder(&folder).with_context(|| {
                format!(
                    "{ENVIRONMENT_VARIABLE} is {}, which contains neither the package nor a checkout of unhang",
                    folder.display()
                )
            });
        }
        let program = env::current_exe().context("cannot find the path of this program")?;
        if let Some(found) = Self::beside(&program) {
            return Ok(found);
        }
        bail!(
            "the part that gdb and lldb load is not installed beside {}: install both with `pip \
             install unhang`, or set {ENVIRONMENT_VARIABLE} to the location of the Python package `{PACKAGE}`",
            program.display()
        )
    }

    /// Those that belong to the program with this path.
    fn beside(program: &Path) -> Option<Self> {
        let bin = program.parent()?;
        let prefix = bin.parent()?;
        let mut packages = site_packages(prefix);
        // `pip install --target FOLDER` puts it right beside `bin`.
        packages.push(prefix.to_owned());
        // An environment may be used by several versions of Python, each with its own packages.
        let metadata = format!("unhang-{}.dist-info", env!("CARGO_PKG_VERSION"));
        packages.sort_by_key(|folder| !folder.join(&metadata).is_dir());
        let installed = packages.iter().map(|folder| folder.join(PACKAGE));
        // Distributions keep what is not for Python's own path elsewhere.
        let shared = prefix.join("share/unhang");
        installed
            .chain([shared])
            .find_map(|folder| Self::in_package(&folder))
            .or_else(|| program.ancestors().skip(1).find_map(Self::in_checkout))
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        let folder = folder.canonicalize().ok()?;
        Self::in_package(&folder).or_else(|| Self::in_checkout(&folder))
    }

    fn in_package(folder: &Path) -> Option<Self> {
        Self {
            gdb: folder.join("gdb/unhang.py"),
            lldb: folder.join("lldb/unhang_lldb"),
            native: folder.join(NATIVE),
            is_checkout: false,
        }
        .if_there()
    }

    fn in_checkout(folder: &Path) -> Option<Self> {
        Self {
            gdb: folder.join("gdb-python/unhang.py"),
            lldb: folder.join("lldb-python/unhang_lldb"),
            native: folder.join("native-module/python").join(PACKAGE).join(NATIVE),
            is_checkout: true,
        }
        .if_there()
    }

    fn if_there(self) -> Option<Self> {
        (self.gdb.is_file() && self.lldb.is_dir()).then_some(self)
    }

    /// The command by which gdb loads it.
    pub(crate) fn gdb_command(&self) -> OsString {
        // gdb takes the rest of the line, spaces and quotes too.
        let mut command = OsString::from("source ");
        command.push(&self.gdb);
        command
    }

    /// The command by which lldb loads it.
    ///
    /// # Errors
    /// When the path has characters that no command of lldb can have.
    pub(crate) fn lldb_command(&self) -> anyhow::Result<String> {
        let path = self.lldb.display();
        let text = self.lldb.to_str().filter(|text| !text.contains(char::is_control));
        let text = text.with_context(|| format!("lldb cannot load from the path {path:?}"))?;
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
        Ok(format!("command script import \"{escaped}\""))
    }

    /// What has to be done for the native module to be there.
    pub(crate) fn remedy(&self) -> &'static str {
        if self.is_checkout {
            "build it with `cargo xtask build`"
        } else {
            "reinstall unhang with `pip install --force-reinstall unhang`"
        }
    }
}

/// The folders of packages below a prefix, those of the newest Python first.
fn site_packages(prefix: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    // `local` is Debian's: pip's programs are in `/usr/local/bin`, and it is `/usr`'s Python.
    for library in ["lib", "lib64", "local/lib"] {
        let Ok(entries) = fs::read_dir(prefix.join(library)) else { continue };
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let Some(version) = name.to_str().and_then(|name| name.strip_prefix("python3")) else {
                continue;
            };
            let minor = version.strip_prefix('.').unwrap_or("0").parse().unwrap_or(0);
            for packages in ["site-packages", "dist-packages"] {
                found.push((minor, entry.path().join(packages)));
            }
        }
    }
    found.sort_by_key(|(minor, _)| Reverse(*minor));
    found.into_iter().map(|(_, folder)| folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &Path) {
        let folder = folder.join(PACKAGE);
        fs::create_dir_all(folder.join("gdb")).expect("a folder");
        fs::create_dir_all(folder.join("lldb/unhang_lldb")).expect("a folder");
        fs::write(folder.join("gdb/unhang.py"), "").expect("a file");
    }

    #[test]
    fn finds_the_package_of_its_environment() {
        let prefix = tempfile::tempdir().expect("a folder");
        let program = prefix.path().join("bin/unhang");
        assert_eq!(PythonParts::beside(&program), None);

        package(&prefix.path().join("lib/python3.9/site-packages"));
        package(&prefix.path().join("lib/python3.13/site-packages"));
        let newest =
            prefix.path().join("lib/python3.13/site-packages").join(PACKAGE).join("gdb/unhang.py");
        let found = PythonParts::beside(&program).expect("it is there");
        assert_eq!(found.gdb, newest);
        assert!(!found.is_checkout);

        let metadata = format!("unhang-{}.dist-info", env!("CARGO_PKG_VERSION"));
        let old = prefix.path().join("lib/python3.9/site-packages");
        fs::create_dir(old.join(metadata)).expect("a folder");
        let same_version = PythonParts::beside(&program).expect("it is there");
        assert_eq!(same_version.gdb, old.join(PACKAGE).join("gdb/unhang.py"));
    }

    #[test]
    fn finds_the_checkout_that_it_was_built_in() {
        let this_test = env::current_exe().expect("a path");
        if let Some(found) = PythonParts::beside(&this_test) {
            assert!(found.is_checkout);
            assert!(found.gdb.ends_with("gdb-python/unhang.py"));
        }
    }

    #[test]
    fn commands_hold_odd_paths() {
        let parts = PythonParts {
            gdb: "/a b/unhang.py".into(),
            lldb: "/a \"b\"/unhang_lldb".into(),
            native: PathBuf::new(),
            is_checkout: false,
        };
        assert_eq!(parts.gdb_command(), "source /a b/unhang.py");
        let lldb = parts.lldb_command().expect("a command");
        assert_eq!(lldb, r#"command script import "/a \"b\"/unhang_lldb""#);
        let odd = PythonParts { lldb: "/a\nb".into(), ..parts };
        assert!(odd.lldb_command().is_err());
    }
}
