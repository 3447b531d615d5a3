//! A case: commands, and one golden text that every front must say.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use snapbox::{Assert, Data};
use xtask::fixture::Running;
use xtask::session::Subject;
use xtask::test::EVERY_LOOK;
use xtask::workspace;

use crate::front::{CoreFile, Front, Mode};
use crate::neutral::{numbered, plain};

/// Commands, and where they must all say the same.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The name of the golden file, without its ending.
    pub name: &'a str,
    /// The commands, in this order and in one run.
    pub commands: &'a [&'a str],
    /// The debuggers.
    pub fronts: &'a [Front],
    /// The states of the program.
    pub modes: &'a [Mode],
}

impl Case<'_> {
    /// Runs the case on a process in the ways that it names.
    ///
    /// Where it names several debuggers and both states, each debugger looks at one of them, which
    /// alternates from debugger to debugger and from case to case; with [`EVERY_LOOK`] at both. The
    /// command line always does.
    pub fn check(&self, running: &Running) -> Result<()> {
        for mode in self.modes {
            let core = match mode {
                Mode::Live => None,
                Mode::Core => Some(CoreFile::of(running)?),
            };
            let subject = match &core {
                None => Subject::Process(running.pid()),
                Some(core) => Subject::Core { core: core.path(), executable: running.executable() },
            };
            self.check_in(&self.fronts_in(*mode), subject)?;
        }
        Ok(())
    }

    /// Runs the case on whatever the debugger is started with, in every front.
    pub fn check_subject(&self, subject: Subject<'_>) -> Result<()> {
        self.check_in(self.fronts, subject)
    }

    fn check_in(&self, fronts: &[Front], subject: Subject<'_>) -> Result<()> {
        for front in fronts {
            let outputs = front.ask(subject, self.commands)?;
            self.compare(&outputs);
        }
        Ok(())
    }

    /// Who looks at the program in this state.
    fn fronts_in(&self, mode: Mode) -> Vec<Front> {
        let debuggers = self.fronts.iter().filter(|front| **front != Front::CommandLine).count();
        if debuggers < 2 || self.modes.len() < 2 || std::env::var_os(EVERY_LOOK).is_some() {
            return self.fronts.to_vec();
        }
        let case: usize = self.name.bytes().map(usize::from).sum();
        let looks =
            |place: usize| (place + case + usize::from(mode == Mode::Core)).is_multiple_of(2);
        let fronts = self.fronts.iter().enumerate();
        let looking =
            fronts.filter(|(place, front)| **front == Front::CommandLine || looks(*place));
        looking.map(|(_, front)| *front).collect()
    }

    /// Compares with the golden text, or writes it. Panics with the difference.
    pub fn compare(&self, outputs: &[String]) {
        is_golden(self.name, self.text(outputs));
    }

    /// What is compared: each command and what it printed.
    pub fn text(&self, outputs: &[String]) -> String {
        let mut text = String::new();
        for (command, output) in self.commands.iter().zip(outputs) {
            let separator = if text.is_empty() { "" } else { "\n" };
            let (command, output) = (plain(command), plain(output));
            writeln!(text, "{separator}> {command}{}", output.trim_end())
                .expect("a string takes everything");
        }
        numbered(&text)
    }
}

/// Compares a text with the golden one of that name, or writes it. Panics with the difference.
pub fn is_golden(name: &str, text: String) {
    let golden = Data::read_from(&golden_file(name), None).raw();
    Assert::new().action_env("UPDATE_GOLDEN").eq(text, golden);
}

/// A golden text.
pub fn golden(name: &str) -> Result<String> {
    let path = golden_file(name);
    std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

fn golden_file(name: &str) -> PathBuf {
    workspace::root().join("tests/golden").join(name).with_extension("txt")
}

#[cfg(test)]
mod tests {
    use super::Case;
    use crate::front::{ALL, Front, Mode};

    #[test]
    fn every_debugger_looks_once_and_the_command_line_always() {
        let modes = &[Mode::Live, Mode::Core];
        for name in ["a", "b"] {
            let case = Case { name, commands: &[], fronts: ALL, modes };
            let [live, core] = modes.map(|mode| case.fronts_in(mode));
            for front in ALL {
                let times = [&live, &core].iter().filter(|fronts| fronts.contains(front)).count();
                assert_eq!(times, if *front == Front::CommandLine { 2 } else { 1 }, "{front:?}");
            }
        }
        let fronts = &[Front::NewestGdb, Front::CommandLine];
        let one = Case { name: "a", commands: &[], fronts, modes };
        assert_eq!(one.fronts_in(Mode::Core), fronts);
    }
}
