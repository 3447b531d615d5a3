//! What `shapes` reads like however it was built: the report, without what depends on what the
//! compiler inlined.

use crate::neutral::{Rules, numbered, plain};

static RULES: Rules = Rules::new(&[
    // A future that is written by hand has its `poll` as its place, if that was not inlined
    // everywhere.
    (r"(?m)^(#\d+ .*?) +\S+:\d+\n[ │]+\d+ │ +fn poll\(.*\n", "$1\n"),
    (r"(?m)^[ │]+\d+ │.*\n", ""),
    (r"\n +(│ +)?at (\S+:\d+)", "  $2"),
    (r"(?m) +library/\S+:\d+$", ""),
    // Where the futures that threads block on are kept depends on the registers.
    (r"(?m)^ *note: .*\n", ""),
    (r"(?m)^ +b\d+ .*\n", ""),
    (r"(?m)^block_on future b\d+(.*\n)+?\n", ""),
    // Debian's vendored crates do not say their version.
    (r"\btokio-\d+\.\d+\.\d+/", "tokio/"),
    (r"(?m)^tokio( \d+\.\d+\.\d+)? ·", "tokio ·"),
    (r": tokio( \d+\.\d+\.\d+)? ·", ": tokio ·"),
    // Columns are as wide as what stands in them.
    (r"(\S)  +", "$1  "),
    // As `neutral` has it.
    (r"Thread +State", "Thread     State"),
]);

/// The report, neutral, without what differs from build to build.
#[must_use]
pub fn of_any_build(report: &str) -> String {
    numbered(&RULES.apply(&plain(report)))
}
