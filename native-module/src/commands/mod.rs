//! The commands: what each is called, what it takes, what it does. One file each.

mod apply;
mod bt;
mod connections;
mod down;
mod dump;
mod explain;
mod frame;
mod knowledge;
mod layouts;
mod locals;
mod locks;
mod print;
mod task;
mod tasks;
mod up;
mod whatis;
mod why;
mod workers;

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Parser};
use report_text::text::Look;
use report_text::text::style::{Out, escaped};
use runtime_layouts::knowledge::declared;
use runtime_layouts::layout::source::{KnowledgeText, Provenance};
use runtime_layouts::report::Report;
use runtime_layouts::target::Target;

use crate::failure::Failure;
use crate::selection::Selection;

/// What commands may ask of the debugger's side.
pub(crate) trait Front {
    /// What is in the process now.
    fn report(&mut self) -> Result<Arc<Report>, Failure>;

    /// The process at this stop, for what the report does not have.
    fn target(&mut self) -> Result<Box<dyn Target>, Failure>;

    /// Gives values to the debugger under names of its own: each a name, an address, and the type
    /// as the debug information spells it. Returns the names under which it knows them now; `None`
    /// for one whose type it does not know.
    fn hand_over(
        &mut self,
        values: &[(String, u64, String)],
    ) -> Result<Vec<Option<String>>, Failure>;

    /// The number of the thread that is selected in the debugger.
    fn selected_thread(&mut self) -> Result<Option<u32>, Failure>;

    /// The task and frame that the user selected.
    fn selection(&mut self) -> &mut Selection;

    /// The terminal's properties, with everything else at its default.
    fn look(&mut self) -> Result<Look, Failure>;

    /// Where text goes that `report_text` writes. What a command says itself, it [says](Front::say).
    fn out(&mut self) -> &mut dyn Write;

    /// Says a line.
    fn say(&mut self, text: fmt::Arguments<'_>) -> Result<(), Failure> {
        Ok(Out::plain(self.out()).line(text)?)
    }

    /// Where the layouts of the process and those of loaded files come from.
    fn layouts(&mut self) -> Result<Vec<Provenance>, Failure>;

    /// Loads a layout file, and returns a sentence on what became of it.
    fn load_layouts(&mut self, file: &Path) -> Result<String, Failure>;

    /// The texts in use that declare what types are.
    fn knowledge(&mut self) -> Result<Vec<KnowledgeText>, Failure>;

    /// Loads such a text, and returns what it declares.
    fn load_knowledge(&mut self, file: &Path) -> Result<declared::Summary, Failure>;

    /// Takes the layouts of the program from its twin, and returns a sentence on what became of it.
    fn load_twin(&mut self, twin: &Path) -> Result<String, Failure>;
}

/// What a command does once its words are understood.
trait Run: Parser {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure>;
}

/// What a command's arguments are, for completion.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Completes {
    /// Options, and the values of the first argument where they are a few.
    Options,
    /// One task id.
    TaskId,
    /// Task ids, or `all`.
    TaskIds,
    /// Options and a file's name.
    OptionsAndFile,
    /// Subcommands, then a file's name.
    SubcommandsAndFile,
}

/// One entry of the table.
pub(crate) struct Command {
    /// Its words.
    pub(crate) name: &'static str,
    /// What completion offers.
    pub(crate) completes: Completes,
    definition: fn() -> clap::Command,
    run: fn(&clap::ArgMatches, &mut dyn Front) -> Result<(), Failure>,
}

const fn command<C: Run>(name: &'static str, completes: Completes) -> Command {
    Command {
        name,
        completes,
        definition: C::command,
        run: |matches, front| match C::from_arg_matches(matches) {
            Ok(arguments) => arguments.run(front),
            Err(error) => Err(Failure::Sentence(error.to_string())),
        },
    }
}

/// Every command, in the order in which help lists them.
pub(crate) const COMMANDS: &[Command] = &[
    command::<tasks::Tasks>("info async-tasks", Completes::Options),
    command::<tasks::Tasks>("async tasks", Completes::Options),
    command::<bt::Bt>("async bt", Completes::TaskIds),
    command::<task::Task>("async task", Completes::TaskId),
    command::<frame::Frame>("async frame", Completes::Options),
    command::<up::Up>("async up", Completes::Options),
    command::<down::Down>("async down", Completes::Options),
    command::<locals::Locals>("async locals", Completes::Options),
    command::<print::Print>("async print", Completes::Options),
    command::<workers::Workers>("async workers", Completes::Options),
    command::<locks::Locks>("async locks", Completes::Options),
    command::<connections::Connections>("async connections", Completes::Options),
    command::<whatis::WhatIs>("async whatis", Completes::Options),
    command::<why::Why>("async why", Completes::TaskId),
    command::<explain::Explain>("async explain", Completes::Options),
    command::<apply::Apply>("async apply", Completes::TaskIds),
    command::<dump::Dump>("async dump", Completes::OptionsAndFile),
    command::<layouts::Layouts>("async layouts", Completes::SubcommandsAndFile),
    command::<knowledge::Knowledge>("async knowledge", Completes::SubcommandsAndFile),
];

impl Command {
    /// Its definition, ready to parse and to make help of.
    pub(crate) fn definition(&self) -> clap::Command {
        let help = Arg::new("help").short('h').long("help").help("Show this help");
        (self.definition)()
            .name(self.name)
            .no_binary_name(true)
            .disable_help_subcommand(true)
            .disable_help_flag(true)
            .arg(help.action(ArgAction::Help))
    }

    /// Its usage, in one line.
    pub(crate) fn usage(&self) -> String {
        let usage = self.definition().render_usage().to_string();
        usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned()
    }

    /// What it does, in one line without a full stop.
    pub(crate) fn summary(&self) -> String {
        self.definition().get_about().map(ToString::to_string).unwrap_or_default()
    }

    /// Everything about it, the summary first.
    pub(crate) fn help(&self) -> String {
        let definition = self.definition();
        let about = definition.get_long_about().or(definition.get_about()).cloned();
        // The whole description, but the options in one line each.
        let mut compact = definition.about(about.unwrap_or_default()).term_width(80);
        compact.render_help().to_string().trim_end().to_owned()
    }
}

/// Splits a line into the command that it starts with and the rest.
pub(crate) fn split(line: &str) -> Option<(&'static Command, &str)> {
    COMMANDS.iter().find_map(|command| {
        let mut rest = line.trim_start();
        for word in command.name.split(' ') {
            rest = rest.strip_prefix(word)?;
            let trimmed = rest.trim_start();
            if !rest.is_empty() && trimmed.len() == rest.len() {
                return None;
            }
            rest = trimmed;
        }
        Some((command, rest))
    })
}

/// Runs one line: a command's words, then its arguments.
///
/// # Errors
/// What ended it early. Everything that it wrote before is flushed.
pub(crate) fn execute(line: &str, front: &mut dyn Front) -> Result<(), Failure> {
    let Some((command, rest)) = split(line) else {
        return no_command(line, front);
    };
    let Some(words) = shlex::split(rest) else {
        return Err(Failure::sentence(
            "A quotation mark is not closed, or the line ends with a backslash.",
        ));
    };
    let outcome = match command.definition().try_get_matches_from(words) {
        Ok(matches) => (command.run)(&matches, front),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            writeln!(front.out(), "{}", command.help()).map_err(Failure::from)
        }
        Err(error) => Err(Failure::Sentence(usage_sentence(command, &error))),
    };
    match outcome {
        // The user has seen enough, of what is pending too.
        Err(end @ (Failure::Quit | Failure::Interrupted)) => Err(end),
        other => front.out().flush().map_err(Failure::from).and(other),
    }
}

/// What all commands have in common, in one line without a full stop.
pub(crate) const SUMMARY: &str = "Show the async tasks of a Rust program";

/// The commands that switch what the debugger's own backtraces and lists of threads show, with what
/// each is for. The debuggers' adapters implement them, each in its debugger's way.
const SWITCHES: [(&str, &str); 2] = [
    ("async frames", "Show or hide async frames in the debugger's own backtraces: on or off"),
    ("async thread-names", "Show or hide the task that a thread runs beside its name: on or off"),
];

/// Every command, with what it is for.
fn summaries() -> impl Iterator<Item = (&'static str, String)> {
    let commands = COMMANDS.iter().map(|command| (command.name, command.summary().to_string()));
    commands.chain(SWITCHES.iter().map(|(name, summary)| (*name, (*summary).to_owned())))
}

/// What `async` alone, or with a word that is no command, answers.
fn no_command(line: &str, front: &mut dyn Front) -> Result<(), Failure> {
    let line = line.trim();
    if line == "async" {
        let width = summaries().map(|(name, _)| name.len()).max().unwrap_or(0);
        writeln!(front.out(), "{SUMMARY}\n")?;
        for (name, summary) in summaries() {
            writeln!(front.out(), "{name:width$}  {summary}")?;
        }
        writeln!(
            front.out(),
            "\n`help async bt` or `async bt --help` describes one command in full."
        )?;
        return Ok(front.out().flush()?);
    }
    let names: Vec<_> = summaries().map(|(name, _)| name).collect();
    Err(Failure::Sentence(format!(
        "There is no command `{}`. The commands are: {}.",
        escaped(line),
        names.join(", ")
    )))
}

/// A parse error as a sentence, then the usage.
fn usage_sentence(command: &Command, error: &clap::Error) -> String {
    let text = error.render().to_string();
    let mut sentences = Vec::new();
    for paragraph in text.split("\n\n") {
        let paragraph = paragraph.trim().trim_start_matches("error:").trim_start();
        let paragraph = paragraph.trim_start_matches("tip:").trim_start();
        // No command takes a value that looks like an option.
        let useless = ["Usage:", "For more information", "to pass '-"];
        if useless.iter().any(|start| paragraph.starts_with(start)) {
            continue;
        }
        let joined = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut characters = joined.chars();
        if let Some(first) = characters.next() {
            let sentence: String = first.to_uppercase().chain(characters).collect();
            sentences.push(format!("{}.", sentence.trim_end_matches('.')));
        }
    }
    format!("{}\nUsage: {}", sentences.join(" "), command.usage())
}

#[cfg(test)]
pub(crate) mod tests;
