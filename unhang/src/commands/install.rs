//! `unhang install`: the commands in every gdb and lldb from now on.

use std::env;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use tempfile::NamedTempFile;

use crate::debuggers::Debugger;
use crate::python_parts::PythonParts;
use crate::startup_file::{with_block, without_block};

/// Load the commands in every gdb and lldb from now on.
///
/// Adds a marked block of three lines to each debugger's startup file, ~/.gdbinit and ~/.lldbinit.
/// The rest of each file stays as it is. Running it again changes nothing, or updates the block when
/// unhang has moved. Once unhang is gone, the debuggers start as before, without a message.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  unhang install --dry-run\n  unhang install gdb\n  \
                        unhang install --uninstall")]
pub(crate) struct Arguments {
    /// Set up only this debugger
    #[arg(value_name = "DEBUGGER")]
    debugger: Option<Debugger>,

    /// Remove the block, and a file that contains nothing else
    #[arg(long)]
    uninstall: bool,

    /// Print what would change without changing it
    #[arg(short = 'n', long)]
    dry_run: bool,

    /// Print the command by which DEBUGGER loads them, for a startup file of your own or an editor,
    /// and change nothing
    #[arg(long, requires = "debugger", conflicts_with_all = ["uninstall", "dry_run"])]
    print: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(debugger) = arguments.debugger.filter(|_| arguments.print) {
        let command = loading_command(debugger, &PythonParts::find()?)?;
        return writeln!(io::stdout(), "{command}").context("cannot write the command");
    }
    let home = home()?;
    let parts = if arguments.uninstall { None } else { Some(PythonParts::find()?) };
    let mut failed = None;
    for debugger in Debugger::ALL {
        if arguments.debugger.is_some_and(|only| only != debugger) {
            continue;
        }
        let file = startup_file(debugger, &home);
        // A file that cannot be changed does not keep the other one from it.
        match change(debugger, &file, parts.as_ref(), arguments.dry_run) {
            Ok(said) => {
                // What was done is done, whether or not anybody reads of it.
                let _ = writeln!(io::stdout(), "{}: {said}", short(&file, &home));
            }
            Err(error) => {
                let error = error.context(format!("cannot change {}", file.display()));
                if let Some(first) = failed.replace(error) {
                    eprintln!("unhang: {first:#}");
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Whether the debugger's startup file loads these parts; `None` when it loads none.
pub(super) fn is_set_up(debugger: Debugger, parts: &PythonParts) -> anyhow::Result<Option<bool>> {
    let Some(old) = read(&startup_file(debugger, &home()?))? else { return Ok(None) };
    if without_block(&old)?.as_ref() == Some(&old) {
        return Ok(None);
    }
    Ok(Some(with_block(Some(&old), &startup_command(debugger, parts)?)? == old))
}

fn home() -> anyhow::Result<PathBuf> {
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    home.context("your home directory is unknown: set HOME")
}

/// The file that a debugger reads when it starts.
///
/// gdb reads the first one of these that is there ("Initialization Files" in its manual).
fn startup_file(debugger: Debugger, home: &Path) -> PathBuf {
    match debugger {
        Debugger::Lldb => home.join(".lldbinit"),
        Debugger::Gdb => {
            let config = env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
            let config = config.map_or_else(|| home.join(".config"), PathBuf::from);
            Some(config.join("gdb/gdbinit"))
                .filter(|file| file.exists())
                .unwrap_or_else(|| home.join(".gdbinit"))
        }
    }
}

/// The debugger's command that loads them.
fn loading_command(debugger: Debugger, parts: &PythonParts) -> anyhow::Result<String> {
    match debugger {
        Debugger::Gdb => parts
            .gdb_command()
            .into_string()
            .map_err(|_| anyhow!("{} is not UTF-8, which gdb's Python needs", parts.gdb.display())),
        Debugger::Lldb => parts.lldb_command(),
    }
}

/// The line in the block. When unhang is gone it does nothing: in gdb an error would also skip all
/// that follows in the file.
fn startup_command(debugger: Debugger, parts: &PythonParts) -> anyhow::Result<String> {
    let command = python_string(&loading_command(debugger, parts)?);
    let (path, load, interpreter) = match debugger {
        Debugger::Gdb => (&parts.gdb, format!("gdb.execute({command})"), "python"),
        Debugger::Lldb => {
            (&parts.lldb, format!("lldb.debugger.HandleCommand({command})"), "script")
        }
    };
    let path = path.to_str().context("the path is not UTF-8")?;
    if path.contains(char::is_control) {
        bail!("the path {path:?} contains control characters: install unhang elsewhere");
    }
    let path = python_string(path);
    // lldb prints the value of an expression, but not that of an assignment.
    Ok(format!("{interpreter} import os.path; _unhang = os.path.exists({path}) and {load}"))
}

/// A literal of Python's.
fn python_string(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Puts the block in, or takes it out when there are no parts. Returns what was done.
fn change(
    debugger: Debugger,
    file: &Path,
    parts: Option<&PythonParts>,
    dry_run: bool,
) -> anyhow::Result<String> {
    let old = read(file)?;
    let new = match (parts, &old) {
        (Some(parts), _) => Some(with_block(old.as_deref(), &startup_command(debugger, parts)?)?),
        (None, Some(old)) => without_block(old)?,
        (None, None) => None,
    };
    if new == old {
        let nothing = "contains nothing from unhang";
        let state = if parts.is_some() { "is already set up" } else { nothing };
        return Ok(state.to_owned());
    }
    if !dry_run {
        match &new {
            Some(new) => write(file, new)?,
            None => fs::remove_file(file.canonicalize()?)?,
        }
    }
    let had_block = match &old {
        Some(old) => without_block(old)?.as_ref() != Some(old),
        None => false,
    };
    let (done, planned) = match (parts.is_some(), &old, &new) {
        (true, None, _) => ("created", "create it"),
        (true, Some(_), _) if had_block => ("updated unhang's block", "update unhang's block"),
        (true, Some(_), _) => ("added unhang's block", "add unhang's block"),
        (false, _, Some(_)) => ("removed unhang's block", "remove unhang's block"),
        (false, _, None) => (
            "deleted, since it contained nothing else",
            "delete it, since it contains nothing else",
        ),
    };
    Ok(match (dry_run, parts) {
        (true, _) => format!("would {planned}"),
        (false, Some(_)) => format!("{done}; {debugger} loads the commands from its next start on"),
        (false, None) => done.to_owned(),
    })
}

fn read(file: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes beside the file and renames, so that the user's own text is never half there. A symbolic
/// link stays one, and owner and permissions stay too.
fn write(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    let Ok(place) = file.canonicalize() else {
        // There is none, or the link leads to none: this makes it.
        return Ok(fs::write(file, text)?);
    };
    let folder = place.parent().context("it has no parent directory")?;
    let mut fresh = NamedTempFile::new_in(folder)?;
    fresh.write_all(text)?;
    let before = place.metadata()?;
    let mine = fresh.as_file().metadata()?;
    if (before.uid(), before.gid()) != (mine.uid(), mine.gid()) {
        chown(fresh.path(), Some(before.uid()), Some(before.gid()))?;
    }
    fresh.as_file().set_permissions(before.permissions())?;
    fresh.as_file().sync_all()?;
    fresh.persist(place)?;
    Ok(())
}

fn short(file: &Path, home: &Path) -> String {
    match file.strip_prefix(home) {
        Ok(rest) => format!("~/{}", rest.display()),
        Err(_) => file.display().to_string(),
    }
}
