//! `unhang install`, as a person runs it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A home folder, and beside it something to install.
fn home() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("it's unhang/gdb")).unwrap();
    fs::create_dir_all(folder.path().join("it's unhang/lldb/unhang_lldb")).unwrap();
    fs::write(folder.path().join("it's unhang/gdb/unhang.py"), "").unwrap();
    fs::create_dir(folder.path().join("home")).unwrap();
    folder
}

fn install(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut unhang = Command::new(env!("CARGO_BIN_EXE_unhang"));
    unhang.env("HOME", folder.path().join("home")).env_remove("XDG_CONFIG_HOME");
    unhang.env("UNHANG_ADAPTERS", folder.path().join("it's unhang"));
    unhang.arg("install").args(arguments).output().unwrap()
}

/// Runs it, and returns what it said; it must not fail.
fn said(folder: &TempDir, arguments: &[&str]) -> String {
    let done = install(folder, arguments);
    let errors = String::from_utf8(done.stderr).unwrap();
    assert_eq!((done.status.code(), errors.as_str()), (Some(0), ""));
    String::from_utf8(done.stdout).unwrap()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

#[test]
fn files_are_made_and_removed() {
    let folder = home();
    let home = folder.path().join("home");
    let planned = said(&folder, &["--dry-run"]);
    assert_eq!(planned, "~/.gdbinit: would create it\n~/.lldbinit: would create it\n");
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);

    assert!(said(&folder, &[]).starts_with("~/.gdbinit: created; gdb loads the commands"));
    let (gdb, lldb) = (read(&home.join(".gdbinit")), read(&home.join(".lldbinit")));
    let escaped = r"it\'s unhang/gdb/unhang.py";
    assert!(gdb.contains(escaped) && gdb.lines().count() == 3, "{gdb}");
    assert!(lldb.contains("command script import") && lldb.lines().count() == 3, "{lldb}");

    let again = said(&folder, &[]);
    assert_eq!(again, "~/.gdbinit: is already set up\n~/.lldbinit: is already set up\n");
    assert_eq!((read(&home.join(".gdbinit")), read(&home.join(".lldbinit"))), (gdb, lldb));

    assert!(said(&folder, &["--uninstall", "-n"]).contains("would delete it"));
    assert!(home.join(".gdbinit").exists());
    assert!(said(&folder, &["--uninstall"]).contains("deleted"));
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
    assert!(said(&folder, &["--uninstall"]).contains("contains nothing from unhang"));
}

#[test]
fn the_command_that_loads_them_is_printed_and_nothing_changes() {
    let folder = home();
    let adapters = folder.path().join("it's unhang");
    let gdb = format!("source {}\n", adapters.join("gdb/unhang.py").display());
    assert_eq!(said(&folder, &["gdb", "--print"]), gdb);
    let lldb = adapters.join("lldb/unhang_lldb");
    let lldb = format!("command script import \"{}\"\n", lldb.display());
    assert_eq!(said(&folder, &["lldb", "--print"]), lldb);
    assert_eq!(fs::read_dir(folder.path().join("home")).unwrap().count(), 0);
    assert_eq!(install(&folder, &["--print"]).status.code(), Some(2), "of which debugger?");
}

#[test]
fn what_the_user_has_stays() {
    let folder = home();
    let gdb = folder.path().join("home/.gdbinit");
    let lldb = folder.path().join("home/.lldbinit");
    for old in ["set history save on\n", "set history save on", ""] {
        fs::write(&gdb, old).unwrap();
        fs::set_permissions(&gdb, Permissions::from_mode(0o640)).unwrap();
        assert!(said(&folder, &["gdb"]).starts_with("~/.gdbinit: added unhang's block; "));
        assert!(read(&gdb).starts_with(old) && read(&gdb).contains("unhang.py"));
        assert!(!lldb.exists(), "it was for gdb alone");

        // As if unhang had moved since.
        let moved = read(&gdb).replace("unhang.py", "old.py");
        fs::write(&gdb, moved).unwrap();
        assert!(said(&folder, &["gdb"]).starts_with("~/.gdbinit: updated unhang's block; "));
        assert_eq!(said(&folder, &["gdb"]), "~/.gdbinit: is already set up\n");

        assert_eq!(said(&folder, &["gdb", "--uninstall"]), "~/.gdbinit: removed unhang's block\n");
        assert_eq!(read(&gdb), old);
        assert_eq!(fs::metadata(&gdb).unwrap().permissions().mode() & 0o777, 0o640);
    }
}

#[test]
fn links_stay_links() {
    let folder = home();
    let dotfiles = folder.path().join("dotfiles");
    fs::create_dir(&dotfiles).unwrap();
    fs::write(dotfiles.join("gdbinit"), "set width 0\n").unwrap();
    let links = [("gdbinit", ".gdbinit"), ("lldbinit", ".lldbinit")];
    for (file, link) in links {
        symlink(dotfiles.join(file), folder.path().join("home").join(link)).unwrap();
    }
    said(&folder, &[]);
    for (file, link) in links {
        let link = folder.path().join("home").join(link);
        assert!(link.is_symlink() && read(&dotfiles.join(file)).contains("unhang"));
    }
    said(&folder, &["--uninstall"]);
    assert_eq!(read(&dotfiles.join("gdbinit")), "set width 0\n");
    assert!(!dotfiles.join("lldbinit").exists(), "it was made through the link");
    assert_eq!(fs::read_dir(&dotfiles).unwrap().count(), 1, "no temporary file is left");
}

/// gdb does not read `~/.gdbinit` where it finds its file in the configuration folder.
#[test]
fn gdb_reads_the_file_that_is_changed() {
    let folder = home();
    let file = folder.path().join("home/.config/gdb/gdbinit");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "set width 0\n").unwrap();
    assert!(said(&folder, &["gdb"]).starts_with("~/.config/gdb/gdbinit: added"));
    assert!(!folder.path().join("home/.gdbinit").exists());
}

#[test]
fn a_file_that_cannot_be_changed_is_said_and_the_other_is_done() {
    let folder = home();
    let gdb = folder.path().join("home/.gdbinit");
    let damaged = "set x\n# >>> unhang >>> written by hand\n";
    fs::write(&gdb, damaged).unwrap();
    let done = install(&folder, &[]);
    assert_eq!(done.status.code(), Some(1));
    let errors = String::from_utf8(done.stderr).unwrap();
    assert!(
        errors.starts_with("unhang: cannot change ") && errors.lines().count() == 1,
        "{errors}"
    );
    assert_eq!(read(&gdb), damaged);
    assert!(folder.path().join("home/.lldbinit").exists());
}
