//! Paths and their parts, with what stands in brackets taken as one.

/// One part of a path, between two `::`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// Its name: `Mutex`, `{impl#10}`, `<A as B>`.
    pub text: &'a str,
    /// What stands between `<` and `>` after it.
    pub arguments: Option<&'a str>,
}

impl Segment<'_> {
    /// With its arguments.
    #[must_use]
    pub fn whole(&self) -> String {
        match self.arguments {
            Some(arguments) => format!("{}<{arguments}>", self.text),
            None => self.text.to_string(),
        }
    }
}

/// The parts of a path, split at each `::` outside brackets.
#[must_use]
pub fn path_segments(path: &str) -> Vec<Segment<'_>> {
    split_outside(path, "::")
        .into_iter()
        .filter(|segment| !segment.is_empty())
        .fold(Vec::new(), |mut segments: Vec<Segment<'_>>, text| {
            match text.find('<') {
                Some(0) | None => segments.push(Segment { text, arguments: None }),
                Some(at) => segments.push(Segment {
                    text: &text[..at],
                    arguments: Some(text[at + 1..].strip_suffix('>').unwrap_or(&text[at + 1..])),
                }),
            }
            segments
        })
        .into_iter()
        .collect()
}

/// Whether a path is one of the standard library's own.
#[must_use]
pub fn is_of_standard_library(path: &str) -> bool {
    ["core::", "alloc::", "std::"].iter().any(|library| path.starts_with(library))
}

/// The path of a type without its last generic arguments: what all instances have in common.
#[must_use]
pub fn base_path(type_name: &str) -> &str {
    if !type_name.contains('<') {
        return type_name;
    }
    match path_segments(type_name).last() {
        Some(Segment { text, arguments: Some(_) }) => {
            let start = text.as_ptr() as usize - type_name.as_ptr() as usize;
            &type_name[..start + text.len()]
        }
        _ => type_name,
    }
}

/// A path without any generic arguments: of `a::Task<F>::run<F>` it is `a::Task::run`.
#[must_use]
pub fn plain_path(path: &str) -> String {
    let segments = path_segments(path);
    let texts: Vec<&str> = segments.iter().map(|segment| segment.text).collect();
    texts.join("::")
}

/// Splits at each separator that stands outside all brackets.
pub(super) fn split_outside<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (bytes, separator) = (text.as_bytes(), separator.as_bytes());
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    let mut at = 0;
    // Names are long, and what matters in them is rare. A separator is ASCII, as brackets are, and
    // so lies in no other letter.
    let matters = |depth: usize, byte: u8| {
        IS_BRACKET[usize::from(byte)] || depth == 0 && separator.first() == Some(&byte)
    };
    while let Some(next) = bytes[at..].iter().position(|byte| matters(depth, *byte)) {
        at += next;
        if depth == 0 && bytes[at..].starts_with(separator) {
            parts.push(&text[start..at]);
            at += separator.len();
            start = at;
            continue;
        }
        match bytes[at] {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            // The `>` of `->` closes nothing.
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    parts.push(&text[start..]);
    parts
}

static IS_BRACKET: [bool; 256] = {
    let mut table = [false; 256];
    let mut brackets: &[u8] = b"<>()[]{}";
    while let [first, rest @ ..] = brackets {
        table[*first as usize] = true;
        brackets = rest;
    }
    table
};

pub(super) fn split_once_outside<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let first = split_outside(text, separator)[0];
    (first.len() < text.len()).then(|| (first, &text[first.len() + separator.len()..]))
}
