//! Tables: columns as wide as their widest cell, the last ones cut to the terminal.

use std::io::{self, Write};

use super::style::{Style, fit, styled};

/// A cell's text and style.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::Plain }
    }

    pub(super) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// Between two columns.
const GAP: usize = 2;
/// A column is not made narrower than this to fit the terminal.
const NARROWEST: usize = 12;

/// The widths of columns.
pub(super) struct Columns {
    widths: Vec<usize>,
}

impl Columns {
    /// Columns that hold these headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        Self { widths: headings.iter().map(|heading| heading.chars().count()).collect() }
    }

    /// Widens the columns to hold a row.
    pub(super) fn hold(&mut self, row: &[Cell]) {
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.chars().count());
        }
    }

    /// Narrows the widest columns until a row, after a margin, fits in `total` columns.
    pub(super) fn fit(&mut self, total: Option<usize>, margin: usize) {
        let Some(total) = total else { return };
        let gaps = margin + GAP * self.widths.len().saturating_sub(1);
        loop {
            let sum: usize = self.widths.iter().sum::<usize>() + gaps;
            let widest = self.widths.iter_mut().max_by_key(|width| **width);
            match widest {
                Some(width) if sum > total && *width > NARROWEST => *width -= 1,
                _ => return,
            }
        }
    }

    /// Writes a row after its margin.
    pub(super) fn write(
        &self,
        margin: &str,
        row: &[Cell],
        colour: bool,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write!(out, "{margin}")?;
        for (index, (cell, width)) in row.iter().zip(&self.widths).enumerate() {
            let text = fit(&cell.text, *width);
            write!(out, "{}", styled(&text, cell.style, colour))?;
            let rest_is_empty = row[index + 1..].iter().all(|cell| cell.text.is_empty());
            if rest_is_empty {
                break;
            }
            let pad = width.saturating_sub(text.chars().count()) + GAP;
            write!(out, "{:pad$}", "")?;
        }
        writeln!(out)
    }
}

/// A row of headings.
pub(super) fn headings(names: &[&str]) -> Vec<Cell> {
    names.iter().map(|name| Cell::styled(*name, Style::Heading)).collect()
}
