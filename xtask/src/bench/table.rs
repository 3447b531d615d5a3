//! What was measured, as a table: groups of rows, each about one process.

use std::time::Duration;

use anyhow::Result;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::cache::Cache;
use super::measure::{Job, Measured, in_turn};

/// What a row is measured against: a row of the same group, by its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    /// Nothing.
    Alone,
    /// That one does the same without unhang: the rest is what unhang adds.
    Without(usize),
    /// That one does something of the kind.
    Beside(usize),
}

/// A line of the table.
pub(super) struct Row {
    /// What ran.
    pub(super) what: String,
    /// What unhang remembered when it began.
    pub(super) cache: Cache,
    /// What it took; `None` when it failed.
    pub(super) measured: Option<Measured>,
    base: Base,
    note: String,
}

/// Where a group stands in a plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// In none.
    Nowhere,
    /// With so many tasks.
    Tasks(f64),
    /// With so many bytes of debug information, made up for the measurement.
    DebugInformation(f64),
    /// With so many bytes of the debug information of a real program.
    RealDebugInformation(f64),
}

/// Rows about one process.
pub(super) struct Group {
    title: String,
    /// Where it stands in a plot.
    pub(super) place: Place,
    /// Its rows, in the order in which they were measured.
    pub(super) rows: Vec<Row>,
}

impl Group {
    /// Without rows yet.
    pub(super) fn new(title: impl Into<String>, place: Place) -> Self {
        Self { title: title.into(), place, rows: Vec::new() }
    }

    /// Adds what was timed by other means.
    pub(super) fn add(
        &mut self,
        what: impl Into<String>,
        measured: Measured,
        base: Base,
        note: impl Into<String>,
    ) {
        let (what, note, measured) = (what.into(), note.into(), Some(measured));
        self.rows.push(Row { what, cache: Cache::Unused, measured, base, note });
    }

    /// Adds what could not be measured: the first line of why.
    pub(super) fn add_failure(&mut self, what: impl Into<String>, error: &anyhow::Error) {
        let text = format!("{error:#}");
        let note = format!("failed: {}", text.lines().next().unwrap_or_default());
        let (what, base) = (what.into(), Base::Alone);
        self.rows.push(Row { what, cache: Cache::Unused, measured: None, base, note });
    }

    /// Measures commands in turn, and adds a row for each.
    pub(super) fn measure(&mut self, runs: usize, jobs: Vec<(Job<'_>, Base)>) -> Result<()> {
        let (jobs, bases): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
        let measured = in_turn(runs, &jobs)?;
        for ((job, base), (measured, note)) in jobs.into_iter().zip(bases).zip(measured) {
            let (what, cache, measured) = (job.what, job.cache, Some(measured));
            self.rows.push(Row { what, cache, measured, base, note });
        }
        Ok(())
    }

    fn cells(&self, row: &Row) -> [String; 10] {
        let what = format!("{}: {}", self.title, row.what);
        let (cache, note) = (row.cache.word().to_owned(), row.note.clone());
        let Some(measured) = &row.measured else {
            let none = String::new;
            return [what, cache, none(), none(), none(), none(), none(), none(), none(), note];
        };
        let other = match row.base {
            Base::Alone => None,
            Base::Without(other) | Base::Beside(other) => self.rows[other].measured.as_ref(),
        };
        let ratio = other.map_or_else(String::new, |other| {
            let [one, other] = [measured, other].map(|of| of.median().as_secs_f64());
            format!("{:.2}", one / other)
        });
        let adds = match (row.base, other) {
            (Base::Without(_), Some(other)) => format!("{:.3} s", measured.beyond(other)),
            _ => String::new(),
        };
        let peak = match measured.peak {
            0 => String::new(),
            peak => format!("{} MB", peak >> 20),
        };
        let (from, to) = measured.spread();
        let [median, from, to] = [measured.median(), from, to].map(seconds);
        [what, cache, measured.runs().to_string(), median, from, to, peak, adds, ratio, note]
    }
}

/// All groups, as Markdown has tables.
pub(super) fn table(groups: &[Group]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "what", "cache", "runs", "median", "from", "to", "peak", "adds", "ratio", "note",
    ]);
    for group in groups {
        for row in &group.rows {
            table.add_row(group.cells(row));
        }
    }
    for column in 2..9 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn seconds(time: Duration) -> String {
    format!("{:.3} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(milliseconds: &[u64]) -> Measured {
        Measured::of(milliseconds.iter().copied().map(Duration::from_millis).collect(), 0)
    }

    #[test]
    fn what_unhang_adds_is_the_difference_of_runs_beside_each_other() {
        let mut group = Group::new("10 tasks", Place::Nowhere);
        group.add("gdb", measured(&[100, 900, 120]), Base::Alone, "");
        group.add("gdb, list", measured(&[110, 950, 140]), Base::Without(0), "10 tasks");
        let [what, _, runs, median, from, to, _, adds, ratio, note] = group.cells(&group.rows[1]);
        assert_eq!([what, runs], ["10 tasks: gdb, list", "3"]);
        assert_eq!([median, from, to], ["0.140 s", "0.110 s", "0.950 s"]);
        assert_eq!([adds, ratio, note], ["0.020 s", "1.17", "10 tasks"]);
    }

    #[test]
    fn a_failure_is_a_row() {
        let mut group = Group::new("10 tasks", Place::Nowhere);
        let error = anyhow::anyhow!("it has ended\nmuch more").context("listing");
        group.add_failure("BugStalker", &error);
        let text = table(&[group]).to_string();
        assert!(text.contains("failed: listing: it has ended "), "{text}");
        assert!(!text.contains("much more"), "{text}");
    }
}
