//! Finds texts that declare what a program's types are: in the program, in files beside it, and in
//! those that the user names.
//!
//! What such a text says, [`runtime_layouts::knowledge::declared`] knows.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use runtime_layouts::knowledge::declared::{LARGEST, documents};
use runtime_layouts::layout::source::KnowledgeText;

use crate::object::object_file::ObjectFile;

/// The environment variable with the files and folders of texts, as `PATH` has folders of programs.
pub const KNOWLEDGE_VARIABLE: &str = "UNHANG_KNOWLEDGE";

/// The section of a program in which texts of its libraries are.
pub const KNOWLEDGE_SECTION: &str = ".unhang_knowledge";

/// What is behind the program's name in that of the file beside it.
const SUFFIX: &str = ".knowledge.toml";
/// Files of one folder that are read, at most.
const MAX_FILES: usize = 100;
/// Texts of one section that are read, at most.
const MAX_TEXTS: usize = 100;

/// Reads the text in a file. One that cannot be read says why.
#[must_use]
pub fn read_knowledge(file: &Path) -> KnowledgeText {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // One byte more says that it is too large.
        File::open(file)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = match read() {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "it is no text".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    KnowledgeText { origin: file.display().to_string(), text }
}

/// The texts of a program that stand in files: in `PROGRAM.knowledge.toml` beside it, and in the files
/// and the folders (as `*.toml`) of [`KNOWLEDGE_VARIABLE`].
#[must_use]
pub fn find_knowledge(program: &Path) -> Vec<KnowledgeText> {
    let listed = std::env::var_os(KNOWLEDGE_VARIABLE).unwrap_or_default();
    let listed: Vec<PathBuf> = std::env::split_paths(&listed).collect();
    files(program, &listed).iter().map(|file| read_knowledge(file)).collect()
}

/// The files, in the order in which they are read.
fn files(program: &Path, listed: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Some(name) = program.file_name() {
        let mut name = name.to_owned();
        name.push(SUFFIX);
        let beside = program.with_file_name(name);
        found.extend(beside.is_file().then_some(beside));
    }
    for path in listed.iter().filter(|path| !path.as_os_str().is_empty()) {
        if !path.is_dir() {
            // One that is not there is to be said.
            found.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let is_text = |file: &PathBuf| file.extension().is_some_and(|it| it == "toml");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_text).collect();
        files.sort();
        files.truncate(MAX_FILES);
        found.append(&mut files);
    }
    found
}

/// The texts in a program's section.
pub(crate) fn in_object(object: &ObjectFile) -> Vec<KnowledgeText> {
    let Some(section) = object.section(KNOWLEDGE_SECTION) else { return Vec::new() };
    let name = object.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let texts = documents(&section).into_iter().take(MAX_TEXTS);
    let text = |(number, text)| KnowledgeText {
        origin: match number {
            1 => format!("section {KNOWLEDGE_SECTION} of {name}"),
            number => format!("section {KNOWLEDGE_SECTION} of {name}, text {number}"),
        },
        text: Ok(text),
    };
    (1..).zip(texts).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_beside_the_program_and_where_the_user_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "unhang = 1").expect("written");
            path
        };
        let shelf = folder.path().join("shelf");
        std::fs::create_dir(&shelf).expect("a folder");
        let beside = file("app.knowledge.toml");
        let (second, first) = (file("shelf/b.toml"), file("shelf/a.toml"));
        file("shelf/notes.md");
        let missing = folder.path().join("missing.toml");
        let found = files(&folder.path().join("app"), &[shelf, missing.clone()]);
        assert_eq!(found, [beside.clone(), first, second, missing.clone()]);
        assert_eq!(read_knowledge(&beside).text.as_deref(), Ok("unhang = 1"));
        assert!(read_knowledge(&missing).text.is_err());
    }
}
