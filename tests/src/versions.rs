//! What the story reads like with any version of tokio: the report, without what is the version's
//! own.

use regex_lite::Regex;

use crate::neutral::Rules;

/// The report without the frames of libraries, which every version has others of.
pub const COMMAND: &str = "async dump --user";

/// What is said where tasks have no ids of their own: before 1.18.
pub const NO_IDS: &str = "The ids are positions in the runtime's task lists";

static RULES: Rules = Rules::new(&[
    (r"tokio \d+\.\d+\.\d+", "tokio VERSION"),
    // The scheduler, and the table of its workers.
    (r"(current_thread|multi_thread) · (1 worker|2 workers, both|2 workers), parked", "SCHEDULER"),
    (r"multi_thread · 2 workers, both parked", "SCHEDULER"),
    (r"(?m)^  Worker  .*\n(  \d .*\n)+", ""),
    (r"(?m)^  (Queued for any worker|Blocking pool): .*\n", ""),
    // What is not so with every scheduler, or build.
    (r"(?m)^This list would miss a current_thread runtime .*\n", ""),
    (r"(?m)^The ids are positions in the runtime's task lists, .*\n", ""),
    (r"(?m)^Tasks that were spawned but never polled are not listed: .*\n", ""),
    (r"(?m)^ *note: the debug information does not locate this future: .*\n", ""),
    // Recorded since 1.46 with `tokio_unstable`.
    (r", spawned at src/main.rs:\d+", ""),
    // Frames are numbered with those that are not shown.
    (r"#\d+", "#N"),
    (r"\(\d+ library frames? (is|are) not shown\)", "(library frames are not shown)"),
    (r"\(fd \d+\)", "(fd N)"),
    (r"(thread \d+) \(tid \d+\)", "$1"),
    // Columns are as wide as what stands in them.
    (r"(?m) +$", ""),
    (r"(\S)  +", "$1  "),
]);

/// The report without what differs from version to version, and with the tasks numbered in the
/// order in which they wait for the lock: 1 is the one that holds it.
#[must_use]
pub fn of_any_version(report: &str) -> String {
    RULES.apply(&renumbered(report))
}

/// The same with the tasks' numbers counted from 1, in the order of their lines.
fn renumbered(report: &str) -> String {
    let line = Regex::new(r"(?m)^[* ] (\d+) +[a-z]+ ").expect("a valid pattern");
    let list = report.split("Runtime 0:").next().unwrap_or_default();
    let ids: Vec<&str> =
        line.captures_iter(list).filter_map(|found| Some(found.get(1)?.as_str())).collect();
    let number = Regex::new(r"\d+").expect("a valid pattern");
    let mention = Regex::new(r"(?m)^[* ] \d+ +[a-z]+ |[Tt]asks? \d+((, \d+)* and \d+)?")
        .expect("a valid pattern");
    let renumber = |text: &str| {
        let other = |found: &regex_lite::Captures<'_>| {
            let place = ids.iter().position(|id| *id == &found[0]);
            place.map_or_else(|| found[0].to_string(), |place| (place + 1).to_string())
        };
        number.replace_all(text, other).into_owned()
    };
    mention.replace_all(report, |found: &regex_lite::Captures<'_>| renumber(&found[0])).into_owned()
}

/// The lines in an order of their own. Before 1.9 each worker has a list of its tasks, and which of
/// them is whose differs from run to run.
#[must_use]
pub fn lines_sorted(text: &str) -> Vec<String> {
    let task = Regex::new(r"\b(tasks?|Tasks?) \d+((, \d+)* and \d+)?|^  \d+  ").expect("valid");
    let mut lines: Vec<String> =
        text.lines().map(|line| task.replace_all(line, "$1 ID").into_owned()).collect();
    lines.sort();
    lines
}
