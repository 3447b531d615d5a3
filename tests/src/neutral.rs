//! Takes out of a text what differs from run to run and from machine to machine.

use std::sync::OnceLock;

use regex_lite::Regex;
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

static RULES: Rules = Rules::new(&[
    // Folders: crates, the standard library.
    (r#"[^\s"'(]*/registry/src/[^/\s]+/"#, "<crates>/"),
    (r#"[^\s"'(]*/lib/rustlib/src/rust/"#, "<rust>/"),
    (r"/rustc/[0-9a-f]{40}/", "<rust>/"),
    // Addresses, of memory and of the network.
    (r"0x[0-9a-f]+", "0xADDR"),
    // What a live process alone tells, not a core file: where its files lead, the state of
    // connections and what children are called, when timers are due.
    (r"\b(a connection|a socket|a pipe|a file descriptor) [^\n(]*\(fd \d+\)", "$1 (fd N)"),
    (r"(\(fd N\)(?: to (?:read|write))?) \([^)\n]*\)", "$1"),
    (r"\bchild process \d+(?: \([^)\n]*\))?", "child process N"),
    // Where a cell of a table ends depends on it.
    (r"(\(fd N\)(?: to (?:read|write))?|child process N) \|[^\n]*…", "$1 | …"),
    (r"\b127\.\d+\.\d+\.\d+:\d+", "127.0.0.1:PORT"),
    (r"\b[0-9a-f]{40}\b", "BUILD-ID"),
    (r"\(fd \d+\)", "(fd N)"),
    (r" \((due|overdue) [^)\n]*\)", ""),
    // Processes and threads.
    (r"\b\d+ \(tid \d+\) *", "N (tid N)  "),
    (r"\bThread +State", "Thread     State"),
    (r"\bthread \d+", "thread N"),
    (r"\bb\d\b", "bN"),
    (r"\b(LWP|process|Process|pid|tid) \d+", "$1 N"),
]);

/// The text without addresses, ports, process and thread ids and the folders of
/// this machine, and without spaces at the ends of its lines.
pub fn neutral(text: &str) -> String {
    let text = text
        .replace(&workspace::target().display().to_string(), "<target>")
        .replace(&workspace::root().display().to_string(), "<workspace>");
    let text = RULES.apply(&text);
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::neutral;

    #[test]
    fn takes_out_what_differs() {
        let text = "held by 0x55d0a4c3f2d0 (LWP 77), 127.0.0.1:40123  \n\
                    at /home/me/.cargo/registry/src/index-0123/tokio-1.54.1/src/sync/mutex.rs:453";
        let expected = "held by 0xADDR (LWP N), 127.0.0.1:PORT\n\
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
        let text = "a connection on /run/app.sock (fd 9)";
        assert_eq!(neutral(text), "a connection (fd N)\n");
        let text = "the end of child process 77 (cat)";
        assert_eq!(neutral(text), "the end of child process N\n");
    }

    #[test]
    fn keeps_lines_and_ids() {
        let text = "  14    idle   stock::restock   src/stock.rs:31\n";
        assert_eq!(neutral(text), text);
    }
}
