//! What the terminal can show.

use std::env;
use std::io::IsTerminal;

use console::Term;
use report_text::text::Look;

/// How text for standard output is to look: as wide as the terminal, and coloured where the user
/// wants colours (<https://no-color.org>).
pub(crate) fn look() -> Look {
    let is_terminal = std::io::stdout().is_terminal();
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    Look {
        width: Term::stdout()
            .size_checked()
            .filter(|_| is_terminal)
            .map(|(_rows, columns)| usize::from(columns)),
        styled: is_terminal && !refused && !is_dumb,
        ..plain()
    }
}

/// How text for a file is to look.
pub(crate) fn plain() -> Look {
    Look { width: None, styled: false, full_names: false, user_only: false, current: None }
}
