//! Names that a terminal would obey, in every front: of a socket, a child process, a thread and a text.

use anyhow::{Result, ensure};
use end_to_end_tests::front::{DEBUGGERS, DUMP, Front};
use end_to_end_tests::subjects;
use xtask::fixture::Profile;
use xtask::session::Subject;

/// What a debugger is asked; the command line knows the last of them.
const COMMANDS: &[&str] = &[
    "info async-tasks",
    "info async-tasks --group",
    "async bt all --locals",
    "async why",
    "async why main",
    "async apply all why",
    "async locks",
    "async workers",
    "async apply all locals",
    "async dump --json",
    DUMP,
];

/// Whether nothing in a text is obeyed by a terminal.
fn is_harmless(text: &str) -> bool {
    !text.chars().any(|character| character.is_control() && character != '\n')
}

#[test]
fn no_front_lets_a_terminal_obey_a_name() -> Result<()> {
    let running = subjects::fixture("escapes", Profile::Debug)?;
    let subject = Subject::Process(running.pid());
    for front in DEBUGGERS.iter().chain(&[Front::CommandLine]) {
        let commands = match front {
            Front::CommandLine => &["async dump --json", DUMP],
            _ => COMMANDS,
        };
        let outputs = front.ask(subject, commands)?;
        for (command, output) in commands.iter().zip(&outputs) {
            ensure!(is_harmless(output), "{front:?}, {command}: {output:?}");
        }
        let all = outputs.concat();
        // Both names are shown, the whole of the path and what the kernel keeps of the child's.
        for expected in
            [r"\u{1b}[31mred\u{1b}]0;title\u{7}", r"(\u{1b}[31mred\u{7})", "\\u001b[31mred"]
        {
            ensure!(all.contains(expected), "{front:?} does not show {expected}: {all}");
        }
    }
    Ok(())
}
