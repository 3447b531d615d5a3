//! What each kind of finding means: the pages of `docs/findings`, for a terminal.

use std::io::{self, Write};

use super::Look;
use super::style::{Out, Style};

/// The pages, by the words for their kinds.
const PAGES: &[(&str, &str)] = &[
    ("deadlock", include_str!("../../findings/deadlock.md")),
    ("futurelock", include_str!("../../findings/futurelock.md")),
    ("blocked-worker", include_str!("../../findings/blocked-worker.md")),
    ("never-woken", include_str!("../../findings/never-woken.md")),
    ("lock-across-await", include_str!("../../findings/lock-across-await.md")),
    ("undriven", include_str!("../../findings/undriven.md")),
    ("shutdown", include_str!("../../findings/shutdown.md")),
];

/// The words for the kinds that have a page: those of the JSON report, with hyphens.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    PAGES.iter().map(|(kind, _)| *kind)
}

/// Writes the page of a kind. Without a kind, or with one that has no page, writes what there is: a
/// line each.
///
/// # Errors
/// What `out` returns.
pub fn write(kind: Option<&str>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let out = &mut Out::new(out, look);
    match PAGES.iter().find(|(known, _)| Some(*known) == kind) {
        Some((_, page)) => write_page(page, out),
        None => PAGES.iter().try_for_each(|(kind, page)| {
            let margin = format!("{kind:WIDTH$}  ");
            out.paragraph(&margin, &" ".repeat(WIDTH + 2), Style::Plain, &plain(summary(page)))
        }),
    }
}

/// Columns of the words for kinds.
const WIDTH: usize = 17;

/// The paragraph below the title.
fn summary(page: &str) -> &str {
    page.split("\n\n").nth(1).unwrap_or_default()
}

/// The page without what only Markdown needs: headings, paragraphs and lists, and examples as they
/// are.
fn write_page(page: &str, out: &mut Out<'_>) -> io::Result<()> {
    let mut is_example = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_example = !is_example;
        } else if line.is_empty() {
            out.end()?;
        } else if is_example {
            out.line(format_args!("  {line}"))?;
        } else if line.starts_with('#') {
            let title = line.trim_start_matches('#').trim_start();
            out.paragraph("", "", Style::Heading, title)?;
        } else if let Some(item) = line.strip_prefix("- ") {
            out.paragraph("- ", "  ", Style::Plain, &plain(item))?;
        } else {
            out.paragraph("", "", Style::Plain, &plain(line))?;
        }
    }
    Ok(())
}

/// The text with the names of links alone.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = link(rest) {
        plain.push_str(before);
        plain.push_str(name);
        rest = after;
    }
    plain + rest
}

/// The text before the first link, its name, and the text behind it.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (name, target) = text.split_once("](")?;
    let (before, name) = name.rsplit_once('[')?;
    let (_, after) = target.split_once(')')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: Option<&str>) -> String {
        let look = Look {
            width: Some(80),
            styled: false,
            full_names: false,
            user_only: false,
            current: None,
        };
        let mut text = Vec::new();
        write(kind, &look, &mut text).expect("a vector");
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn every_page_reads_without_markdown() {
        for kind in kinds() {
            let page = text(Some(kind));
            assert!(!page.contains("](") && !page.contains("```"), "{page}");
            for heading in ["What it means", "How it is proven", "What is not seen", "Ways out"] {
                assert!(page.lines().any(|line| line == heading), "{kind}: {heading}");
            }
            let is_wide = |line: &&str| line.chars().count() > 80 && !line.starts_with("  ");
            assert_eq!(page.lines().find(is_wide), None, "{kind}");
        }
    }

    #[test]
    fn the_list_has_every_kind() {
        for kind in kinds() {
            assert!(text(None).contains(kind) && kind.len() <= WIDTH, "{kind}");
        }
    }

    #[test]
    fn of_links_the_name_stays() {
        assert_eq!(plain("as a [deadlock](deadlock.md): all"), "as a deadlock: all");
        assert_eq!(plain("[a](b)[c](d)"), "ac");
        assert_eq!(plain("x[0](1"), "x[0](1");
    }
}
