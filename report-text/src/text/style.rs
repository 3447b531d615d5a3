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
    /// Columns of the terminal; `None` for no limit.
    width: Option<usize>,
}

impl<'w> Out<'w> {
    /// Text for that writer, coloured or not as the look wants it.
    pub fn new(out: &'w mut dyn Write, look: &Look) -> Self {
        Self { out, styled: look.styled, width: look.width }
    }

    /// Text without colours.
    pub fn plain(out: &'w mut dyn Write) -> Self {
        Self { out, styled: false, width: None }
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

impl Out<'_> {
    /// Writes a sentence behind its first margin, in as many lines as the terminal's width asks for,
    /// those after the first behind the other margin.
    ///
    /// # Errors
    /// What the writer returns.
    pub(super) fn paragraph(
        &mut self,
        first: &str,
        rest: &str,
        style: Style,
        text: &str,
    ) -> io::Result<()> {
        // It is as wide as it is written.
        let text = escaped(text);
        let margin = columns(first).max(columns(rest));
        let lines = match self.width {
            Some(width) => lines_of(&text, width.saturating_sub(margin).max(NARROWEST_TEXT)),
            None => vec![&*text],
        };
        for (number, line) in lines.into_iter().enumerate() {
            self.indented(if number == 0 { first } else { rest }, style, line)?;
        }
        Ok(())
    }
}

/// Sentences are not made narrower than this.
const NARROWEST_TEXT: usize = 24;

/// The text in lines of at most `width` columns, but for words that are wider. Names with their
/// generic arguments and what stands in backquotes are words.
fn lines_of(text: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    // The line that is made, and the end of its last word.
    let (mut start, mut end) = (0, 0);
    for word_end in word_ends(text) {
        if columns(&text[start..word_end]) > width && end > start {
            lines.push(&text[start..end]);
            start = end + 1;
        }
        end = word_end;
    }
    lines.push(&text[start..]);
    lines
}

/// Where words end: at blanks that are not within angle brackets, braces or backquotes.
fn word_ends(text: &str) -> Vec<usize> {
    let (mut depth, mut is_quoted, mut before) = (0_usize, false, ' ');
    let mut ends = Vec::new();
    for (at, character) in text.char_indices() {
        match character {
            '`' => is_quoted = !is_quoted,
            '<' | '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            // Not that of an arrow.
            '>' if before != '-' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && !is_quoted => ends.push(at),
            _ => {}
        }
        before = character;
    }
    ends.push(text.len());
    ends
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

/// The text in at most `width` columns, with `…` in place of its middle: of `stock::reserve` the
/// last part stays whole while it can.
pub(crate) fn fit_ends(text: &str, width: usize) -> Cow<'_, str> {
    if columns(text) <= width {
        return Cow::Borrowed(text);
    }
    let last = text.rfind("::").map_or(0, |at| columns(&text[at..]));
    let least = width.saturating_sub(1).div_ceil(2);
    let end = if last + 2 <= width { last.max(least) } else { least };
    let start = fit_start(text, width.saturating_sub(end));
    let mut left = end;
    let is_kept = |(_, character): &(usize, char)| {
        let fits = left.checked_sub(columns_of(*character));
        left = fits.unwrap_or(0);
        fits.is_some()
    };
    let end = text.char_indices().rev().take_while(is_kept).last();
    Cow::Owned(format!("{start}{}", end.map_or("", |(at, _)| &text[at..])))
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
            let mut out = Out { out: &mut bytes, styled, width: None };
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
        assert_eq!(fit_ends("stock::reserve", 14), "stock::reserve");
        assert_eq!(fit_ends("stock::reserve", 12), "st…::reserve");
        assert_eq!(fit_ends("reserve_everything", 9), "rese…hing");
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
    fn sentences_break_between_words_and_names_do_not() {
        assert_eq!(lines_of("one two three", 7), ["one two", "three"]);
        assert_eq!(lines_of("one two three", 13), ["one two three"]);
        assert_eq!(lines_of("", 5), [""]);
        assert_eq!(lines_of("a HashMap<u8, Vec<u8>> b", 6), ["a", "HashMap<u8, Vec<u8>>", "b"]);
        assert_eq!(lines_of("type `async bt 4` now", 9), ["type", "`async bt 4`", "now"]);
        assert_eq!(lines_of("fn(a) -> b is c", 8), ["fn(a) ->", "b is c"]);
        assert_eq!(lines_of("unclosed < is one word", 4), ["unclosed", "< is one word"]);
    }

    #[test]
    fn a_paragraph_hangs_from_its_first_line() {
        let mut bytes = Vec::new();
        let mut out = Out { out: &mut bytes, styled: false, width: Some(30) };
        out.paragraph("1. ", "   ", Style::Plain, "a sentence that is longer than a line\n")
            .expect("");
        let text = String::from_utf8(bytes).expect("text");
        assert_eq!(text, "1. a sentence that is longer\n   than a line\\n\n");
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
