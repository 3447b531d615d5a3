//! Colour, and text that cannot do harm.
//!
//! All text goes through [`Out`], which escapes what a terminal would obey or could be misled by,
//! and which alone writes the sequences of a style. So nothing that a process says of itself (paths,
//! names of types, threads and children, values) reaches a terminal as anything but characters.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io::{self, Write};

use unicode_width::UnicodeWidthChar;

use super::Look;

/// What a piece of text is. The colours are those of gdb's own default styles
/// (gdb manual, "Output Styling").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// No colour.
    Plain,
    /// A heading.
    Heading,
    /// A function of the user's.
    Function,
    /// A file of the user's.
    File,
    /// What belongs to a library.
    Dim,
    /// Something that needs attention.
    Warning,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Heading => "1",
            Self::Function => "33",
            Self::File => "32",
            Self::Dim => "2",
            Self::Warning => "31",
        }
    }
}

/// Where text goes, a line after the other. It is the only way to write text: there is none to the
/// writer behind it.
pub struct Out<'w> {
    out: &'w mut dyn Write,
    styled: bool,
}

impl<'w> Out<'w> {
    /// Text for that writer, coloured or not as the look wants it.
    pub fn new(out: &'w mut dyn Write, look: &Look) -> Self {
        Self { out, styled: look.styled }
    }

    /// Text without colours.
    pub fn plain(out: &'w mut dyn Write) -> Self {
        Self { out, styled: false }
    }

    /// Writes a part of a line. What it has of control characters is escaped, line ends too.
    ///
    /// # Errors
    /// What the writer returns.
    pub fn put(&mut self, style: Style, text: impl Display) -> io::Result<()> {
        let is_styled = self.styled && style != Style::Plain;
        let mut escaping = Escaping { out: self.out, before: "", error: None };
        let code = if is_styled { format!("\x1b[{}m", style.code()) } else { String::new() };
        escaping.before = &code;
        let written = fmt::write(&mut escaping, format_args!("{text}"));
        let (is_empty, error) = (escaping.before == code, escaping.error.take());
        if written.is_err() {
            return Err(error.unwrap_or_else(|| io::Error::other("text that cannot be made")));
        }
        if is_styled && !is_empty { self.out.write_all(b"\x1b[m") } else { Ok(()) }
    }

    /// Ends the line.
    ///
    /// # Errors
    /// What the writer returns.
    pub fn end(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// Writes a line.
    ///
    /// # Errors
    /// What the writer returns.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        self.styled_line(Style::Plain, text)
    }

    /// Writes a line in a style.
    ///
    /// # Errors
    /// What the writer returns.
    pub fn styled_line(&mut self, style: Style, text: impl Display) -> io::Result<()> {
        self.put(style, text)?;
        self.end()
    }

    /// Writes a line in a style, behind a margin that has none.
    ///
    /// # Errors
    /// What the writer returns.
    pub(super) fn indented(
        &mut self,
        margin: impl Display,
        style: Style,
        text: impl Display,
    ) -> io::Result<()> {
        self.put(Style::Plain, margin)?;
        self.styled_line(style, text)
    }
}

/// Formats into a writer, escaped, and writes something before the first character.
struct Escaping<'w, 's> {
    out: &'w mut dyn Write,
    before: &'s str,
    error: Option<io::Error>,
}

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.is_empty() {
            return Ok(());
        }
        let before = std::mem::take(&mut self.before);
        let mut write = || -> io::Result<()> {
            self.out.write_all(before.as_bytes())?;
            self.out.write_all(escaped(text).as_bytes())
        };
        write().map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}

/// Whether a terminal could obey a character, or show the text around it in another order: control
/// characters (C0, DEL, C1), separators of lines, and what turns the direction of text
/// (Unicode 16, "Bidirectional Ordering Controls").
#[must_use]
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The text with what could do harm in a terminal escaped.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match is_harmful(character) {
            true => safe.extend(character.escape_default()),
            false => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// The same for text of several lines.
#[must_use]
pub fn escaped_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escaped).collect();
    lines.join("\n")
}

/// The columns of a terminal that text takes: a wide character takes two, a combining one none.
pub(super) fn columns(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.chars().map(columns_of).sum(),
    }
}

fn columns_of(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// The start of the text, in `width` columns at most.
pub(crate) fn fit_start(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let mut left = width.saturating_sub(1);
    let is_too_much = |character: char| match left.checked_sub(columns_of(character)) {
        Some(less) => {
            left = less;
            false
        }
        None => true,
    };
    let end = text.find(is_too_much).unwrap_or(text.len());
    Cow::Owned(format!("{}…", text[..end].trim_end()))
}

/// The end of the text, in at most `width` columns, with `…` in place of what was before: of a
/// path, the end says most. A path is cut at a `::` or `/` where one is near.
#[must_use]
pub(crate) fn fit_end(text: &str, width: usize) -> Cow<'_, str> {
    let mut over = columns(text);
    if over <= width {
        return Cow::Borrowed(text);
    }
    over -= width.saturating_sub(1);
    let is_kept = |character: char| {
        let is_kept = over == 0;
        over = over.saturating_sub(columns_of(character));
        is_kept
    };
    let start = text.find(is_kept).unwrap_or(text.len());
    let separators = [':', '/'];
    let kept = text[start..].trim_start_matches(separators).trim_start();
    let at_border = kept.len() < text.len() - start || text[..start].ends_with(separators);
    // Not beyond half of what would be kept.
    let near = match at_border {
        true => "",
        false => &kept[..kept.floor_char_boundary(kept.len() / 2)],
    };
    let clean = match (near.find("::"), near.find('/')) {
        (Some(path), Some(file)) => Some((path + 2).min(file + 1)),
        (Some(path), None) => Some(path + 2),
        (None, Some(file)) => Some(file + 1),
        (None, None) => None,
    };
    Cow::Owned(format!("…{}", &kept[clean.unwrap_or(0)..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_do_harm_is_escaped() {
        assert_eq!(escaped("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(
            escaped("\u{9b}2J\u{7f}\u{202e}é\u{2066}"),
            "\\u{9b}2J\\u{7f}\\u{202e}é\\u{2066}"
        );
        assert_eq!(escaped_lines("a\x1b[31mé\nb\r"), "a\\u{1b}[31mé\nb\\r");
        assert!(matches!(escaped("é → 漢"), Cow::Borrowed(_)));
    }

    #[test]
    fn only_a_style_writes_sequences() {
        let write = |styled| {
            let mut bytes = Vec::new();
            let mut out = Out { out: &mut bytes, styled };
            out.put(Style::Dim, "é\x1b[31m").expect("a vector");
            out.put(Style::Heading, "").expect("a vector");
            out.line("\x1b]0;title\x07\n").expect("a vector");
            String::from_utf8(bytes).expect("text")
        };
        let safe = "\\u{1b}]0;title\\u{7}\\n\n";
        assert_eq!(write(true), format!("\x1b[2mé\\u{{1b}}[31m\x1b[m{safe}"));
        assert_eq!(write(false), format!("é\\u{{1b}}[31m{safe}"));
    }

    #[test]
    fn a_path_keeps_its_end() {
        assert_eq!(fit_end("abcdef", 6), "abcdef");
        assert_eq!(fit_end("abcdef", 4), "…def");
        assert_eq!(fit_end("async block in main", 14), "…block in main");
        assert_eq!(fit_start("held by task 4", 8), "held by…");
        assert_eq!(fit_start("held", 4), "held");
        assert_eq!(fit_end("shop::stock::reserve", 18), "…stock::reserve");
        assert_eq!(fit_end("shop::stock::reserve", 16), "…stock::reserve");
        assert_eq!(fit_end("shop::stock::reserve", 15), "…stock::reserve");
        assert_eq!(fit_end("crates/shop/src/stock.rs:31", 20), "…src/stock.rs:31");
    }

    #[test]
    fn text_is_as_wide_as_a_terminal_shows_it() {
        assert_eq!(["ab", "é", "e\u{301}", "漢字", "│ …"].map(columns), [2, 1, 1, 4, 3]);
        assert_eq!(fit_start("漢字漢字", 8), "漢字漢字");
        assert_eq!(fit_start("漢字漢字", 7), "漢字漢…");
        assert_eq!(fit_start("漢字漢字", 6), "漢字…", "half a character is none");
        assert_eq!(fit_end("漢字漢字", 7), "…字漢字");
        assert_eq!(fit_end("漢字漢字", 6), "…漢字", "half a character is none");
    }
}
