//! `unhang man`: the manual.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

/// Write the manual pages: one for unhang, and one for each of its commands.
///
/// Without a directory, the page of unhang itself goes to standard output.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  unhang man ~/.local/share/man/man1 && man unhang-dump")]
pub(crate) struct Arguments {
    /// The directory; created if it does not exist
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, command: clap::Command) -> anyhow::Result<()> {
    let mut command = command.disable_help_subcommand(true);
    // Gives the commands their whole names: `unhang-dump`.
    command.build();
    let Some(folder) = &arguments.folder else {
        return print(&page(&command).context("cannot generate the page")?);
    };
    let write = || -> io::Result<()> {
        fs::create_dir_all(folder)?;
        for command in command.get_subcommands().chain([&command]) {
            let file = Man::new(command.clone()).get_filename();
            fs::write(folder.join(file), page(command)?)?;
        }
        Ok(())
    };
    write().with_context(|| format!("cannot write the manual to {}", folder.display()))
}

/// The page of one command.
fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone()).manual("unhang");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(text) = command.get_after_long_help().or(command.get_after_help()) {
        sections(&text.to_string()).to_writer(&mut page)?;
    }
    Ok(page)
}

/// The text below the options: each paragraph has a heading (`Examples:`) over lines that are
/// shown as they are.
fn sections(text: &str) -> Roff {
    let mut roff = Roff::new();
    for paragraph in text.split("\n\n") {
        let mut lines = paragraph.lines();
        let first = lines.next().unwrap_or_default();
        match first.strip_suffix(':').filter(|heading| !heading.contains(' ')) {
            Some(heading) => roff.control("SH", [heading.to_uppercase().as_str()]),
            None if first == "Exit codes:" => roff.control("SH", ["EXIT STATUS"]),
            None => {
                roff.control("PP", []);
                roff.text([roman(paragraph.replace('\n', " "))]);
                continue;
            }
        };
        roff.control("nf", []);
        for line in lines {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
    roff
}

/// Nobody reading any more is no failure.
pub(super) fn print(text: &[u8]) -> anyhow::Result<()> {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
