//! `unhang completions`: what shells complete.

use clap_complete::Shell;

use super::man::print;

/// Write a shell's completions to standard output.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  unhang completions bash > ~/.local/share/bash-completion/completions/unhang
  unhang completions fish > ~/.config/fish/completions/unhang.fish
  unhang completions zsh > ~/.zfunc/_unhang")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, mut command: clap::Command) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "unhang", &mut text);
    print(&text)
}
