//! `async apply`.

use clap::Parser;

use super::task::state_alone;
use super::{Front, Run, execute, split};
use crate::failure::Failure;
use crate::selection::find;
use report_text::text::style::escaped;

/// Run a command for each of several tasks
///
/// COMMAND is an unhang command, with or without the word `async`: `async apply all locals`, `async
/// apply 14 15 bt --locals`. It runs as if the task were selected; the selection stays as it was.
#[derive(Parser)]
#[command(override_usage = "async apply <ID>...|all <COMMAND>")]
pub(crate) struct Apply {
    /// Ids of the tasks, or `all`, then the command
    #[arg(value_name = "ID...|all COMMAND", required = true)]
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

impl Run for Apply {
    fn run(self, front: &mut dyn Front) -> Result<(), Failure> {
        let (ids, line) = split_ids_from_command(&self.words)?;
        let report = front.report()?;
        let ids: Vec<String> = match ids {
            [all] if all == "all" => report.tasks.iter().map(|task| task.id.0.clone()).collect(),
            ids => ids.to_vec(),
        };
        let before = front.selection().clone();
        let mut outcome = Ok(());
        for (index, id) in ids.iter().enumerate() {
            // The command for an earlier task may have let the process go on.
            outcome = front.report().and_then(|report| {
                let task = find(&report, id)?;
                front.selection().select(task);
                if index > 0 {
                    writeln!(front.out())?;
                }
                // A backtrace has a heading of its own.
                if !line.starts_with("async bt") {
                    front.say(format_args!(
                        "[Task {} ({})]",
                        task.id.0,
                        state_alone(task.state)
                    ))?;
                }
                execute(&line, front)
            });
            outcome = match outcome {
                // What cannot be done for one task can perhaps be done for the next.
                Err(Failure::Sentence(text)) => {
                    text.lines().try_for_each(|line| front.say(format_args!("{line}")))
                }
                other => other,
            };
            if outcome.is_err() {
                break;
            }
        }
        *front.selection() = before;
        outcome
    }
}

/// The ids, and the command with all its words.
fn split_ids_from_command(words: &[String]) -> Result<(&[String], String), Failure> {
    for at in 1..words.len() {
        let rest = shlex::try_join(words[at..].iter().map(String::as_str))
            .map_err(|_| Failure::sentence("A command cannot contain zero bytes."))?;
        let line = [rest.clone(), format!("async {rest}")].into_iter().find_map(|line| {
            let (command, _) = split(&line)?;
            Some((command.name, line))
        });
        match line {
            Some(("async apply", _)) => {
                return Err(Failure::sentence("`async apply` cannot run itself."));
            }
            Some((_, line)) => return Ok((&words[..at], line)),
            None => {}
        }
    }
    let command = words.get(1..).unwrap_or_default().join(" ");
    Err(Failure::Sentence(match command.is_empty() {
        true => "The command to run is missing. For example: `async apply all bt`.".to_string(),
        false => format!(
            "No unhang command starts with `{}`. For example: `async apply all bt`.",
            escaped(&command)
        ),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Result<(Vec<String>, String), String> {
        let words: Vec<String> = line.split(' ').map(str::to_string).collect();
        let (ids, line) = split_ids_from_command(&words).map_err(|failure| failure.to_string())?;
        Ok((ids.to_vec(), line))
    }

    #[test]
    fn ids_come_before_the_command() {
        let ids = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(parts("all bt"), Ok((ids(&["all"]), "async bt".into())));
        let expected = Ok((ids(&["14", "main"]), "async bt --locals".into()));
        assert_eq!(parts("14 main async bt --locals"), expected);
        assert!(parts("14").expect_err("no command").starts_with("The command to run is missing."));
        assert!(parts("14 print-it").expect_err("none of ours").contains("`print-it`"));
        assert!(parts("all apply 1 bt").expect_err("no end").contains("cannot run itself"));
    }
}
