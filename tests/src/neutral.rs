//! Takes out of a text what differs from run to run and from machine to machine.
//!
//! Addresses and threads get numbers in the order in which they appear, `0xADDR1`, `thread 1 (tid 1)`:
//! what they are differs from run to run, but not which of them are the same. So do workers, from 0.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex_lite::{Captures, Regex};
use xtask::workspace;

/// Patterns with what stands in their place, in this order.
pub struct Rules {
    patterns: &'static [(&'static str, &'static str)],
    compiled: OnceLock<Vec<(Regex, &'static str)>>,
}

impl Rules {
    /// Rules that are compiled when they are first used.
    pub const fn new(patterns: &'static [(&'static str, &'static str)]) -> Self {
        Self { patterns, compiled: OnceLock::new() }
    }

    /// The text with all of them applied.
    pub fn apply(&self, text: &str) -> String {
        let rules = self.compiled.get_or_init(|| {
            let compile = |pattern| Regex::new(pattern).expect("a valid pattern");
            self.patterns.iter().map(|(pattern, instead)| (compile(pattern), *instead)).collect()
        });
        rules.iter().fold(text.to_owned(), |text, (pattern, instead)| {
            pattern.replace_all(&text, *instead).into_owned()
        })
    }
}

/// The sentence of a finding that names a timer, up to where it goes on in the next line.
const WRAPPED_SENTENCE: &str = r"(?m)^(\d+\. [^\n]*\ba timer\b[^\n]*)\n {3}([^\s])";

/// The same of a line of its evidence.
const WRAPPED_EVIDENCE: &str = r"(?m)^( {5}[^\s][^\n]*\ba timer\b[^\n]*)\n {7}([^\s])";

static RULES: Rules = Rules::new(&[
    // Folders: crates, the standard library.
    (r#"[^\s"'(]*/registry/src/[^/\s]+/"#, "<crates>/"),
    (r#"[^\s"'(]*/lib/rustlib/src/rust/"#, "<rust>/"),
    (r"/rustc/[0-9a-f]{40}/", "<rust>/"),
    // What a live process alone tells, not a core file: where its files lead, the state of
    // connections and what children are called, when timers are due. A table cuts long cells, and
    // where depends on how long that is: so what follows in a cut cell goes, too.
    (
        r"(?m)^ +blocks its thread while it waits for [^\n]*\(fd \d+, (?:pipe|terminal)\) to (?:read|write)\n",
        "",
    ),
    (r"(\(fd \d+[^)\n]*\)(?: to (?:read|write))?) \|[^\n]*…", "$1 | …"),
    (r"(\(fd \d+), [^)\n]*\)", "$1)"),
    (r"(\(fd \d+)(?:, [^)\n]*|\))…", "$1)"),
    (r"\b(a connection|a socket|a pipe|a file descriptor) [^\n(]*\(fd \d+\)", "$1 (fd N)"),
    (r"\bthe named pipe /[^\n]*? to (read|write)\n", "the named pipe PATH to $1\n"),
    // What a table cuts within an address.
    (r"\ba connection on \d+\.\d+\.\d+\.\d+:\d+…", "a connection (fd N)"),
    (r"(\(fd N\)(?: to (?:read|write))?) \([^)\n]*\)", "$1"),
    (r"\bchild process \d+(?:…| \([^)\n]*[)…])?", "child process N"),
    (r"(\(fd N\)(?: to (?:read|write))?|child process N) \|[^\n]*…", "$1 | …"),
    (
        r"; (?:that process|process \d+ \([^)\n]*\), which it began,|child process N) itself waits [^\n]*",
        "",
    ),
    (r"\b(server|client) connection (?:from|to) \S+:\d+:", "$1 connection (fd N):"),
    // Addresses of the network.
    (r"\b127\.\d+\.\d+\.\d+:\d+", "127.0.0.1:PORT"),
    (r"\b[0-9a-f]{40}\b", "BUILD-ID"),
    (r"\(fd \d+\)", "(fd N)"),
    // Where a sentence with a timer wraps depends on when that is due: three lines at most are one.
    (WRAPPED_SENTENCE, "$1 $2"),
    (WRAPPED_SENTENCE, "$1 $2"),
    (WRAPPED_SENTENCE, "$1 $2"),
    (WRAPPED_EVIDENCE, "$1 $2"),
    (r" \((due|overdue) [^)\n]*\)", ""),
    // Processes, and the heading over a column of threads.
    (r"\b(process|Process|pid) \d+", "$1 N"),
    (r"\bThread +State", "Thread     State"),
]);

/// The text without ports, process ids and the folders of this machine, with addresses and threads
/// numbered by first appearance, and without spaces at the ends of its lines.
pub fn neutral(text: &str) -> String {
    numbered(&plain(text))
}

/// The same with the addresses and threads as they are: for texts that are put together, or lose
/// lines, before they are numbered.
pub(crate) fn plain(text: &str) -> String {
    let text = text
        .replace(&workspace::target().display().to_string(), "<target>")
        .replace(&workspace::root().display().to_string(), "<workspace>");
    trimmed(&RULES.apply(&text))
}

/// The text with addresses and threads numbered by first appearance.
pub(crate) fn numbered(text: &str) -> String {
    static ADDRESS: OnceLock<Regex> = OnceLock::new();
    static THREAD: OnceLock<Regex> = OnceLock::new();
    static WORKER: OnceLock<Regex> = OnceLock::new();
    let compiled = |pattern| Regex::new(pattern).expect("a valid pattern");
    let address = ADDRESS.get_or_init(|| compiled(r"0x[0-9a-f]+"));
    let thread = THREAD.get_or_init(|| {
        // `3 (tid 77)` in a table, `thread 3`, `thread 3 (tid 77)`, the block_on future `b3`.
        compiled(concat!(
            r"\b(?<words>thread )?(?<number>\d+) \(tid (?<tid>\d+)\) *",
            r"|\b(?<word>thread |b|LWP |tid )(?<alone>\d+)\b",
        ))
    });

    let text = narrowed(text);
    let mut numbers = Numbers::default();
    let text = address.replace_all(&text, |found: &Captures<'_>| {
        format!("0xADDR{}", numbers.of([found[0].to_owned()])[0])
    });
    // Which worker takes a task first is chance.
    let worker = WORKER.get_or_init(|| compiled(r"\bworker (\d+)\b"));
    let mut numbers = Numbers::default();
    let text = worker.replace_all(&text, |found: &Captures<'_>| {
        format!("worker {}", numbers.of([found[1].to_owned()])[0] - 1)
    });
    let mut numbers = Numbers::default();
    let text = thread.replace_all(&text, |found: &Captures<'_>| {
        let part = |name| found.name(name).map_or("", |part| part.as_str());
        let key = |word: &str, number: &str| match word {
            "LWP " | "tid " => format!("tid {number}"),
            _ => number.to_owned(),
        };
        if found.name("tid").is_some() {
            let pair = [key("", part("number")), key("tid ", part("tid"))];
            let [number, tid] = numbers.of(pair);
            format!("{}{number} (tid {tid})  ", part("words"))
        } else {
            let word = part("word");
            let [number] = numbers.of([key(word, part("alone"))]);
            format!("{word}{number}")
        }
    });
    trimmed(&text)
}

/// The text with the column of states in lists of tasks as wide as it is where numbers of threads have
/// one digit each: `blocked (thread 12)` makes it wider than what takes its place, `blocked (thread 1)`.
fn narrowed(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for first in 0..lines.len() {
        let place = |heading| lines[first].find(heading);
        let Some((start, end)) = place("State ").zip(place("Where")).filter(|(a, b)| a < b) else {
            continue;
        };
        let is_row = |line: &&String| line.get(start..end).is_some();
        let length = lines[first..].iter().take_while(is_row).count();
        let table = &mut lines[first..first + length];
        let cell = |line: &str| line[start..end].trim_end().to_owned();
        let wider = |cell: &str| {
            let (_, number) = cell.split_once("(thread ")?;
            Some(number.find(')')?.saturating_sub(1))
        };
        let cells: Vec<String> = table.iter().map(|line| cell(line)).collect();
        let excess: Vec<usize> = cells.iter().map(|cell| wider(cell).unwrap_or(0)).collect();
        let widest = cells.iter().map(String::len).max().unwrap_or(0);
        let narrow = cells.iter().zip(&excess).map(|(cell, excess)| cell.len() - excess).max();
        let less = widest - narrow.unwrap_or(0);
        for ((line, cell), excess) in table.iter_mut().zip(&cells).zip(&excess) {
            let room = (end - start + excess).saturating_sub(less);
            *line = format!("{}{cell:room$}{}", &line[..start], &line[end..]);
        }
    }
    lines.join("\n")
}

/// Numbers from 1, in the order in which things are asked for.
#[derive(Default)]
struct Numbers {
    known: HashMap<String, usize>,
    last: usize,
}

impl Numbers {
    /// The numbers of several names of one thing: the same ones, unless the names have belonged to
    /// different things before.
    fn of<const N: usize>(&mut self, names: [String; N]) -> [usize; N] {
        let known = names.iter().find_map(|name| self.known.get(name).copied());
        let number = known.unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        names.map(|name| *self.known.entry(name).or_insert(number))
    }
}

fn trimmed(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::neutral;

    #[test]
    fn takes_out_what_differs() {
        let text = "held by 0x55d0a4c3f2d0 (LWP 77), 127.0.0.1:40123  \n\
                    at /home/me/.cargo/registry/src/index-0123/tokio-1.54.1/src/sync/mutex.rs:453";
        let expected = "held by 0xADDR1 (LWP 1), 127.0.0.1:PORT\n\
                        at <crates>/tokio-1.54.1/src/sync/mutex.rs:453\n";
        assert_eq!(neutral(text), expected);
    }

    #[test]
    fn takes_out_what_only_a_live_process_tells() {
        for state in ["due in 4.2 s", "overdue by 3 min", "due now"] {
            assert_eq!(neutral(&format!("waits for a timer ({state})")), "waits for a timer\n");
        }
        let text = "a socket to 127.0.0.1:2 (fd 9) to read (established, from 127.0.0.1:1)";
        assert_eq!(neutral(text), "a socket (fd N) to read\n");
        let text = "a socket (fd 9) to read | a socket (fd 10)…";
        assert_eq!(neutral(text), "a socket (fd N) to read | …\n");
        let text = "a connection on /run/app.sock (fd 9)";
        assert_eq!(neutral(text), "a connection (fd N)\n");
        assert_eq!(neutral("a connection on 127.0.0.1:34567…\n"), "a connection (fd N)\n");
        for child in ["77 (cat)", "771…", "77 (c…", "77"] {
            let expected = "the end of child process N\n";
            assert_eq!(neutral(&format!("the end of child process {child}")), expected);
        }
        let text = "a pipe (fd 12) to read; child process 77 (cat) itself waits for this program";
        assert_eq!(neutral(text), "a pipe (fd N) to read\n");
    }

    #[test]
    fn lists_are_as_wide_whatever_numbers_threads_have() {
        let list = |first: &str, second: &str, pad: &str| {
            format!(
                "  Id  State             {pad}Where\n\
                 * 1   idle              {pad}shop::run\n  \
                 2   blocked (thread {first})  shop::lend\n  \
                 3   blocked (thread {second})  shop::lend\n\n\
                 Complete.\n"
            )
        };
        let expected = neutral(&list("3", "4", "  "));
        assert_eq!(neutral(&list("13", "14", "   ")), expected);
        let mixed = list("3", "14", "   ").replace("(thread 3)", "(thread 3) ");
        assert_eq!(neutral(&mixed), expected);
    }

    #[test]
    fn tells_addresses_and_threads_apart() {
        let text = "0x7f10 waits for 0x7f08, 0x7f08 for 0x7f10\n  \
                    0       12 (tid 771)  parked\n  \
                    1       9 (tid 768)   parked\n\
                    block_on future b9 (idle), on thread 9 (tid 768)\n\
                    blocked (thread 12), LWP 768, thread 3\n";
        let expected = "0xADDR1 waits for 0xADDR2, 0xADDR2 for 0xADDR1\n  \
                        0       1 (tid 1)  parked\n  \
                        1       2 (tid 2)  parked\n\
                        block_on future b2 (idle), on thread 2 (tid 2)\n\
                        blocked (thread 1), LWP 2, thread 3\n";
        assert_eq!(neutral(text), expected);
    }

    #[test]
    fn a_thread_with_the_id_of_another_one_is_seen() {
        let text = "3 (tid 771)  parked\n4 (tid 772)  parked\nthread 3 (tid 772)\n";
        let expected = "1 (tid 1)  parked\n2 (tid 2)  parked\nthread 1 (tid 2)\n";
        assert_eq!(neutral(text), expected);
    }

    #[test]
    fn keeps_lines_and_ids() {
        let text = "  14    idle   stock::restock   src/stock.rs:31\n";
        assert_eq!(neutral(text), text);
    }
}
