//! `unhang man`: the manual.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap_mangen::Man;

/// Write the manual pages: one for unhang, and one for each of its commands.
///
/// Without a folder the page of unhang itself goes to standard output.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  unhang man ~/.local/share/man/man1 && man unhang-dump")]
pub(crate) struct Arguments {
    /// The folder, made when it is not there
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, command: clap::Command) -> anyhow::Result<()> {
    let Some(folder) = &arguments.folder else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page).context("cannot make the page")?;
        return print(&page);
    };
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(command, folder))
        .with_context(|| format!("cannot write the manual to {}", folder.display()))
}

/// Nobody reading any more is no failure.
pub(super) fn print(text: &[u8]) -> anyhow::Result<()> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
