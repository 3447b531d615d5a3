//! Tables: columns as wide as their widest cell, cut to the terminal where they must be.

use std::borrow::Cow;
use std::io;

use super::style::{self, Out, Style, escaped, fit_end, fit_ends, fit_start};

/// A cell's text and style.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    pub(super) style: Style,
    /// What it keeps when its column is narrow.
    keeps: Keeps,
    /// What it says where the terminal has no room for all of it; `None` for the same.
    short: Option<String>,
    /// So many bytes at its start are dim.
    dim: usize,
}

/// What of a text stays where there is no room for all of it.
#[derive(Clone, Copy, Debug)]
enum Keeps {
    /// Of words: they are read from their start.
    Start,
    End,
    /// Of a name: how it begins and its last part.
    Ends,
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::styled(text, Style::Plain)
    }

    /// A sentence or the like, which is read from its start.
    pub(super) fn words(text: impl Into<String>) -> Self {
        Self { keeps: Keeps::Start, ..Self::plain(text) }
    }

    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        let text = text.into();
        Self { text: safe(text), style, keeps: Keeps::End, short: None, dim: 0 }
    }

    /// The same in that style.
    pub(super) fn in_style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// The same with what it says where there is little room.
    pub(super) fn or_short(self, short: String) -> Self {
        Self { short: Some(safe(short)), keeps: Keeps::Ends, ..self }
    }

    /// The same, dim up to that byte.
    pub(super) fn dim_to(self, dim: usize) -> Self {
        Self { dim, ..self }
    }

    /// All that it says.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Whether it says the same as another one.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.text == other.text
    }

    fn short(&self) -> &str {
        self.short.as_deref().unwrap_or(&self.text)
    }
}

/// The text as it is written: with its width.
fn safe(text: String) -> String {
    match escaped(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(safe) => safe,
    }
}

/// Between two columns.
const GAP: usize = 2;

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its heading.
    pub(super) heading: &'static str,
    /// How it gives way when the terminal is too narrow.
    pub(super) cut: Cut,
}

/// How a column gives way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// Not at all.
    Never,
    /// Its cells are cut, before those of columns of a higher rank are.
    Cells { rank: u8 },
    /// It is left out, before any other gives way.
    Whole,
}

impl Cut {
    fn rank(self) -> Option<u8> {
        match self {
            Self::Never | Self::Whole => None,
            Self::Cells { rank } => Some(rank),
        }
    }
}

/// A column is not made narrower than this to fit the terminal.
const NARROWEST: usize = 16;

/// Columns with their widths.
pub(super) struct Table<'c> {
    columns: &'c [Column],
    widths: Vec<usize>,
    /// Their widths with every cell short.
    short_widths: Vec<usize>,
    /// Whether cells are short.
    is_short: bool,
}

impl<'c> Table<'c> {
    /// Columns as wide as their headings.
    pub(super) fn new(columns: &'c [Column]) -> Self {
        let widths: Vec<usize> =
            columns.iter().map(|column| style::columns(column.heading)).collect();
        Self { columns, short_widths: widths.clone(), widths, is_short: false }
    }

    /// Widens the columns to hold a row.
    pub(super) fn hold(&mut self, row: &[Cell]) {
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = (*width).max(style::columns(&cell.text));
        }
        for (width, cell) in self.short_widths.iter_mut().zip(row) {
            *width = (*width).max(style::columns(cell.short()));
        }
    }

    /// Makes a row after its margin fit in `total` columns of the terminal: leaves out columns, then
    /// makes cells short, then narrows the columns, lowest rank first and the widest of a rank first,
    /// until nothing gives way any more.
    pub(super) fn fit(&mut self, total: Option<usize>, margin: usize) {
        let Some(total) = total else { return };
        let sum = |widths: &[usize]| {
            let shown = widths.iter().filter(|width| **width > 0);
            margin + shown.map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
        };
        if sum(&self.widths) > total {
            for (column, width) in self.columns.iter().zip(&mut self.widths) {
                if column.cut == Cut::Whole {
                    *width = 0;
                }
            }
        }
        if sum(&self.widths) > total {
            self.is_short = true;
            for (width, short) in self.widths.iter_mut().zip(&self.short_widths) {
                *width = (*width).min(*short);
            }
        }
        loop {
            let sum = sum(&self.widths);
            let Some(excess) = sum.checked_sub(total).filter(|excess| *excess > 0) else { return };
            let giving = (0..self.widths.len())
                .filter(|at| self.widths[*at] > NARROWEST)
                .filter_map(|at| Some((self.columns[at].cut.rank()?, at)));
            let first = giving.min_by_key(|(rank, at)| (*rank, usize::MAX - self.widths[*at]));
            let Some((rank, at)) = first else { return };
            // Down to the next widest of the same rank, so that they narrow together.
            let next = (0..self.widths.len())
                .filter(|other| *other != at && self.columns[*other].cut.rank() == Some(rank))
                .map(|other| self.widths[other])
                .max()
                .unwrap_or(0)
                .max(NARROWEST);
            let step = self.widths[at].saturating_sub(next).clamp(1, excess);
            self.widths[at] -= step;
        }
    }

    /// Writes the headings.
    pub(super) fn headings(&self, margin: &str, out: &mut Out<'_>) -> io::Result<()> {
        let row: Vec<Cell> =
            self.columns.iter().map(|c| Cell::styled(c.heading, Style::Heading)).collect();
        self.row(margin, &row, out)
    }

    /// Writes a row after its margin.
    pub(super) fn row(&self, margin: &str, row: &[Cell], out: &mut Out<'_>) -> io::Result<()> {
        out.put(Style::Plain, margin)?;
        for (index, (cell, width)) in row.iter().zip(&self.widths).enumerate() {
            if *width == 0 && !cell.text.is_empty() {
                continue;
            }
            let fit = match cell.keeps {
                Keeps::Start => fit_start,
                Keeps::End => fit_end,
                Keeps::Ends => fit_ends,
            };
            let whole = if self.is_short { cell.short() } else { &cell.text };
            let text = fit(whole, *width);
            let dim = match (&text, text.split_at_checked(cell.dim)) {
                (Cow::Borrowed(_), Some((dim, _))) if !self.is_short => dim.len(),
                _ => 0,
            };
            out.put(Style::Dim, &text[..dim])?;
            out.put(cell.style, &text[dim..])?;
            let mut rest = row[index + 1..].iter().zip(&self.widths[index + 1..]);
            if rest.all(|(cell, width)| cell.text.is_empty() || *width == 0) {
                break;
            }
            let pad = width.saturating_sub(style::columns(&text)) + GAP;
            out.put(Style::Plain, format_args!("{:pad$}", ""))?;
        }
        out.end()
    }
}
