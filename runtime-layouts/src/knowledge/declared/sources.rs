//! From texts to libraries: each text is read once, and what it declares is known for good.

use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::form;
use super::text::{leaked, leaked_all};
use crate::knowledge::Library;
use crate::layout::source::KnowledgeText;

/// Texts that are read in one run of this program, at most: what they declare is kept.
const MAX_TEXTS: usize = 1000;

/// What is said of more.
const TOO_MANY: &str = "it is one too many of the texts that one run of unhang reads";

/// The libraries of some texts, and a sentence for each text that is wrong.
type Libraries = (&'static [&'static Library], Vec<String>);

/// What these texts declare, in their order, and a sentence for each that cannot be used.
pub(crate) fn libraries(texts: &[KnowledgeText]) -> Libraries {
    static KNOWN: Mutex<Option<FxHashMap<Vec<KnowledgeText>, Libraries>>> = Mutex::new(None);
    if texts.is_empty() {
        return (&[], Vec::new());
    }
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(same) = known.get(texts) {
        return same.clone();
    }
    let (mut libraries, mut problems) = (Vec::new(), Vec::new());
    if known.len() >= MAX_TEXTS {
        return (&[], vec![TOO_MANY.to_string()]);
    }
    for text in texts {
        match library(text) {
            Ok(library) => libraries.push(library),
            Err(why) => {
                problems.push(format!("the knowledge in {} is not used: {why}", text.origin));
            }
        }
    }
    let found: Libraries = (leaked_all(libraries), problems);
    known.insert(texts.to_vec(), found.clone());
    found
}

/// What a text declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// The library that it names.
    pub library: &'static str,
    /// The types that are waited for.
    pub types: Vec<&'static str>,
}

/// What a text declares.
///
/// # Errors
/// Why it cannot be used, in a sentence without a full stop.
pub fn summary(text: &KnowledgeText) -> Result<Summary, String> {
    let library = library(text)?;
    let mut types: Vec<&str> =
        library.resources.iter().filter_map(|ty| ty.declared_type()).collect();
    types.dedup();
    Ok(Summary { library: library.name, types })
}

/// The library that a text declares, read once.
fn library(text: &KnowledgeText) -> Result<&'static Library, String> {
    type Known = FxHashMap<KnowledgeText, Result<&'static Library, String>>;
    static KNOWN: Mutex<Option<Known>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if known.len() >= MAX_TEXTS && !known.contains_key(text) {
        return Err(TOO_MANY.to_string());
    }
    known.entry(text.clone()).or_insert_with(|| read(text)).clone()
}

fn read(text: &KnowledgeText) -> Result<&'static Library, String> {
    let origin = leaked(&text.origin);
    let text = match &text.text {
        Ok(text) => text,
        Err(why) => return Err(format!("it cannot be read: {why}")),
    };
    match form::read(text, Some(origin)) {
        Ok((library, _)) => Ok(Box::leak(Box::new(library))),
        Err(error) => Err(error.to_string()),
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
