//! One line a check, and the verdict.

use std::fmt::Display;
use std::io::{self, Write};

use console::{Style, style};
use report_text::text::style::escaped;

use super::MISSING;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// It works, or can be done without, but is good to know.
    Note,
    /// It has to be mended.
    Bad,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) verdict: Verdict,
    what: String,
    /// What was found; after a colon what to do.
    found: String,
}

impl Check {
    pub(super) fn good(what: impl Display, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Good, what: what.to_string(), found: found.into() }
    }

    pub(super) fn note(what: impl Display, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Note, ..Self::good(what, found) }
    }

    pub(super) fn bad(what: impl Display, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, ..Self::good(what, found) }
    }

    fn line(&self) -> String {
        let (word, look) = match self.verdict {
            Verdict::Good => ("ok  ", Style::new().green()),
            Verdict::Note => ("note", Style::new().yellow()),
            Verdict::Bad => ("bad ", Style::new().red().bold()),
        };
        // What is found may have come from a process or from another program.
        let found = self.found.replace('\n', " ");
        let found = escaped(&found);
        format!("{}  {:<17}  {found}", look.apply_to(word), self.what)
    }
}

/// The lines; each is written as soon as it is known, for some checks take a moment.
pub(super) struct Checks {
    bad: usize,
    written: io::Result<()>,
}

impl Checks {
    pub(super) fn new() -> Self {
        Self { bad: 0, written: Ok(()) }
    }

    pub(super) fn add(&mut self, check: Check) {
        self.bad += usize::from(check.verdict == Verdict::Bad);
        if self.written.is_ok() {
            self.written = writeln!(io::stdout(), "{}", check.line());
        }
    }

    /// Writes the verdict, and returns the exit code.
    pub(super) fn end(self) -> io::Result<u8> {
        self.written?;
        let text = match self.bad {
            0 => style("No problems found.".to_owned()).green(),
            1 => style("1 problem to fix.".to_owned()).red(),
            bad => style(format!("{bad} problems to fix.")).red(),
        };
        writeln!(io::stdout(), "\n{text}")?;
        Ok(if self.bad == 0 { 0 } else { MISSING })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line() {
        console::set_colors_enabled(false);
        let line = Check::bad("gdb", "13.1\nno\x1b[1m Python").line();
        assert_eq!(line, "bad   gdb                13.1 no\\u{1b}[1m Python");
    }
}
