//! What a list of tasks says of itself.

use anyhow::{Context, Result};
use regex_lite::Regex;

/// The numbers in a list of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// How many there are, by its last line; `block_on` futures are among them.
    pub tasks: usize,
    /// How many lines describe tasks.
    pub lines: usize,
    /// Whether it says that it is complete.
    pub is_complete: bool,
}

impl Listing {
    /// Reads the output of `info async-tasks`.
    pub fn read(text: &str) -> Result<Self> {
        let last = Regex::new(
            r"(?m)^(?:Complete|Incomplete): (\d+) tasks?(?: and (\d+) block_on futures?)? of \d+ runtimes?\.",
        )
        .context("a pattern")?;
        let found = last.captures(text).with_context(|| format!("no last line:\n{text}"))?;
        let numbers = [1, 2].into_iter().filter_map(|group| found.get(group));
        let tasks = numbers.map(|number| number.as_str().parse::<usize>()).sum::<Result<_, _>>();
        let tasks = tasks.context("a number")?;
        // Below the heading, up to an empty line.
        let heading = |line: &&str| !line.trim_start().starts_with("Id ");
        let rows = text.lines().skip_while(heading).skip(1);
        Ok(Self {
            tasks,
            lines: rows.take_while(|line| !line.is_empty()).count(),
            is_complete: text.contains("\nComplete: "),
        })
    }
}
