//! From texts to libraries: each text is read once, and what it declares is known for good.

use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::form;
use super::text::{leaked, leaked_all};
use crate::knowledge::Library;
use crate::layout::source::KnowledgeText;

/// Texts that are read in one run of this program, at most: what they declare is kept.
const MOST_TEXTS: usize = 1000;

/// What was read so far.
#[derive(Default)]
struct Known {
    texts: FxHashMap<KnowledgeText, Result<&'static Library, String>>,
    /// By the texts that they are of.
    lists: FxHashMap<Vec<KnowledgeText>, Libraries>,
}

/// The libraries of some texts, and a sentence for each text that is wrong.
type Libraries = (&'static [&'static Library], Vec<String>);

/// What these texts declare, in their order, and a sentence for each that cannot be used.
pub(crate) fn libraries(texts: &[KnowledgeText]) -> Libraries {
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    if texts.is_empty() {
        return (&[], Vec::new());
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(same) = known.lists.get(texts) {
        return same.clone();
    }
    if known.texts.len() + texts.len() > MOST_TEXTS || known.lists.len() > MOST_TEXTS {
        let what = format!("more than {MOST_TEXTS} texts with knowledge were read: no more are");
        return (&[], vec![what]);
    }
    let (mut libraries, mut problems) = (Vec::new(), Vec::new());
    for text in texts {
        let read = known.texts.entry(text.clone()).or_insert_with(|| read(text));
        match read {
            Ok(library) => libraries.push(*library),
            Err(problem) => problems.push(problem.clone()),
        }
    }
    let found: Libraries = (leaked_all(libraries), problems);
    known.lists.insert(texts.to_vec(), found.clone());
    found
}

fn read(text: &KnowledgeText) -> Result<&'static Library, String> {
    let origin = leaked(&text.origin);
    match form::read(&text.text, Some(origin)) {
        Ok((library, _)) => Ok(Box::leak(Box::new(library))),
        Err(error) => Err(format!("the knowledge in {origin} is not used: {error}")),
    }
}

/// The texts in a section of a program: each begins with a line `unhang = 1`, since the linker puts
/// those of all crates one behind the other. Zeros may stand between them.
#[must_use]
pub fn documents(section: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(section);
    let mut found: Vec<String> = Vec::new();
    for part in text.split('\0').filter(|part| !part.trim().is_empty()) {
        let mut has_begun = false;
        let mut document = String::new();
        for line in part.split_inclusive('\n') {
            let is_first =
                line.strip_prefix("unhang").is_some_and(|rest| rest.trim_start().starts_with('='));
            if is_first && has_begun {
                found.push(std::mem::take(&mut document));
            }
            has_begun |= is_first;
            document.push_str(line);
        }
        found.push(document);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_the_texts_of_all_crates() {
        let both = b"# mine\nunhang = 1\nlibrary = \"a\"\nunhang = 1\nlibrary = \"b\"\n\0\0\n\0";
        let first = "# mine\nunhang = 1\nlibrary = \"a\"\n";
        assert_eq!(documents(both), [first, "unhang = 1\nlibrary = \"b\"\n"]);
        assert_eq!(documents(b""), [""; 0]);
        assert_eq!(documents(b"\xff\xfe"), ["\u{fffd}\u{fffd}"]);
    }
}
