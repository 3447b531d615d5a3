//! What may come next on a command line.

use runtime_layouts::report::Report;

use crate::commands::{Command, Completes};

/// Completions of the word at the end of `text`, which is what was typed after the command's name.
///
/// A debugger may see the last word as several (gdb breaks words at `-`): `word` is what it thinks
/// is the word, and the answers replace just that. `None` when the word is a file's name.
pub(crate) fn complete(
    command: &Command,
    text: &str,
    word: &str,
    report: impl FnOnce() -> Option<std::sync::Arc<Report>>,
) -> Option<Vec<String>> {
    let last = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    if command.completes == Completes::Subcommands && last.len() < text.trim_start().len() {
        return None;
    }
    // What the debugger holds for finished.
    let Some(kept) = last.strip_suffix(word) else { return Some(Vec::new()) };
    let candidates = candidates(command, text, last, report);
    let fitting = candidates.into_iter().filter(|candidate| candidate.starts_with(last));
    Some(fitting.map(|candidate| candidate[kept.len()..].to_owned()).collect())
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
        Completes::Options => Vec::new(),
        Completes::Subcommands => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::split;
    use crate::commands::tests::{report, task};

    fn completions(line: &str, word: &str) -> Vec<String> {
        let (command, text) = split(line).expect("a command");
        let tasks = vec![task("main", 1, None), task("12", 2, None), task("17", 3, None)];
        complete(command, text, word, || Some(std::sync::Arc::new(report(tasks))))
            .expect("no file name")
    }

    #[test]
    fn file_names_are_left_to_the_debugger() {
        let (command, text) = split("async layouts load a").expect("a command");
        assert_eq!(complete(command, text, "a", || None), None);
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
        assert!(completions("info async-tasks --with r", "r").is_empty());
        assert_eq!(completions("async layouts l", "l"), ["load"]);
        assert!(completions("async bt x", "y").is_empty(), "a word that is not there");
    }
}
