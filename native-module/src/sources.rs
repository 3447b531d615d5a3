//! Where the layouts of each file come from, kept across stops.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use runtime_layouts::knowledge::declared;
use runtime_layouts::layout::file::LayoutFile;
use runtime_layouts::layout::source::{KnowledgeText, LayoutSource, Provenance};

use crate::failure::Failure;
use report_text::text::style::escaped;

/// Every source that was opened in this session.
#[derive(Default)]
pub(crate) struct Sources {
    /// By path, with what the file was when it was opened.
    programs: HashMap<PathBuf, (Stamp, Arc<dyn LayoutSource>)>,
    /// The same for libraries; `None` for those that have no runtime in them.
    libraries: HashMap<PathBuf, (Stamp, Option<Arc<dyn LayoutSource>>)>,
    /// Layout files that the user loaded, by build id.
    files: HashMap<String, Arc<dyn LayoutSource>>,
    /// Texts that the user loaded, which declare what types are.
    pub(crate) knowledge: Vec<KnowledgeText>,
    /// What the last inspection used, for `async layouts`.
    pub(crate) in_use: Vec<Provenance>,
}

/// Tells a rebuilt file from the one that was opened.
#[derive(PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { length: metadata.len(), modified: metadata.modified().ok() })
    }
}

impl Sources {
    /// The program's own layouts, opened once as long as the file stays the same.
    ///
    /// # Errors
    /// When the file cannot be read or is no object file.
    pub(crate) fn program(&mut self, path: &Path) -> Result<Arc<dyn LayoutSource>, Failure> {
        let stamp = Stamp::of(path).map_err(|error| {
            Failure::Sentence(format!("Cannot read {}: {error}.", escaped(&path.to_string_lossy())))
        })?;
        if let Some((known, source)) = self.programs.get(path)
            && *known == stamp
        {
            return Ok(source.clone());
        }
        let source = open_program(path)?;
        self.programs.insert(path.to_owned(), (stamp, source.clone()));
        Ok(source)
    }

    /// The layouts of a library; `None` when it cannot be read, and when no runtime is in it.
    pub(crate) fn library(&mut self, path: &Path) -> Option<Arc<dyn LayoutSource>> {
        let stamp = Stamp::of(path).ok()?;
        if let Some((known, source)) = self.libraries.get(path)
            && *known == stamp
        {
            return source.clone();
        }
        let source = layout_extractor::open_library(path, &[]);
        self.libraries.insert(path.to_owned(), (stamp, source.clone()));
        source
    }

    /// The layout file that the user loaded for the program with that build id.
    pub(crate) fn file(&self, build_id: &str) -> Option<Arc<dyn LayoutSource>> {
        self.files.get(build_id).cloned()
    }

    /// Loads a layout file, and returns the build id of the program that it describes.
    ///
    /// # Errors
    /// When the file cannot be read, is no layout file, or names no program.
    pub(crate) fn load(&mut self, path: &Path) -> Result<String, Failure> {
        let source = open_file(path)?;
        let build_id = source.facts().build_id.clone().ok_or_else(|| {
            Failure::Sentence(format!(
                "{} does not say which program it describes: it has no build id.",
                escaped(&path.to_string_lossy())
            ))
        })?;
        self.files.insert(build_id.clone(), source);
        Ok(build_id)
    }

    /// Takes the layouts of a program from its twin.
    ///
    /// # Errors
    /// When one of them cannot be read, when they do not fit, and when the program has no build id.
    pub(crate) fn load_twin(&mut self, program: &Path, twin: &Path) -> Result<(), Failure> {
        let source =
            layout_extractor::open_twin(program, twin).map_err(|error| sentence(&error))?;
        let build_id = source.facts().build_id.clone().ok_or_else(|| {
            Failure::Sentence(format!("{} has no build id.", escaped(&program.to_string_lossy())))
        })?;
        self.files.insert(build_id, source);
        Ok(())
    }

    /// Loads a text that declares what types are, in place of what that file had before. Returns what
    /// it declares.
    ///
    /// # Errors
    /// When the file cannot be read, or something in it is wrong.
    pub(crate) fn load_knowledge(&mut self, path: &Path) -> Result<declared::Summary, Failure> {
        let text = layout_extractor::read_knowledge(path);
        let summary = declared::summary(&text).map_err(|why| {
            of_text(&format!("the knowledge in {} is not used: {why}", text.origin))
        })?;
        self.knowledge.retain(|known| known.origin != text.origin);
        self.knowledge.push(text);
        Ok(summary)
    }

    /// Keeps what was asked of all programs for the next session.
    pub(crate) fn remember(&self) {
        let libraries = self.libraries.values().filter_map(|(_, source)| source.as_ref());
        let programs = self.programs.values().map(|(_, source)| source);
        programs.chain(libraries).for_each(|source| source.remember());
    }

    /// The layout files that were loaded.
    pub(crate) fn loaded(&self) -> impl Iterator<Item = &Arc<dyn LayoutSource>> {
        self.files.values()
    }
}

/// Opens a program's debug information, or its layout file.
fn open_program(path: &Path) -> Result<Arc<dyn LayoutSource>, Failure> {
    layout_extractor::open_program(path, &[]).map_err(|error| sentence(&error))
}

/// Opens a layout file.
fn open_file(path: &Path) -> Result<Arc<dyn LayoutSource>, Failure> {
    let source = LayoutFile::open(path).map_err(|error| sentence(&error))?;
    Ok(Arc::new(source))
}

/// A sentence from a library's error.
fn sentence(error: &dyn std::error::Error) -> Failure {
    of_text(&error.to_string())
}

/// A sentence from a text without a full stop.
fn of_text(text: &str) -> Failure {
    let text = runtime_layouts::report::sentence(&escaped(text));
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    Failure::Sentence(format!("{first}{}", characters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> std::path::PathBuf {
        std::env::current_exe().expect("a test has a path")
    }

    #[test]
    fn a_program_is_opened_once() {
        let mut sources = Sources::default();
        let first = sources.program(&own()).expect("an object file");
        let second = sources.program(&own()).expect("an object file");
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn what_is_no_program_is_said() {
        let mut sources = Sources::default();
        let text = |error: Option<Failure>| error.expect("an error").to_string();
        let missing = text(sources.program(Path::new("/nowhere/x\n")).err());
        assert!(missing.starts_with("Cannot read /nowhere/x\\n: "), "{missing}");
        let folder = text(sources.program(Path::new("/")).err());
        assert!(folder.contains('/') && folder.ends_with('.'), "{folder}");
        let program = text(sources.load(&own()).err());
        assert!(program.starts_with("This is not a layout file: "), "{program}");
    }
}
