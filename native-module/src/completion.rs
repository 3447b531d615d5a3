//! What may come next on a command line.

use runtime_layouts::report::Report;

use crate::commands::{Command, Completes};

/// Completions of the word at the end of `text`, which is what was typed after the command's name.
///
/// A debugger may see the last word as several (gdb breaks words at `-`): `word` is what it thinks
/// is the word, and the answers replace just that.
pub(crate) fn complete(
    command: &Command,
    text: &str,
    word: &str,
    report: impl FnOnce() -> Option<std::sync::Arc<Report>>,
) -> Vec<String> {
    let last = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    // What the debugger holds for finished.
    let Some(kept) = last.strip_suffix(word) else { return Vec::new() };
    candidates(command, text, last, report)
        .into_iter()
        .filter(|candidate| candidate.starts_with(last))
        .map(|candidate| candidate[kept.len()..].to_owned())
        .collect()
}

fn candidates(
    command: &Command,
    text: &str,
    last: &str,
    report: impl FnOnce() -> Option<std::sync::Arc<Report>>,
) -> Vec<String> {
    let definition = command.definition();
    let mut before = text[..text.len() - last.len()].split_whitespace().rev();
    let previous = before.next();
    let option = previous.and_then(|word| word.strip_prefix("--")).and_then(|name| {
        definition.get_arguments().find(|argument| argument.get_long() == Some(name))
    });
    if let Some(option) = option.filter(|option| option.get_action().takes_values()) {
        let values = option.get_possible_values();
        return values.iter().map(|value| value.get_name().to_owned()).collect();
    }
    if last.starts_with('-') {
        return definition
            .get_arguments()
            .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
            .collect();
    }
    match command.completes {
        Completes::Options if previous.is_none() => {
            let values = definition.get_positionals().next().map(clap::Arg::get_possible_values);
            values.iter().flatten().map(|value| value.get_name().to_owned()).collect()
        }
        Completes::Options => Vec::new(),
        Completes::OptionsAndFile => files(last),
        Completes::SubcommandsAndFile if previous.is_some() => files(last),
        Completes::SubcommandsAndFile => {
            definition.get_subcommands().map(|command| command.get_name().to_owned()).collect()
        }
        Completes::TaskId if previous.is_some_and(|word| !word.starts_with('-')) => Vec::new(),
        Completes::TaskId | Completes::TaskIds => {
            let all = (command.completes == Completes::TaskIds).then(|| "all".to_owned());
            let tasks = report();
            let tasks = tasks.iter().flat_map(|report| &report.tasks);
            all.into_iter().chain(tasks.map(|task| task.id.0.clone())).collect()
        }
    }
}

/// The files and folders in the folder that `start` names. Folders end in a slash.
fn files(start: &str) -> Vec<String> {
    let folder = &start[..start.rfind('/').map_or(0, |slash| slash + 1)];
    let entries = std::fs::read_dir(if folder.is_empty() { "." } else { folder });
    let mut files: Vec<String> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            Some(format!("{folder}{}{slash}", entry.file_name().to_str()?))
        })
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::split;
    use crate::commands::tests::{report, task};

    fn completions(line: &str, word: &str) -> Vec<String> {
        let (command, text) = split(line).expect("a command");
        let tasks = vec![task("main", 1, None), task("12", 2, None), task("17", 3, None)];
        complete(command, text, word, || Some(std::sync::Arc::new(report(tasks))))
    }

    #[test]
    fn files_and_folders() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
        let line = |name| format!("async layouts load {folder}{name}");
        assert_eq!(completions(&line("comp"), "comp"), ["completion.rs"]);
        assert_eq!(completions(&line("comm"), "comm"), ["commands/"]);
        assert!(completions(&line("none/x"), "x").is_empty());
    }

    #[test]
    fn task_ids() {
        assert_eq!(completions("async bt ", ""), ["all", "main", "12", "17"]);
        assert_eq!(completions("async bt 12 1", "1"), ["12", "17"]);
        assert_eq!(completions("async task m", "m"), ["main"]);
        assert!(completions("async task 12 ", "").is_empty(), "it takes one");
        assert!(completions("async frame ", "").is_empty());
    }

    #[test]
    fn options_and_their_values() {
        assert_eq!(completions("async bt --f", "f"), ["full-names"], "gdb breaks at dashes");
        assert_eq!(completions("async bt --f", "--f"), ["--full-names"]);
        assert_eq!(completions("async bt --full-n", "n"), ["names"]);
        assert_eq!(completions("info async-tasks --state r", "r"), ["running"]);
        assert_eq!(completions("async tasks --waiting-on s", "s")[..2], ["semaphore", "sleep"]);
        assert_eq!(completions("async tasks --waiting-on ti", "ti"), ["timer"]);
        assert!(completions("info async-tasks --with r", "r").is_empty());
        assert_eq!(completions("async layouts l", "l"), ["load"]);
        assert_eq!(completions("async explain d", "d"), ["deadlock"]);
        assert_eq!(completions("async explain never-w", "w"), ["woken"]);
        assert!(completions("async explain deadlock ", "").is_empty(), "it takes one");
        assert!(completions("async bt x", "y").is_empty(), "a word that is not there");
    }
}
