//! Colour, and text that cannot do harm.

use std::borrow::Cow;
use std::fmt;

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

/// Text in a style, when styling is on.
pub(crate) struct Styled<'a> {
    text: Cow<'a, str>,
    style: Style,
    on: bool,
}

/// `text` in a style, with control characters escaped.
pub(crate) fn styled(text: &str, style: Style, on: bool) -> Styled<'_> {
    Styled { text: clean(text), style, on: on && style != Style::Plain && !text.is_empty() }
}

impl fmt::Display for Styled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.on {
            write!(f, "\x1b[{}m{}\x1b[m", self.style.code(), self.text)
        } else {
            f.write_str(&self.text)
        }
    }
}

/// The text with control characters, which a process could send to the terminal, escaped.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(
            text.chars()
                .flat_map(|c| {
                    let escaped: Vec<char> =
                        if c.is_control() { c.escape_default().collect() } else { vec![c] };
                    escaped
                })
                .collect(),
        )
    } else {
        Cow::Borrowed(text)
    }
}

/// The end of the text, in at most `width` columns, with `…` in place of what was before: of a
/// path, the end says most. A path is cut at a `::` or `/` where one is near.
#[must_use]
/// The start of the text, in `width` columns at most.
pub(crate) fn fit_start(text: &str, width: usize) -> Cow<'_, str> {
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    let end = text.char_indices().nth(width.saturating_sub(1)).map_or(text.len(), |(at, _)| at);
    Cow::Owned(format!("{}…", text[..end].trim_end()))
}

pub(crate) fn fit_end(text: &str, width: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= width {
        return Cow::Borrowed(text);
    }
    let skip = count - width.saturating_sub(1);
    let start = text.char_indices().nth(skip).map_or(text.len(), |(at, _)| at);
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
    fn control_characters_are_escaped() {
        assert_eq!(clean("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(styled("é", Style::Dim, true).to_string(), "\x1b[2mé\x1b[m");
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
}
